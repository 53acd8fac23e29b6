/** Samples the screen's color out of the comp: a point control on the layer says where, an expression reads the pixels. */

var POINT_NAME = "DropKey screen point";
var READER_NAME = "DropKey screen color";
// A square of 2 x 2 pixels more than this on each side, before the layer's own effects.
var SAMPLE_RADIUS = 4;
// The gamma of encodings, 0 for the curve of sRGB. Primaries do not matter much to finding a screen; a log curve would.
var SAMPLED_CURVES = { "linear": 1, "acescg": 1, "srgb": 0, "display-p3": 0, "rec709": 2.4, "rec2020": 2.4, "gamma22": 2.2, "adobe-rgb": 2.2 };

/** First press: lays a point on the layer. Second: reads the color under it, and takes the point away again. */
function sampleScreen() {
    /** @type {any} */
    var layer = selectedLayers().layers[0];
    if (!layer.source) {
        throw problem("no-footage", SAYS.theSelectedLayerHasNoPicture, SAYS.selectTheLayerWithTheGreen);
    }
    var parade = layer.property("ADBE Effect Parade");
    if (parade.property(POINT_NAME) === null) {
        inOneUndoStep(SAYS.dropkeyPointOntoTheScreen, function () {
            addControl(parade, "ADBE Point Control", POINT_NAME)
                .property(1).setValue([layer.source.width / 2, layer.source.height / 2]);
        });
        return filled(SAYS.dragThePointOntoTheBare, POINT_NAME);
    }
    var color = inOneUndoStep(SAYS.dropkeySampleTheScreen, function () { return readColor(layer, parade); });
    changeSetting("screenColor", color);
    return filled(SAYS.theScreenIsLinear, color[0].toFixed(3), color[1].toFixed(3), color[2].toFixed(3));
}

function addControl(parade, matchName, name) {
    var control = parade.addProperty(matchName);
    control.name = name;
    return control;
}

function readColor(layer, parade) {
    try {
        var property = addControl(parade, "ADBE Color Control", READER_NAME).property(1);
        property.expression = "sampleImage(effect(\"" + POINT_NAME + "\")(1), [" + SAMPLE_RADIUS + ", " + SAMPLE_RADIUS
            + "], false, time)";
        var value = property.value;
        if (property.expressionError) {
            throw problem("no-sample", filled(SAYS.afterEffectsCouldNotReadThe, property.expressionError), SAYS.usePickInstead);
        }
        return linearSample(value, layer);
    } finally {
        removeEffect(parade, READER_NAME);
        removeEffect(parade, POINT_NAME);
    }
}

function removeEffect(parade, name) {
    var effect = parade.property(name);
    if (effect) {
        removeOne(effect);
    }
}

/** Linear Rec.709 of what an expression sees: the project's numbers, which mean what a render of them would. */
function linearSample(value, layer) {
    var encoding = app.project.linearizeWorkingSpace ? "linear" : renderEncoding(app.project, ".png", layer).encoding;
    if (encoding === "auto") {
        // What a file without tags is taken for: near enough to find a screen by.
        encoding = positionIn(MOVIE_ENDINGS, endingOf(filesUnder(layer.source)[0])) === -1 ? "srgb" : "rec709";
    }
    if (!has(SAMPLED_CURVES, encoding)) {
        throw problem(
            "no-sample", filled(SAYS.aColorOfCannotBeRead, encoding), SAYS.usePickInstead
        );
    }
    var color = [];
    for (var i = 0; i < 3; i += 1) {
        color.push(Math.round(decoded(value[i], encoding) * 1e6) / 1e6);
    }
    return color;
}

function decoded(value, encoding) {
    var gamma = SAMPLED_CURVES[encoding];
    if (gamma === 1) {
        return value;
    }
    var part = Math.max(0, value);
    return gamma === 0 ? linearPart(part) : Math.pow(part, gamma);
}
