/** All words of the panel's controls in one table: whoever translates the panel begins, and for its controls ends, here. */

var WORDS = {
    "send": ["Key selected layers", "Send every selected layer. With Shift: with the choices that its footage was sent with last."],
    "test": ["Test frame", "Key the frame at the playhead now, and show it below."],
    "refresh": ["Refresh", "Ask the service how it is and how far the jobs are."],
    "dashboard": ["Dashboard", "Open the service\u2019s page in the browser."],
    "foldKey": ["Key", "Show or hide the choices."],
    "foldPicture": ["Picture", "Show or hide the test frame."],
    "foldJobs": ["Jobs", "Show or hide the list of jobs."],
    "screen": ["Screen", "The screen\u2019s color: found by itself, or picked."],
    "pick": ["Pick\u2026", "Choose the screen\u2019s color in a dialog."],
    "sample": ["Sample", "Take the screen\u2019s color from the comp: press, drag the point onto the screen, press again."],
    "encoding": ["Plate", "How the plate is encoded. Remembered for the footage of the selected layers."],
    "despill": ["Despill", "How much of the screen\u2019s light is taken off the subject."],
    "fine": ["More", "Any other setting of the key: choose it, type its value; empty: as it comes. docs/controls.md shows each."],
    "output": ["Output", "What comes back into the comp."],
    "range": ["Range", "Which frames are keyed."],
    "handles": ["Handles", "Frames before and after the range, as far as the source goes."],
    "preset": ["Preset", "A usual correction, on top of the other choices."],
    "presets": ["Presets\u2026", "Save the choices of now under a name, or take a preset away; the page shows the same ones."],
    "save": ["Save", ""],
    "removePreset": ["Remove preset", ""],
    "effects": ["Effects", "Render the layer\u2019s effects into the plate, or send the file as if they were not there."],
    "reset": ["Reset", "All choices back to their defaults."],
    "view": ["View", "Which picture of the test frame is shown."],
    "zoom": ["", "How large the test frame is drawn; click into it to move. Beyond Fit, the next Test frame is keyed in full size."],
    "before": ["Before", "Show the plate while it is ticked, to compare."],
    "filterProject": ["List", "Jobs of all projects, or of the open one only."],
    "filterState": ["", "Which jobs are listed."],
    "jobs": ["", "Double-click brings a job\u2019s key back."],
    "bring": ["Bring back", "Import the chosen job\u2019s key and place it above its source."],
    "bringAll": ["Bring all", "Bring back every finished job of this project."],
    "place": ["Place here", "Place the chosen job\u2019s key on the selected layer, where its own is gone."],
    "pause": ["Pause", "Stop between two frames, or go on."],
    "cancel": ["Cancel", "Stop the job; finished frames stay on disk."],
    "retry": ["Retry", "Key the frames that failed once more."],
    "again": ["Key again", "A new version with the masks, the trim and the choices of now."],
    "accept": ["Accept", "Take the result with its holes."],
    "sooner": ["Sooner", "Key this job before others."],
    "remove": ["Remove", "Take a job that is at rest off this list; its files stay."],
    "live": ["Live", "Refresh every two seconds while a job runs. A dialog of After Effects may end it until the next click."],
    "auto": ["Auto", "Bring keys of this project back as soon as a Refresh finds them finished."],
    "setup": ["Setup\u2026", "Folders, render template, label and folder of what comes back."],
    "details": ["Details\u2026", "What the panel did, to be copied for whoever helps."],
    "resume": ["Resume", ""],
    "ready": ["DropKey \u2013 press Refresh", ""]
};

/** The label of a control. */
function word(name) {
    return WORDS[name][0];
}

function tip(name) {
    return WORDS[name][1];
}

var STATE_WORDS = {
    "rendering": "rendering",
    "submitting": "sending",
    "waiting_input": "waiting for files",
    "queued": "queued",
    "running": "keying",
    "paused": "paused",
    "root_offline": "folder offline",
    "needs_attention": "needs attention",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "imported": "in the comp",
    "in-project": "in the project",
    "stale": "source changed",
    "orphan": "layer gone",
    "lost": "unknown to DropKey"
};
var STATE_LABELS = {
    "unconfigured": "not set up", "no-permission": "no permission", "offline": "offline", "timeout": "no answer",
    "garbage": "not DropKey", "incompatible": "other version", "wrong-token": "wrong token", "loading-model": "loading",
    "not-ready": "not ready", "ready": "ready", "busy": "busy", "files": "shared folder"
};
var FINE_CHOICES = [
    ["choke", "Choke, px (\u2212: spread)"],
    ["soften", "Soften, px"],
    ["edge_extend", "Extend edges, px"],
    ["despill_bias", "Despill bias, R, G, B"],
    ["despill_where", "Despill: all, edges"],
    ["spill_replacement", "Replace spill, R, G, B"],
    ["restore_luminance", "Restore luminance"],
    ["grain_match", "Match grain"],
    ["temporal", "Steady over time: auto, off"],
    ["delivery.color_space", "Working space"],
    ["delivery.depth", "EXR: float, half"],
    ["alpha_floor", "Alpha floor"],
    ["alpha_ceiling", "Alpha ceiling"]
];

var OUTPUT_CHOICES = [
    ["foreground", "Foreground with alpha"],
    ["both", "Foreground; alpha in the project"],
    ["matte", "Plate with alpha as track matte"],
    ["suits", "What suits the project\u2019s depth"]
];
var RANGE_CHOICES = [["layer", "Layer trim"], ["workarea", "Work area"], ["whole", "Whole clip"]];
var EFFECT_CHOICES = [["render", "Render effects in"], ["ignore", "Send file without effects"]];
var SCREEN_CHOICES = [["auto", "Auto"], ["picked", "Picked color"]];
var VIEW_CHOICES = [["grey", "On grey"], ["alpha", "Alpha"], ["foreground", "Foreground"], ["plate", "Plate"]];
var ZOOM_CHOICES = [[0, "Fit"], [1, "1:1"], [2, "2:1"], [4, "4:1"]];
var PROJECT_CHOICES = [["all", "All projects"], ["this", "This project"]];
var STATE_CHOICES = [["all", "All jobs"], ["active", "Under way"], ["finished", "To bring back"], ["problems", "Problems"]];
var FOLDER_CHOICES = [["one", "One folder \u201cDropKey\u201d"], ["comp", "A folder for each comp in it"], ["source", "Beside the source"]];
// The short names of docs/color.md.
var ENCODING_CHOICES = [
    ["auto", "Auto"], ["srgb", "sRGB"], ["rec709", "Rec.709 (display, 2.4)"], ["rec709-camera", "Rec.709 (camera)"],
    ["gamma22", "Gamma 2.2"], ["linear", "Linear Rec.709"], ["acescg", "ACEScg"], ["acescct", "ACEScct"],
    ["arri-logc3", "ARRI LogC3"], ["arri-logc4", "ARRI LogC4"], ["sony-slog3", "Sony S-Log3 Cine"],
    ["sony-slog3-venice", "Sony Venice S-Log3"], ["red-log3g10", "RED Log3G10"], ["canon-log2", "Canon Log 2"],
    ["canon-log3", "Canon Log 3"], ["panasonic-vlog", "Panasonic V-Log"], ["bmd-film-gen5", "Blackmagic Film Gen 5"],
    ["davinci-intermediate", "DaVinci Intermediate"], ["apple-log", "Apple Log"], ["dji-dlog", "DJI D-Log"],
    ["cineon", "Cineon"], ["hlg", "HLG"], ["pq", "PQ"], ["rec2020", "Rec.2020"], ["display-p3", "Display P3"]
];
