/** From a selected layer to what is keyed: a file as it is, a render, or a sentence that says why neither works. */

// The same kinds as service/shots.py reads.
var PICTURE_ENDINGS = [".exr", ".png", ".tif", ".tiff", ".dpx", ".cin", ".jpg", ".jpeg", ".bmp", ".tga"];
var MOVIE_ENDINGS = [".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm", ".mts", ".m2ts"];

// Enough of a comp's footage to know what it is made of; a comp may hold thousands.
var FILES_SEEN = 40;
var COMPS_DEEP = 12;

/** The comp in front and its selected layers; throws a problem when there is nothing to key. */
function selectedLayers() {
    if (!app.project) {
        throw problem("no-project", SAYS.noProjectIsOpen, SAYS.openTheProjectAndSelectThe);
    }
    var comp = app.project.activeItem;
    if (!(comp instanceof CompItem)) {
        throw problem("no-comp", SAYS.noCompositionIsInFront, SAYS.openACompAndSelectThe);
    }
    if (comp.selectedLayers.length === 0) {
        throw problem("no-selection", SAYS.noLayerIsSelected, SAYS.selectTheLayerWithTheGreen);
    }
    return { comp: comp, layers: comp.selectedLayers };
}

/** How a layer can be keyed: {way, reason}; way is `file`, `render` or `refuse`. */
function wayOf(layer) {
    var reason = refusalOf(layer);
    if (reason !== "") {
        return { way: "refuse", reason: reason };
    }
    reason = renderReasonOf(layer);
    return { way: reason === "" ? "file" : "render", reason: reason };
}

function isOf(layer, name) {
    var kinds = {
        text: typeof TextLayer === "undefined" ? null : TextLayer,
        shape: typeof ShapeLayer === "undefined" ? null : ShapeLayer,
        camera: typeof CameraLayer === "undefined" ? null : CameraLayer,
        light: typeof LightLayer === "undefined" ? null : LightLayer
    };
    return kinds[name] !== null && layer instanceof kinds[name];
}

function refusalOf(layer) {
    var kinds = ["text", "shape", "camera", "light"];
    for (var i = 0; i < kinds.length; i += 1) {
        if (isOf(layer, kinds[i])) {
            return filled(SAYS.itIsALayerSelectThe, kinds[i]);
        }
    }
    if (!(layer instanceof AVLayer) || !layer.source) {
        return SAYS.itHasNoFootageSelectThe;
    }
    if (layer.adjustmentLayer || layer.nullLayer) {
        return SAYS.itShowsNoPictureOfIts;
    }
    if (layer.source instanceof CompItem) {
        return "";
    }
    var main = layer.source.mainSource;
    if (layer.source.footageMissing) {
        return SAYS.itsFootageIsMissingRelinkIt;
    }
    if (!(main instanceof FileSource)) {
        return SAYS.itIsASolidOrPlaceholder;
    }
    if (main.isStill) {
        return SAYS.itIsAStillDropkeyKeys;
    }
    return main.file.exists ? "" : filled(SAYS.itsFileIsNotThere, main.file.fsName);
}

function renderReasonOf(layer) {
    if (layer.source instanceof CompItem) {
        return SAYS.itIsAPrecomp;
    }
    if (layer.timeRemapEnabled) {
        return SAYS.itHasTimeRemapping;
    }
    if (setting("effects") === "render" && hasEffects(layer)) {
        return SAYS.itHasEffects;
    }
    var main = layer.source.mainSource;
    if (main.fieldSeparationType !== FieldSeparationType.OFF || main.removePulldown !== PulldownPhase.OFF) {
        return SAYS.afterEffectsSeparatesItsFields;
    }
    if (main.loop > 1) {
        return SAYS.itIsLooped;
    }
    var ending = endingOf(main.file);
    if (positionIn(PICTURE_ENDINGS, ending) === -1 && positionIn(MOVIE_ENDINGS, ending) === -1) {
        return filled(SAYS.dropkeyCannotReadFiles, ending || "such");
    }
    return isPartOfSequence(layer.source) ? SAYS.onlyAPartOfItsSequence : "";
}

function hasEffects(layer) {
    var parade = layer.property("ADBE Effect Parade");
    for (var i = 1; parade && i <= parade.numProperties; i += 1) {
        if (parade.property(i).enabled) {
            return true;
        }
    }
    return false;
}

function endingOf(file) {
    var name = shownName(file);
    var dot = name.lastIndexOf(".");
    return dot > 0 ? name.substring(dot).toLowerCase() : "";
}

