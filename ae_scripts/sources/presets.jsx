/** Presets: choices under a name, the service's own; where it does not answer, what it told last counts. */

var NO_PRESET = "default";
// Those of every DropKey: service/presets.py.
var BUILT_IN_PRESETS = [
    { name: "Dirty screen (crush residue)", settings: { alpha_floor: 0.05 }, comes_with_dropkey: true },
    { name: "Holes in the subject (fill)", settings: { alpha_ceiling: 0.95 }, comes_with_dropkey: true },
    { name: "Keep brightness at despill", settings: { restore_luminance: 1 }, comes_with_dropkey: true }
];
var PRESET_LETTERS = 80;

function knownPresets() {
    var told = setting("presets");
    return isList(told) && told.length > 0 ? told : BUILT_IN_PRESETS;
}

/** What the preset of that name says; nothing where there is none. */
function presetSettings(name) {
    var presets = knownPresets();
    for (var i = 0; i < presets.length; i += 1) {
        if (presets[i].name === name) {
            return own(presets[i], "settings", {});
        }
    }
    return {};
}

function presetChoices() {
    var choices = [[NO_PRESET, SAYS.serviceDefault]];
    var presets = knownPresets();
    for (var i = 0; i < presets.length; i += 1) {
        choices.push([presets[i].name, presets[i].name]);
    }
    return choices;
}

/** Takes up a preset: what it says of the choices that the panel shows is shown there, and can be changed there. */
function choosePreset(name) {
    var said = presetSettings(name);
    changeSetting("preset", name);
    changeSetting("fine", {});
    changeSetting("despill", own(said, "despill", DEFAULT_SETTINGS.despill));
    if (has(said, "screen_color")) {
        changeSetting("screenColor", said.screen_color);
    }
}

/** Asks the service for its presets; what it told last stays where it does not answer. */
function refreshPresets() {
    attempt(function () { takePresets(askService("GET", "/presets", null, null)); }, null);
}

function takePresets(answer) {
    var told = own(answer, "presets", null);
    var usable = [];
    for (var i = 0; isList(told) && i < told.length; i += 1) {
        if (isText(own(told[i], "name", null)) && own(told[i], "settings", null) !== null) {
            usable.push(told[i]);
        }
    }
    if (usable.length > 0) {
        changeSetting("presets", usable);
    }
}

/** Keeps the choices of now under a name; the page shows them, too. */
function savePreset(name) {
    var wanted = trimmed(name);
    if (wanted === "") {
        throw problem("no-name", SAYS.thePresetHasNoName, SAYS.typeOne);
    }
    takePresets(askService("PUT", "/presets/" + encodeURIComponent(wanted.substring(0, PRESET_LETTERS)), keySettings("auto"), null));
    changeSetting("preset", wanted);
    return filled(SAYS.thePresetIsKept, wanted);
}

function removePreset(name) {
    takePresets(askService("DELETE", "/presets/" + encodeURIComponent(trimmed(name)), null, null));
    if (setting("preset") === trimmed(name)) {
        changeSetting("preset", NO_PRESET);
    }
    return filled(SAYS.thePresetIsGone, trimmed(name));
}

/** A dialog that keeps the choices of now under a name, or takes a preset away. */
function showPresets() {
    var window = new Window("dialog", SAYS.dropkeyPresets);
    window.alignChildren = ["fill", "top"];
    var line = row(window);
    line.add("statictext", undefined, SAYS.name).preferredSize = [LABEL_WIDTH, -1];
    var field = line.add("edittext", undefined, setting("preset") === NO_PRESET ? "" : setting("preset"));
    field.characters = 36;
    var buttons = row(window);
    presetButton(window, field, buttons.add("button", undefined, word("save")), savePreset);
    presetButton(window, field, buttons.add("button", undefined, word("removePreset")), removePreset);
    var close = buttons.add("button", undefined, SAYS.close);
    close.onClick = function () { window.close(); };
    window.show();
}

function presetButton(window, field, pressed, act) {
    pressed.onClick = guarded("presets", function () {
        var name = field.text;
        // Away before anything is asked for: what goes wrong is told in the panel, behind the dialog.
        window.close();
        var said = act(name);
        showAllChoices();
        say(said, null);
    });
}
