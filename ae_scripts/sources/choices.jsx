/** The few settings in the panel: controls that show what is remembered, and remember what is changed. */

var LABEL_WIDTH = 50;

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

/** A control with its help tip; `name` is its entry in WORDS. */
function tipped(control, name) {
    control.helpTip = tip(name);
    return control;
}

function label(parent, name) {
    var made = tipped(parent.add("statictext", undefined, word(name)), name);
    made.preferredSize = [LABEL_WIDTH, -1];
    return made;
}

function button(parent, name) {
    return tipped(parent.add("button", undefined, word(name)), name);
}

function buildChoices(box, controls) {
    var first = row(box);
    label(first, "screen");
    controls.screen = list(first, SCREEN_CHOICES, "screen");
    controls.pick = button(first, "pick");
    controls.sample = button(first, "sample");
    var plate = row(box);
    label(plate, "encoding");
    controls.encoding = list(plate, ENCODING_CHOICES, "encoding");
    var second = row(box);
    label(second, "despill");
    controls.despill = tipped(second.add("slider", undefined, 1, 0, 1), "despill");
    controls.despill.alignment = ["fill", "center"];
    controls.despillText = second.add("statictext", undefined, "100 %");
    var third = row(box);
    label(third, "output");
    controls.output = list(third, OUTPUT_CHOICES, "output");
    var fourth = row(box);
    label(fourth, "range");
    controls.range = list(fourth, RANGE_CHOICES, "range");
    fourth.add("statictext", undefined, word("handles"));
    controls.handles = tipped(fourth.add("edittext", undefined, "0"), "handles");
    controls.handles.characters = 4;
    var fifth = row(box);
    label(fifth, "preset");
    controls.preset = list(fifth, presetChoices(), "preset");
    controls.presets = button(fifth, "presets");
    var sixth = row(box);
    label(sixth, "effects");
    controls.effects = list(sixth, EFFECT_CHOICES, "effects");
    controls.reset = button(sixth, "reset");
    var seventh = row(box);
    label(seventh, "fine");
    controls.fine = list(seventh, FINE_CHOICES, "fine");
    controls.fineValue = tipped(seventh.add("edittext", undefined, ""), "fine");
    controls.fineValue.characters = 9;
    controls.fine.onChange = guarded("fine", function () {
        if (controls.fine.selection) {
            showFine(controls);
        }
    });
    controls.fineValue.onChange = guarded("fine", function () {
        takeFine(controls);
        showFine(controls);
    });
    controls.presetsShown = labelsOf(presetChoices()).join("\n");
    connectChoices(controls);
}

function list(parent, choices, name) {
    var made = tipped(parent.add("dropdownlist", undefined, labelsOf(choices)), name);
    made.alignment = ["fill", "center"];
    // Narrower than its longest entry, so that a docked column may be.
    made.minimumSize = [60, 20];
    made.preferredSize = [60, -1];
    made.selection = 0;
    return made;
}

function connectChoices(controls) {
    connectList(controls, "output", OUTPUT_CHOICES, null);
    connectList(controls, "range", RANGE_CHOICES, null);
    controls.preset.onChange = guarded("preset", function () {
        var chosen = controls.preset.selection;
        if (chosen && !controls.fillingPresets && presetChoices()[chosen.index][0] !== setting("preset")) {
            choosePreset(presetChoices()[chosen.index][0]);
            showChoices(controls);
        }
    });
    controls.presets.onClick = guarded("presets", showPresets);
    connectList(controls, "effects", EFFECT_CHOICES, null);
    controls.pick.onClick = guarded("pick a color", function () { pickScreen(controls); });
    controls.sample.onClick = guarded("sample the screen", function () {
        var said = sampleScreen();
        showChoices(controls);
        say(said, null);
    });
    controls.encoding.onChange = guarded("plate encoding", function () {
        var chosen = ENCODING_CHOICES[controls.encoding.selection.index][0];
        if (chosen !== shownEncoding()) {
            tellEncoding(chosen);
        }
    });
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
        takeTyped(controls);
        showChoices(controls);
    });
    controls.reset.onClick = guarded("reset", function () {
        resetSettings();
        showChoices(controls);
        say(SAYS.allChoicesAreBackAtTheir, null);
    });
}

