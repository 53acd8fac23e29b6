/** The keyed footage goes into the comp where the source stands: same frames, same transform, source only hidden. */

/**
 * Puts `item` in front of `layer`, aligned to the frame. `pass` says which frames it has, `made` collects new layers,
 * so that a fault can undo them. Returns {layer, notes}.
 */
function placeItem(comp, layer, item, job, pass, made) {
    var part = partOf(job, pass, layer);
    var notes = [];
    var placed = part.whole ? placeCopy(layer, item, job, made) : placeRange(comp, layer, item, part, made, notes);
    placed.name = item.name;
    return { layer: placed, notes: notes };
}

/** The job as far as its files go: After Effects begins a sequence at the first frame that is there. */
function partOf(job, pass, layer) {
    var missing = pass.first - (job.base + job.first);
    var slowed = job.rendered ? 1 : layer.stretch / 100;
    return merged(job, {
        first: job.first + missing,
        last: pass.last - job.base,
        placeTime: job.placeTime + (missing / job.fps) * slowed,
        whole: job.whole && missing === 0
    });
}

/** The result spans the whole source: a copy of the layer keeps transform, masks, effects and speed. */
function placeCopy(layer, item, job, made) {
    var copy = layer.duplicate();
    made.push(copy);
    unlock(copy);
    // The source may be hidden: by an earlier key, or by the artist.
    setSwitch(copy, "enabled", true);
    var span = { first: layer.inPoint, last: layer.outPoint };
    copy.replaceSource(item, false);
    moveAbove(copy, layer);
    hideMattes(copy);
    if (job.rendered) {
        switchOffRendered(copy);
    }
    // A new source, and a time remapping that ends, bring the whole length of the footage back.
    setSpan(copy, span.first, span.last);
    mute(copy);
    return copy;
}

/** Sets in- and out-point; each may push the other one while it is on its way. */
function setSpan(layer, first, last) {
    for (var turn = 0; turn < 2; turn += 1) {
        if (Math.abs(layer.inPoint - first) > FRAME_SLACK) {
            layer.inPoint = first;
        }
        if (Math.abs(layer.outPoint - last) > FRAME_SLACK) {
            layer.outPoint = last;
        }
    }
}

/** The source stays audible although it is hidden: a second layer with its sound would double it. */
function mute(layer) {
    if (layer.hasAudio && layer.audioEnabled) {
        layer.audioEnabled = false;
    }
}

/** Runs `action` on a layer that may be locked; it is locked again afterwards. */
function whileUnlocked(layer, action) {
    var locked = layer.locked;
    unlock(layer);
    try {
        return action();
    } finally {
        if (locked) {
            insist(function () { layer.locked = true; });
        }
    }
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
    // A layer that runs backwards has its in-point behind its out-point.
    var shown = { first: Math.min(layer.inPoint, layer.outPoint), last: Math.max(layer.inPoint, layer.outPoint) };
    var first = Math.max(shown.first, job.placeTime);
    var last = Math.min(shown.last, end);
    if (last - first > FRAME_SLACK) {
        // In and out come after the start time, which moves them.
        setSpan(placed, first, last);
    } else {
        notes.push(SAYS.theLayerWasMovedOffThe);
    }
    keepSwitches(placed, layer);
    followSource(placed, layer);
    if (!moveAbove(placed, layer)) {
        notes.push(SAYS.aLockedLayerIsInThe);
    }
    keepMatte(placed, layer);
    if (shown.first < job.placeTime - FRAME_SLACK || shown.last > end + FRAME_SLACK) {
        notes.push(SAYS.theLayerShowsMoreFramesThan);
    }
    nameWhatStays(layer, job, notes);
    return placed;
}

// What the timeline shows beside a layer and a copy of it would keep; its picture, time and name are the key's own.
var KEPT_SWITCHES = [
    "label", "shy", "solo", "quality", "samplingQuality", "effectsActive", "frameBlendingType", "motionBlur", "guideLayer",
    "threeDLayer", "blendingMode", "preserveTransparency", "comment"
];

function keepSwitches(placed, layer) {
    for (var i = 0; i < KEPT_SWITCHES.length; i += 1) {
        setSwitch(placed, KEPT_SWITCHES[i], layer[KEPT_SWITCHES[i]]);
    }
    mute(placed);
}

/** The track matte of the source, which before After Effects 23 is whatever lies right above. */
function keepMatte(placed, layer) {
    if (!usesMatte(layer)) {
        return;
    }
    if (typeof placed.setTrackMatte === "function") {
        placed.setTrackMatte(layer.trackMatteLayer, layer.trackMatteType);
    } else {
        placed.trackMatteType = layer.trackMatteType;
    }
}

/** A sentence for what stays with the source: no new layer can take it over. */
function nameWhatStays(layer, job, notes) {
    var things = [];
    if (ownMasks(layer) > 0) {
        things.push(SAYS.ownMasks);
    }
    if (hasEffects(layer) && !job.rendered) {
        things.push(SAYS.effects);
    }
    if (hasStyles(layer)) {
        things.push(SAYS.layerStyles);
    }
    var markers = layer.property("ADBE Marker");
    if (markers && markers.numKeys > 0) {
        things.push(SAYS.markers);
    }
    if (layer.threeDLayer) {
        things.push(SAYS.materialOptions);
    }
    if (things.length > 0) {
        notes.push(filled(SAYS.theSourceSAreNotOn, things.join(", ")));
    }
}

function hasStyles(layer) {
    var styles = layer.property("ADBE Layer Styles");
    for (var i = 1; styles && styles.enabled && i <= styles.numProperties; i += 1) {
        // The first entry is always there: it holds the blending options.
        if (styles.property(i).matchName !== "ADBE Blend Options Group" && styles.property(i).enabled) {
            return true;
        }
    }
    return false;
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
    // Opacity is not inherited from a parent.
    var opacity = layer.property("ADBE Transform Group").property("ADBE Opacity");
    setPlain(placed, "ADBE Opacity", opacity.valueAtTime(placed.inPoint, false));
    if (opacity.isTimeVarying) {
        placed.property("ADBE Transform Group").property("ADBE Opacity").expression = "parent.transform.opacity";
    }
}

/** Moves a layer right above another; false when After Effects refuses (a locked layer is in the way). */
function moveAbove(placed, layer) {
    if (placed.index === layer.index - 1) {
        return true;
    }
    return whileUnlocked(layer, function () {
        return attempt(function () {
            placed.moveBefore(layer);
            return true;
        }, false);
    });
}

/** The untouched plate with the keyed alpha as its track matte. Returns {fill, matte, notes}. */
function placeMatte(comp, layer, item, job, pass, made) {
    var fill = layer.duplicate();
    made.push(fill);
    unlock(fill);
    setSwitch(fill, "enabled", true);
    moveAbove(fill, layer);
    hideMattes(fill);
    mute(fill);
    var placed = placeItem(comp, layer, item, job, pass, made);
    moveAbove(placed.layer, fill);
    if (usesMatte(layer)) {
        placed.notes.push(SAYS.theSourceSOwnTrackMatte);
        takeMatteOff(placed.layer);
    }
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
