/** The few settings in the panel: controls that show what is remembered, and remember what is changed. */

var OUTPUT_CHOICES = [
    ["foreground", "Foreground with alpha"],
    ["both", "Foreground; alpha in the project"],
    ["matte", "Plate with alpha as track matte"]
];
var RANGE_CHOICES = [["layer", "Layer trim"], ["workarea", "Work area"], ["whole", "Whole clip"]];
var EFFECT_CHOICES = [["render", "Render effects in"], ["ignore", "Send file without effects"]];
var SCREEN_CHOICES = [["auto", "Auto"], ["picked", "Picked color"]];
var VIEW_CHOICES = [["grey", "On grey"], ["alpha", "Alpha"], ["foreground", "Foreground"], ["plate", "Plate"]];

function presetChoices() {
    var choices = [];
    for (var name in PRESETS) {
        if (has(PRESETS, name)) {
            choices.push([name, PRESETS[name].label]);
        }
    }
    return choices;
}

function labelsOf(choices) {
    var labels = [];
    for (var i = 0; i < choices.length; i += 1) {
        labels.push(choices[i][1]);
    }
    return labels;
}

function placeOf(choices, value) {
    for (var i = 0; i < choices.length; i += 1) {
        if (choices[i][0] === value) {
            return i;
        }
    }
    return 0;
}

function row(parent) {
    var group = parent.add("group");
    group.orientation = "row";
    group.alignment = ["fill", "top"];
    group.alignChildren = ["left", "center"];
    return group;
}

function label(parent, text) {
    var made = parent.add("statictext", undefined, text);
    made.preferredSize = [56, -1];
    return made;
}

function buildChoices(parent, controls) {
    var box = parent.add("panel", undefined, "Key");
    box.orientation = "column";
    box.alignment = ["fill", "top"];
    box.alignChildren = ["fill", "top"];
    var first = row(box);
    label(first, "Screen");
    controls.screen = list(first, SCREEN_CHOICES);
    controls.pick = first.add("button", undefined, "Pick\u2026");
    var second = row(box);
    label(second, "Despill");
    controls.despill = second.add("slider", undefined, 1, 0, 1);
    controls.despill.alignment = ["fill", "center"];
    controls.despillText = second.add("statictext", undefined, "100 %");
    var third = row(box);
    label(third, "Output");
    controls.output = list(third, OUTPUT_CHOICES);
    var fourth = row(box);
    label(fourth, "Range");
    controls.range = list(fourth, RANGE_CHOICES);
    fourth.add("statictext", undefined, "Handles");
    controls.handles = fourth.add("edittext", undefined, "0");
    controls.handles.characters = 4;
    var fifth = row(box);
    label(fifth, "Preset");
    controls.preset = list(fifth, presetChoices());
    var sixth = row(box);
    label(sixth, "Effects");
    controls.effects = list(sixth, EFFECT_CHOICES);
    controls.reset = sixth.add("button", undefined, "Reset");
    connectChoices(controls);
}

function list(parent, choices) {
    var made = parent.add("dropdownlist", undefined, labelsOf(choices));
    made.alignment = ["fill", "center"];
    made.selection = 0;
    return made;
}

function connectChoices(controls) {
    connectList(controls, "output", OUTPUT_CHOICES);
    connectList(controls, "range", RANGE_CHOICES);
    connectList(controls, "preset", presetChoices());
    connectList(controls, "effects", EFFECT_CHOICES);
    controls.pick.onClick = guarded("pick a color", function () { pickScreen(controls); });
    controls.screen.onChange = guarded("screen color", function () {
        if (controls.screen.selection.index === 0) {
            changeSetting("screenColor", "auto");
        } else if (!isList(setting("screenColor"))) {
            pickScreen(controls);
        }
    });
    controls.despill.onChange = guarded("despill", function () {
        changeSetting("despill", Math.round(controls.despill.value * 100) / 100);
        showChoices(controls);
    });
    controls.handles.onChange = guarded("handles", function () {
        var frames = parseInt(controls.handles.text, 10);
        changeSetting("handles", isNaN(frames) ? 0 : limited(frames, 0, 1000));
        showChoices(controls);
    });
    controls.reset.onClick = guarded("reset", function () {
        resetSettings();
        showChoices(controls);
        say("All choices are back at their defaults.", null);
    });
}

function connectList(controls, name, choices) {
    controls[name].onChange = guarded(name, function () {
        changeSetting(name, choices[controls[name].selection.index][0]);
    });
}

function pickScreen(controls) {
    var packed = $.colorPicker(-1);
    if (packed >= 0) {
        changeSetting("screenColor", linearColor(packed));
    }
    showChoices(controls);
}

/** Shows what is remembered. */
function showChoices(controls) {
    controls.screen.selection = isList(setting("screenColor")) ? 1 : 0;
    controls.despill.value = setting("despill");
    controls.despillText.text = Math.round(setting("despill") * 100) + " %";
    controls.output.selection = placeOf(OUTPUT_CHOICES, setting("output"));
    controls.range.selection = placeOf(RANGE_CHOICES, setting("range"));
    controls.handles.text = String(setting("handles"));
    controls.preset.selection = placeOf(presetChoices(), setting("preset"));
    controls.effects.selection = placeOf(EFFECT_CHOICES, setting("effects"));
    controls.view.selection = placeOf(VIEW_CHOICES, setting("view"));
    controls.live.value = setting("live");
}