function connectList(controls, name, choices, after) {
    controls[name].onChange = guarded(name, function () {
        changeSetting(name, choices[controls[name].selection.index][0]);
        if (after) {
            after();
        }
    });
}

/** The value of the setting that the list of others names: what was typed, or what the preset says of it. */
function showFine(controls) {
    controls.fineName = FINE_CHOICES[controls.fine.selection.index][0];
    var value = own(setting("fine"), controls.fineName, own(presetSettings(setting("preset")), controls.fineName, ""));
    var isPlain = isText(value);
    controls.fineShown = isPlain ? value : jsonStringify(value).replace(/^\[|\]$/g, "").replace(/,/g, ", ");
    controls.fineValue.text = controls.fineShown;
}

/** A number, several with commas between, JSON, or a word. */
function takeFine(controls) {
    var text = trimmed(controls.fineValue.text);
    if (text === controls.fineShown) {
        return;
    }
    controls.fineShown = text;
    var kept = merged({}, setting("fine"));
    delete kept[controls.fineName];
    if (text !== "") {
        kept[controls.fineName] = attempt(function () {
            return jsonParse(/^[^{\[]*,/.test(text) ? "[" + text + "]" : text);
        }, text);
    }
    changeSetting("fine", kept);
}

/** What was typed counts without Enter, too: a button that is pressed may leave the focus where it was. */
function takeTyped(controls) {
    takeFine(controls);
    if (controls.handles.text === controls.handlesShown) {
        return;
    }
    controls.handlesShown = controls.handles.text;
    var frames = parseInt(controls.handles.text, 10);
    changeSetting("handles", isNaN(frames) ? 0 : limited(frames, 0, 1000));
}

function pickScreen(controls) {
    var packed = $.colorPicker(-1);
    if (packed >= 0) {
        changeSetting("screenColor", linearColor(packed));
    }
    showChoices(controls);
}

/** The presets that are known now: the service, or another panel, may have more than when this one was opened. */
function fillPresets(controls) {
    var choices = presetChoices();
    var shown = labelsOf(choices).join("\n");
    controls.fillingPresets = true;
    try {
        if (controls.presetsShown !== shown) {
            controls.preset.removeAll();
            for (var i = 0; i < choices.length; i += 1) {
                controls.preset.add("item", choices[i][1]);
            }
        }
        controls.presetsShown = shown;
        controls.preset.selection = placeOf(choices, setting("preset"));
    } finally {
        controls.fillingPresets = false;
    }
}

/** Shows what is remembered. */
function showChoices(controls) {
    controls.screen.selection = isList(setting("screenColor")) ? 1 : 0;
    controls.despill.value = setting("despill");
    controls.despillText.text = Math.round(setting("despill") * 100) + " %";
    controls.output.selection = placeOf(OUTPUT_CHOICES, setting("output"));
    controls.range.selection = placeOf(RANGE_CHOICES, setting("range"));
    controls.handles.text = String(setting("handles"));
    controls.handlesShown = controls.handles.text;
    controls.fine.selection = controls.fine.selection || 0;
    showFine(controls);
    fillPresets(controls);
    controls.effects.selection = placeOf(EFFECT_CHOICES, setting("effects"));
    controls.encoding.selection = placeOf(ENCODING_CHOICES, shownEncoding());
    controls.view.selection = placeOf(VIEW_CHOICES, setting("view"));
    controls.live.value = setting("live");
    controls.auto.value = setting("auto");
    controls.zoom.selection = placeOf(ZOOM_CHOICES, setting("zoom"));
    controls.filterProject.selection = placeOf(PROJECT_CHOICES, setting("filterProject"));
    controls.filterState.selection = placeOf(STATE_CHOICES, setting("filterState"));
}
