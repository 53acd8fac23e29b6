/** The comp that is rendered: a duplicate of the artist's, in which the one layer stands plain and alone. */

var TEMPORARY_NAME = "DropKey temporary";
var TEMPORARY_MARK = "Made by DropKey for one render; it may be deleted.";

/**
 * A duplicate of the comp, of the size of the layer's source, in which only that layer is seen: untransformed, unmasked,
 * at the same times. Whatever names another layer (a parent, an effect's layer, an expression, a track matte) finds it
 * there; a copy of the layer alone would lose it, and After Effects 26 refuses some of those.
 */
function temporaryComp(comp, layer) {
    var index = layer.index;
    var made = comp.duplicate();
    try {
        made.name = TEMPORARY_NAME;
        made.comment = TEMPORARY_MARK;
        made.width = layer.source.width;
        made.height = layer.source.height;
        made.pixelAspect = layer.source.pixelAspect;
        made.resolutionFactor = [1, 1];
        showOnly(made, index);
        /** @type {any} */
        var copy = made.layer(index);
        makePlain(copy, layer.source);
        return made;
    } catch (error) {
        removeOne(made);
        throw error;
    }
}

/** The other layers stay, hidden: effects and expressions go on reading them. */
function showOnly(comp, index) {
    for (var i = 1; i <= comp.numLayers; i += 1) {
        /** @type {any} */
        var layer = comp.layer(i);
        unlock(layer);
        if (layer.solo) {
            layer.solo = false;
        }
        if (layer.enabled !== (i === index)) {
            layer.enabled = i === index;
        }
    }
}

function unlock(layer) {
    if (layer.locked) {
        layer.locked = false;
    }
}

/** Takes off the layer what belongs to the comp, not to its picture: the key gets that when it is placed. */
function makePlain(layer, source) {
    layer.setParentWithJump(null);
    setSwitch(layer, "guideLayer", false);
    setSwitch(layer, "threeDLayer", false);
    setSwitch(layer, "collapseTransformation", false);
    setSwitch(layer, "preserveTransparency", false);
    setSwitch(layer, "blendingMode", BlendingMode.NORMAL);
    takeMatteOff(layer);
    var styles = layer.property("ADBE Layer Styles");
    if (styles && styles.numProperties > 0) {
        attempt(function () { styles.enabled = false; }, null);
    }
    plainTransform(layer, source.width, source.height);
    var masks = masksOf(layer);
    for (var i = 0; i < masks.length; i += 1) {
        masks[i].maskMode = MaskMode.NONE;
    }
}

/** Sets a switch where the layer has it and it stands otherwise; some kinds of layers refuse theirs even unchanged. */
function setSwitch(layer, name, value) {
    if (layer[name] !== undefined && layer[name] !== value) {
        layer[name] = value;
    }
}

function takeMatteOff(layer) {
    if (!usesMatte(layer)) {
        return;
    }
    if (typeof layer.removeTrackMatte === "function") {
        layer.removeTrackMatte();
    } else {
        layer.trackMatteType = TrackMatteType.NO_TRACK_MATTE;
    }
}

function usesMatte(layer) {
    return layer.trackMatteType !== undefined && layer.trackMatteType !== TrackMatteType.NO_TRACK_MATTE;
}

function plainTransform(layer, width, height) {
    setPlain(layer, "ADBE Anchor Point", [width / 2, height / 2]);
    setPlain(layer, "ADBE Position", [width / 2, height / 2]);
    setPlain(layer, "ADBE Scale", [100, 100]);
    setPlain(layer, "ADBE Rotate Z", 0);
    setPlain(layer, "ADBE Opacity", 100);
}

function setPlain(layer, name, value) {
    var property = layer.property("ADBE Transform Group").property(name);
    if (property.dimensionsSeparated) {
        property.dimensionsSeparated = false;
    }
    while (property.numKeys > 0) {
        property.removeKey(1);
    }
    if (property.expression) {
        property.expression = "";
    }
    property.setValue(value);
}

/** Sentences about what a render of the layer's own picture cannot show. */
function notesOfRender(layer) {
    var notes = [];
    if (layer.collapseTransformation) {
        notes.push(filled(
            SAYS.isCollapsedItWasRenderedBy, layer.name
        ));
    }
    return notes;
}

/** Removes temporary comps that Undo brought back after their render. */
function sweepTemporary() {
    for (var i = app.project.numItems; i >= 1; i -= 1) {
        var item = app.project.item(i);
        if (item instanceof CompItem && item.name === TEMPORARY_NAME && item.comment === TEMPORARY_MARK) {
            removeOne(item);
        }
    }
}
