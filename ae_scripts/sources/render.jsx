/** Renders a layer as it stands (precomp, effects, time remap) through the render queue, and leaves no trace but its files. */

var HIDDEN_TEMPLATE = "_HIDDEN X-Factor 16";
var TIFF_TEMPLATE = "TIFF Sequence with Alpha";
var NO_TEMPLATE_FIX = "In Edit > Templates > Output Module make one that writes a PNG or EXR sequence, "
    + "and name it under Setup.";

/**
 * Renders `span` of a layer into a fresh folder and returns its order for the service.
 * The picture has the size of the layer's source, without transform and masks. Throws a problem.
 */
function renderedOrder(comp, layer, span) {
    var fresh = freshFolder(comp, layer);
    // Undo would else bring back the temporary comp, piece by piece, before it reaches the artist's own last step.
    var format = inOneUndoStep("DropKey: render " + layer.name, function () {
        return renderInto(fresh, comp, layer, span);
    });
    return orderOfRender(comp, layer, span, fresh, format);
}

/** Renders into the folder and returns the format of the files; comp and queue are as before, also when it throws. */
function renderInto(fresh, comp, layer, span) {
    var temporary = null;
    var item = null;
    var queue = app.project.renderQueue;
    var paused = pausedQueue(queue);
    try {
        temporary = temporaryComp(comp, layer);
        item = queue.items.add(temporary);
        var format = prepareItem(item, temporary, span, fresh);
        queue.render();
        if (item.status !== RQItemStatus.DONE) {
            throw problem("render-stopped", "The render was stopped or failed.", "See the render queue's message.");
        }
        return format;
    } finally {
        removeOne(item);
        removeOne(temporary);
        restoreQueue(paused);
    }
}

/** Rendering takes the whole queue: everything else that waits in it is taken out, and put back by `restoreQueue`. */
function pausedQueue(queue) {
    var paused = [];
    try {
        for (var i = 1; i <= queue.numItems; i += 1) {
            var item = queue.item(i);
            if (item.status === RQItemStatus.QUEUED && item.render) {
                item.render = false;
                paused.push(item);
            }
        }
    } catch (error) {
        restoreQueue(paused);
        throw error;
    }
    return paused;
}

function restoreQueue(paused) {
    for (var i = 0; i < paused.length; i += 1) {
        restoreItem(paused[i]);
    }
}

function restoreItem(item) {
    insist(function () { item.render = true; });
}

function freshFolder(comp, layer) {
    var place = setting("resultsFolder");
    if (!usesFiles()) {
        if (!app.project.file) {
            throw problem("unsaved", "The project is not saved, so there is no place for the render.", "Save it first.");
        }
        place = parentPath(app.project.file.fsName);
    }
    var name = safeFileName(comp.name + "_" + layer.name) + "-" + new Date().getTime().toString(36) + "_";
    var path = joinedPath(joinedPath(place, "DropKey plates"), name);
    var folder = folderAt(path);
    if (folder.exists || !folder.create()) {
        throw unwritable(path);
    }
    return { path: folder.fsName, name: safeFileName(layer.name) };
}

/** A comp of the source's size in which the layer stands untransformed and unmasked, at the same times. */
function temporaryComp(comp, layer) {
    var source = layer.source;
    var made = app.project.items.addComp(
        "DropKey temporary", source.width, source.height, source.pixelAspect, comp.duration, comp.frameRate
    );
    try {
        layer.copyToComp(made);
        /** @type {any} */
        var copy = made.layer(1);
        copy.parent = null;
        copy.enabled = true;
        copy.threeDLayer = false;
        copy.blendingMode = BlendingMode.NORMAL;
        plainTransform(copy, source.width, source.height);
        var masks = masksOf(copy);
        for (var i = 0; i < masks.length; i += 1) {
            masks[i].maskMode = MaskMode.NONE;
        }
        made.resolutionFactor = [1, 1];
        return made;
    } catch (error) {
        removeOne(made);
        throw error;
    }
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

/** Sets time span, template and target of the queue item; returns the format that it writes. */
function prepareItem(item, temporary, span, fresh) {
    attempt(function () { item.setSettings({ Quality: "Best", Resolution: "Full" }); }, null);
    // The render queue counts in display time.
    item.timeSpanStart = span.start + temporary.displayStartTime;
    item.timeSpanDuration = span.end - span.start;
    var format = applyTemplate(item);
    attempt(function () {
        item.outputModule(1).setSettings({ "Use Comp Frame Number": false, "Starting #": 1 });
    }, null);
    // What was fetched before `setSettings` is dead now.
    item.outputModule(1).file = fileAt(joinedPath(fresh.path, fresh.name + "_[#####]" + formatEnding(format)));
    return format;
}

function formatEnding(format) {
    if (/EXR/.test(format)) {
        return ".exr";
    }
    return /TIFF/.test(format) ? ".tif" : ".png";
}

/** Takes the artist's template, else After Effects' hidden 16-bit PNG, else TIFF; each is checked by what it writes. */
function applyTemplate(item) {
    var wanted = [setting("renderTemplate"), HIDDEN_TEMPLATE, TIFF_TEMPLATE];
    for (var i = 0; i < wanted.length; i += 1) {
        var format = wanted[i] === "" ? null : formatOf(item, wanted[i]);
        if (format !== null) {
            return format;
        }
        if (i === 0 && wanted[0] !== "") {
            throw problem("no-template", filled("The output template \u201c{0}\u201d does not work.", wanted[0]), NO_TEMPLATE_FIX);
        }
    }
    throw problem("no-template", "After Effects has no output template for PNG, EXR or TIFF sequences.", NO_TEMPLATE_FIX);
}

function formatOf(item, template) {
    return attempt(function () {
        item.outputModule(1).applyTemplate(template);
        var format = String(item.outputModule(1).getSettings(GetSettingsFormat.STRING).Format);
        return /(PNG|TIFF|EXR) Sequence/.test(format) ? format : null;
    }, null);
}

function orderOfRender(comp, layer, span, fresh, format) {
    var folder = folderAt(fresh.path);
    var files = folder.getFiles();
    var like = null;
    for (var i = 0; i < files.length && like === null; i += 1) {
        like = numberedName(lastName(files[i].fsName));
    }
    var found = like === null ? { count: 0, first: 0, last: 0 } : sequenceFrames(folder, like);
    var expected = Math.max(1, Math.round((span.end - span.start) / comp.frameDuration));
    if (like === null || found.count !== expected || found.last - found.first + 1 !== expected) {
        throw problem(
            "render-incomplete",
            filled("The render wrote {0} of {1} frames.", found.count, expected),
            "Check the disk, then send the layer again."
        );
    }
    var color = renderEncoding(app.project, format);
    var marks = "";
    while (marks.length < like.digits) {
        marks += "#";
    }
    return merged(targetOf(comp, layer), {
        plate: joinedPath(folder.fsName, like.stem + marks + like.ending),
        base: found.first,
        first: 0,
        last: expected - 1,
        count: expected,
        fps: comp.frameRate,
        rendered: true,
        encoding: color.encoding,
        placeTime: span.start,
        whole: Math.abs(span.start - layer.startTime) < FRAME_SLACK && layer.stretch === 100,
        notes: color.note === "" ? [] : [color.note]
    });
}
