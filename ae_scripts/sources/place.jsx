/** The keyed footage goes into the comp where the source stands: same frames, same transform, source only hidden. */

/**
 * The layer a job came from, found by id, never by selection: {comp, layer}; layer null when it is gone.
 * A project that was saved under another name since is the same one, if comp, layer and file still bear their names.
 */
function findTarget(job) {
    var found = targetById(job);
    var here = {
        project: projectPath(),
        compName: found.comp ? found.comp.name : "",
        layerName: found.layer ? found.layer.name : "",
        sourceFile: found.layer ? sourceFile(found.layer.source) : ""
    };
    return sameProject(here, job) ? found : { comp: null, layer: null };
}

function targetById(job) {
    var comp = itemWithId(job.compId);
    if (!comp || !(comp instanceof CompItem)) {
        return { comp: null, layer: null };
    }
    for (var i = 1; job.layerId && i <= comp.numLayers; i += 1) {
        if (comp.layer(i).id === job.layerId) {
            return { comp: comp, layer: comp.layer(i) };
        }
    }
    // Before After Effects 22 layers have no id.
    if (!job.layerId && job.layerIndex <= comp.numLayers) {
        /** @type {any} */
        var there = comp.layer(job.layerIndex);
        if (there.name === job.layerName && there.source && there.source.id === job.sourceId) {
            return { comp: comp, layer: there };
        }
    }
    return { comp: comp, layer: null };
}

/**
 * Puts `item` in front of `layer`, aligned to the frame. `made` collects new layers, so that a fault can undo them.
 * Returns {layer, notes}.
 */
function placeItem(comp, layer, item, job, made) {
    var notes = [];
    var placed = job.whole ? placeCopy(layer, item, job, made) : placeRange(comp, layer, item, job, made, notes);
    placed.name = item.name;
    return { layer: placed, notes: notes };
}

/** The result spans the whole source: a copy of the layer keeps transform, masks, effects and speed. */
function placeCopy(layer, item, job, made) {
    var copy = layer.duplicate();
    made.push(copy);
    copy.replaceSource(item, false);
    moveAbove(copy, layer);
    hideMattes(copy);
    if (job.rendered) {
        switchOffRendered(copy);
    }
    return copy;
}

/** `garbage` and `core` masks did their work in the keyer; a second time they would cut the result. */
function hideMattes(layer) {
    var masks = masksOf(layer);
    for (var i = 0; i < masks.length; i += 1) {
        if (matteKind(masks[i].name) !== null) {
            masks[i].maskMode = MaskMode.NONE;
        }
    }
}

/** What is in the rendered picture already must not apply twice. */
function switchOffRendered(layer) {
    var parade = layer.property("ADBE Effect Parade");
    for (var i = 1; parade && i <= parade.numProperties; i += 1) {
        parade.property(i).enabled = false;
    }
    if (layer.timeRemapEnabled) {
        layer.timeRemapEnabled = false;
    }
}

/** The result is a part of the source: a new layer starts where that part does, and follows the source as its child. */
function placeRange(comp, layer, item, job, made, notes) {
    var placed = comp.layers.add(item);
    made.push(placed);
    var stretch = job.rendered ? 100 : layer.stretch;
    if (stretch !== 100) {
        placed.stretch = stretch;
    }
    placed.startTime = job.placeTime;
    var end = job.placeTime + ((job.last - job.first + 1) / job.fps) * (stretch / 100);
    // In and out come after the start time, which moves them.
    placed.inPoint = Math.max(layer.inPoint, job.placeTime);
    placed.outPoint = Math.min(layer.outPoint, end);
    if (layer.threeDLayer) {
        placed.threeDLayer = true;
    }
    followSource(placed, layer);
    if (!moveAbove(placed, layer)) {
        notes.push("A locked layer is in the way: the key stands at the top of the comp.");
    }
    if (layer.inPoint < job.placeTime - FRAME_SLACK || layer.outPoint > end + FRAME_SLACK) {
        notes.push("The layer shows more frames than were keyed; send it again for the others.");
    }
    if (ownMasks(layer) > 0) {
        notes.push("The source's own masks are not on the key; copy those that you want.");
    }
    if (hasEffects(layer) && !job.rendered) {
        notes.push("The source's effects are not on the key; copy those that you want.");
    }
    return placed;
}

/** How many of a layer's masks are no mattes for the keyer. */
function ownMasks(layer) {
    var masks = masksOf(layer);
    var count = 0;
    for (var i = 0; i < masks.length; i += 1) {
        if (matteKind(masks[i].name) === null) {
            count += 1;
        }
    }
    return count;
}

/** As a child with plain transform, the new layer stands exactly on its source, however that moves. */
function followSource(placed, layer) {
    placed.setParentWithJump(layer);
    var flat = placed.threeDLayer ? [0, 0, 0] : [0, 0];
    setPlain(placed, "ADBE Anchor Point", flat);
    setPlain(placed, "ADBE Position", flat);
    setPlain(placed, "ADBE Scale", placed.threeDLayer ? [100, 100, 100] : [100, 100]);
    setPlain(placed, "ADBE Rotate Z", 0);
    var opacity = layer.property("ADBE Transform Group").property("ADBE Opacity");
    setPlain(placed, "ADBE Opacity", opacity.valueAtTime(placed.inPoint, false));
}

/** Moves a layer right above another; false when After Effects refuses (a locked layer is in the way). */
function moveAbove(placed, layer) {
    if (placed.index === layer.index - 1) {
        return true;
    }
    return attempt(function () {
        placed.moveBefore(layer);
        return true;
    }, false);
}

/** The untouched plate with the keyed alpha as its track matte. Returns {fill, matte, notes}. */
function placeMatte(comp, layer, item, job, made) {
    var fill = layer.duplicate();
    made.push(fill);
    moveAbove(fill, layer);
    hideMattes(fill);
    var placed = placeItem(comp, layer, item, job, made);
    moveAbove(placed.layer, fill);
    // An alpha matte is never color-managed; a luma matte would be.
    /** @type {any} */
    var matted = fill;
    if (typeof matted.setTrackMatte === "function") {
        matted.setTrackMatte(placed.layer, TrackMatteType.ALPHA);
    } else {
        fill.trackMatteType = TrackMatteType.ALPHA;
    }
    placed.layer.enabled = false;
    return { fill: fill, matte: placed.layer, notes: placed.notes };
}

/** Takes back what a failed placement made. */
function removeMade(made) {
    for (var i = made.length - 1; i >= 0; i -= 1) {
        removeOne(made[i]);
    }
}

/** Removes a layer or item, trying twice: what stays behind would be the artist's to clean up. */
function removeOne(thing) {
    if (thing !== null) {
        insist(function () { thing.remove(); });
    }
}