/** What is known about a layer whichever way it is keyed; enough to find it again after rename and reorder. */
function targetOf(comp, layer) {
    return {
        project: projectPath(),
        projectId: projectMark(),
        compId: comp.id,
        compName: comp.name,
        layerId: own2(layer, "id", 0),
        layerIndex: layer.index,
        layerName: layer.name,
        sourceId: layer.source.id,
        sourceFile: sourceFile(layer.source),
        sourceSign: sourceSign(layer.source),
        width: layer.source.width,
        height: layer.source.height,
        pixelAspect: layer.source.pixelAspect,
        stretch: layer.stretch,
        layerStart: layer.startTime
    };
}

/** A property that some versions of After Effects lack. */
function own2(object, name, otherwise) {
    return object[name] === undefined ? otherwise : object[name];
}

/** The files that a source is made of: its own, or those of a comp's layers, however deep; at most `FILES_SEEN`. */
function filesUnder(source) {
    var files = [];
    collectFiles(source, files, 0);
    return files;
}

function collectFiles(source, files, depth) {
    if (!source || files.length >= FILES_SEEN || depth > COMPS_DEEP) {
        return;
    }
    if (!(source instanceof CompItem)) {
        var main = source.mainSource;
        if (main instanceof FileSource && main.file) {
            files.push(main.file);
        }
        return;
    }
    for (var i = 1; i <= source.numLayers && files.length < FILES_SEEN; i += 1) {
        /** @type {any} */
        var layer = source.layer(i);
        if (layer instanceof AVLayer && layer.enabled) {
            collectFiles(layer.source, files, depth + 1);
        }
    }
}

/** The file behind a source; empty for a comp. */
function sourceFile(source) {
    var main = source ? source.mainSource : null;
    return main && main.file ? main.file.fsName : "";
}

/** The first file that a source is made of: what copies of one template differ in. */
function sourceSign(source) {
    var files = filesUnder(source);
    return files.length > 0 ? bareName(files[0].fsName) : "";
}

function projectPath() {
    return app.project.file ? app.project.file.fsName : "";
}

/** The span of comp time that the artist wants of a layer; throws a problem when it is empty. */
function wantedSpan(comp, layer) {
    var span = {
        start: Math.min(layer.inPoint, layer.outPoint),
        end: Math.max(layer.inPoint, layer.outPoint),
        frameDuration: comp.frameDuration
    };
    if (setting("range") !== "workarea") {
        return span;
    }
    var area = { start: comp.workAreaStart, end: comp.workAreaStart + comp.workAreaDuration };
    var both = overlapOf(span, area);
    if (both === null) {
        throw problem(
            "empty-range", filled(SAYS.doesNotTouchTheWorkArea, layer.name), SAYS.moveTheWorkArea
        );
    }
    return both;
}

/** What of a span a render can show: nothing lies before a comp's beginning, or after its end. */
function insideComp(comp, layer, span) {
    var inside = overlapOf(span, { start: 0, end: comp.duration });
    if (inside === null) {
        throw problem("empty-range", filled(SAYS.liesOutsideItsComp, layer.name), SAYS.moveItThere);
    }
    return inside;
}

/** The order for a layer whose file is sent as it is; throws a problem that says why it cannot be. */
function fileOrder(comp, layer) {
    var item = layer.source;
    var fps = item.mainSource.conformFrameRate || item.frameRate;
    var count = frameCount(item);
    var numbers = plateNumbers(item, count);
    var timing = { startTime: layer.startTime, stretch: layer.stretch, fps: fps };
    /** @type {any} */
    var frames = { first: 0, last: count - 1 };
    if (setting("range") !== "whole") {
        if (layer.stretch < 0) {
            throw problem("reversed", filled(SAYS.runsBackwards, layer.name), SAYS.chooseRangeWholeClip);
        }
        frames = framesOfSpan(wantedSpan(comp, layer), timing, count, setting("handles"));
        if (frames === null) {
            throw problem("empty-range", filled(SAYS.showsNoFrameOfItsSource, layer.name), SAYS.trimIt);
        }
    }
    var missing = missingIn(numbers, frames);
    return merged(targetOf(comp, layer), {
        plate: numbers.plate,
        base: numbers.base,
        gaps: missing.length > 0,
        first: frames.first,
        last: frames.last,
        count: count,
        fps: fps,
        rendered: false,
        encoding: toldEncoding(item.mainSource.file.fsName),
        placeTime: timeOfSourceFrame(frames.first, timing),
        whole: frames.first === 0 && frames.last === count - 1,
        notes: (item.useProxy ? [SAYS.theProxyIsPassedOverThe] : []).concat(notesOfGaps(missing))
    });
}
