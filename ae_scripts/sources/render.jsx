/** Renders a layer as it stands (precomp, effects, time remap) through the render queue, and leaves no trace but its files. */

var TEST_FOLDER = "test frames";

/**
 * Renders `span` of a layer into a fresh folder and returns its order for the service.
 * The picture has the size of the layer's source, without transform and masks. Throws a problem.
 */
function renderedOrder(comp, layer, span) {
    return orderOfRender(comp, layer, span, freshFolder(comp, layer));
}

function orderOfRender(comp, layer, span, fresh) {
    // A task that waits while the queue renders can end with After Effects refusing every script.
    stopPolling();
    try {
        renderInto(fresh, comp, layer, span);
    } finally {
        attempt(armPolling, null);
    }
    return orderOfFiles(comp, layer, span, fresh);
}

/**
 * Renders into the folder; comp and queue are as before, also when it throws. The render itself stands in no undo group:
 * After Effects would count its groups wrongly after it.
 */
function renderInto(fresh, comp, layer, span) {
    var queue = app.project.renderQueue;
    /** @type {any} */
    var made = { comp: null, item: null, paused: [] };
    try {
        inOneUndoStep(filled(SAYS.dropkeyPrepare, layer.name), function () {
            sweepTemporary();
            pauseQueue(queue, made.paused);
            made.comp = temporaryComp(comp, layer);
            made.item = queue.items.add(made.comp);
            fresh.ending = prepareItem(made.item, made.comp, span, fresh);
        });
        queue.render();
        if (made.item.status !== RQItemStatus.DONE) {
            throw problem("render-stopped", SAYS.theRenderWasStoppedOrFailed, SAYS.seeTheRenderQueuesMessage);
        }
    } finally {
        inOneUndoStep(filled(SAYS.dropkeyClearUpAfter, layer.name), function () {
            removeOne(made.item);
            removeOne(made.comp);
            restoreQueue(made.paused);
        });
    }
}

/** Rendering takes the whole queue: everything else that waits in it is taken out, and put back by `restoreQueue`. */
function pauseQueue(queue, paused) {
    for (var i = 1; i <= queue.numItems; i += 1) {
        var item = queue.item(i);
        if (item.status === RQItemStatus.QUEUED && item.render) {
            item.render = false;
            paused.push(item);
        }
    }
}

function restoreQueue(paused) {
    for (var i = 0; i < paused.length; i += 1) {
        restoreItem(paused[i]);
    }
}

function restoreItem(item) {
    insist(function () { item.render = true; });
}

/** Where renders go: beside the project, or where the service of a shared drop folder sees them. Throws a problem. */
function rendersFolder() {
    var place = setting("resultsFolder");
    if (!usesFiles()) {
        if (!app.project.file) {
            throw problem("unsaved", SAYS.theProjectIsNotSavedSo, SAYS.saveItFirst);
        }
        place = parentPath(app.project.file.fsName);
    }
    return joinedPath(place, "DropKey plates");
}

function freshFolder(comp, layer) {
    var name = safeFileName(comp.name + "_" + layer.name) + "-" + timeMark() + "_";
    return madeFolder(joinedPath(rendersFolder(), name), safeFileName(layer.name), false);
}

/** One folder for all test frames, which holds the latest only; its name differs, so that none passes for another. */
function testFolder(layer) {
    var fresh = madeFolder(joinedPath(rendersFolder(), TEST_FOLDER), safeFileName(layer.name) + "-" + timeMark() + "_", true);
    /** @type {any} */
    var files = folderAt(fresh.path).getFiles();
    for (var i = 0; files && i < files.length; i += 1) {
        removeFile(files[i]);
    }
    return fresh;
}

function removeFile(file) {
    attempt(function () { file.remove(); }, null);
}

function madeFolder(path, name, mayBeThere) {
    var folder = folderAt(path);
    if (folder.exists ? !mayBeThere : !folder.create()) {
        throw unwritable(path);
    }
    return { path: folder.fsName, name: name, ending: "" };
}

function timeMark() {
    return new Date().getTime().toString(36);
}

/** The order for what was rendered. How many frames a span of an odd rate has, After Effects decides. */
function orderOfFiles(comp, layer, span, fresh) {
    var folder = folderAt(fresh.path);
    var found = renderedFrames(folder, fresh.name);
    var expected = Math.max(1, Math.round((span.end - span.start) / comp.frameDuration));
    var isWhole = found.last - found.first + 1 === found.count && Math.abs(found.count - expected) <= 1;
    if (found.count === 0 || !isWhole) {
        throw problem(
            "render-incomplete",
            filled(SAYS.theRenderWroteOfFrames, found.count, expected),
            SAYS.checkTheDiskThenSendThe
        );
    }
    var color = renderEncoding(app.project, fresh.ending, layer);
    return merged(targetOf(comp, layer), {
        plate: joinedPath(folder.fsName, patternOf(found.like)),
        base: found.first,
        first: 0,
        last: found.count - 1,
        count: found.count,
        fps: comp.frameRate,
        rendered: true,
        encoding: color.encoding,
        alike: color.alike,
        placeTime: span.start,
        whole: Math.abs(span.start - layer.startTime) < FRAME_SLACK && layer.stretch === 100,
        notes: (color.note === "" ? [] : [color.note]).concat(notesOfRender(layer))
    });
}

function renderedFrames(folder, name) {
    var files = folder.getFiles();
    for (var i = 0; files && i < files.length; i += 1) {
        var like = numberedName(lastName(files[i].fsName));
        if (like !== null && startsWith(like.stem, name)) {
            return merged(sequenceFrames(folder, like), { like: like });
        }
    }
    return { count: 0, first: 0, last: 0, like: null };
}
