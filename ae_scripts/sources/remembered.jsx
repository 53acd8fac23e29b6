/** What is remembered for each source: how its plate is encoded, and the choices that it was sent with last. */

var MOST_SOURCES = 100;
var CHOICES_OF_A_KEY = ["screenColor", "despill", "fine", "output", "range", "handles", "effects", "preset"];

function memoryOf(file) {
    return own(setting("sources"), bareName(file), {});
}

function remember(file, more) {
    if (file === "") {
        return;
    }
    var key = bareName(file);
    var sources = setting("sources");
    var fresh = {};
    // The latest first, so that the oldest fall off the end.
    fresh[key] = merged(own(sources, key, {}), more);
    var count = 1;
    for (var name in sources) {
        if (has(sources, name) && name !== key && count < MOST_SOURCES) {
            fresh[name] = sources[name];
            count += 1;
        }
    }
    changeSetting("sources", fresh);
}

/** What the artist says of a file's encoding; `auto` where nothing was said. */
function toldEncoding(file) {
    return own(memoryOf(file), "encoding", "auto");
}

function fileKey(source) {
    var files = filesUnder(source);
    return files.length > 0 ? files[0].fsName : "";
}

/** Remembers an encoding for the footage of all selected layers. */
function tellEncoding(encoding) {
    /** @type {any} */
    var layers = selectedLayers().layers;
    var told = 0;
    for (var i = 0; i < layers.length; i += 1) {
        var file = layers[i].source ? fileKey(layers[i].source) : "";
        remember(file, { encoding: encoding });
        told += file === "" ? 0 : 1;
    }
    if (told === 0) {
        throw problem("no-footage", SAYS.theSelectedLayersHaveNoFootage, SAYS.selectThePlate);
    }
}

/** The encoding of the first selected layer's footage; `auto` where none is selected. */
function shownEncoding() {
    return attempt(function () {
        var comp = app.project ? app.project.activeItem : null;
        /** @type {any} */
        var layers = comp instanceof CompItem ? comp.selectedLayers : [];
        return layers.length > 0 && layers[0].source ? toldEncoding(fileKey(layers[0].source)) : "auto";
    }, "auto");
}

function rememberChoices(file) {
    var choices = {};
    for (var i = 0; i < CHOICES_OF_A_KEY.length; i += 1) {
        choices[CHOICES_OF_A_KEY[i]] = setting(CHOICES_OF_A_KEY[i]);
    }
    remember(file, { choices: choices });
}

/** Takes up the choices that the selected layer's footage was sent with last. */
function recallChoices() {
    /** @type {any} */
    var layer = selectedLayers().layers[0];
    var choices = own(memoryOf(layer.source ? fileKey(layer.source) : ""), "choices", null);
    if (choices === null) {
        throw problem("no-choices", filled(SAYS.wasNotSentBefore, layer.name), SAYS.pressWithoutShift);
    }
    for (var i = 0; i < CHOICES_OF_A_KEY.length; i += 1) {
        changeSetting(CHOICES_OF_A_KEY[i], own(choices, CHOICES_OF_A_KEY[i], setting(CHOICES_OF_A_KEY[i])));
    }
}

function isShiftDown() {
    return attempt(function () { return ScriptUI.environment.keyboardState.shiftKey === true; }, false);
}
