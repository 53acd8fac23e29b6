/** One frame at the playhead, keyed now: `POST /preview`, answered with the path of a picture for each view. */

var PREVIEW_SIDE = 640;
var PREVIEW_WAIT = 1.5;

/** {state, id, pictures, text} of the frame under the playhead of the first selected layer. */
function testFrame() {
    demandPermission();
    if (usesFiles()) {
        throw problem("needs-service", SAYS.aTestFrameNeedsDropkeyOn, SAYS.sendAShortRangeInstead);
    }
    var chosen = selectedLayers();
    var layer = chosen.layers[0];
    var order = previewOrder(chosen.comp, layer);
    var number = order.base + order.first;
    /** @type {any} */
    var request = requestOf(order, inlineMattes(mattesOfOrder(layer, order).texts));
    // The screen is found in the shot's frames, as the whole job would find it.
    request.frames = order.rendered ? request.frames : rangeText(order.base, order.base + order.count - 1);
    delete request.client;
    /** @type {any} */
    var ask = { job: request, frame: number, wait_seconds: PREVIEW_WAIT };
    if (!setting("zoom")) {
        ask.longest_side = PREVIEW_SIDE;
    }
    return previewAnswer(askService("POST", "/preview", ask, null));
}

/** The order of just the frame at the playhead. */
function previewOrder(comp, layer) {
    var way = wayOf(layer);
    var step = comp.frameDuration;
    if (comp.time < Math.min(layer.inPoint, layer.outPoint) || comp.time >= Math.max(layer.inPoint, layer.outPoint)) {
        throw problem("empty-range", filled(SAYS.isNotVisibleAtThePlayhead, layer.name), SAYS.moveItThere);
    }
    if (way.way === "render") {
        return renderedTest(comp, layer, { start: comp.time, end: comp.time + step, frameDuration: step });
    }
    var order = orderOf(comp, layer);
    var timing = { startTime: layer.startTime, stretch: layer.stretch, fps: order.fps };
    var index = limited(sourceFrameAt(comp.time, timing), 0, order.count - 1);
    return merged(order, { first: index, last: index, placeTime: comp.time });
}

/** Renders the frame, or takes the one that was rendered: as long as nothing in the project changed, it is the same. */
function renderedTest(comp, layer, span) {
    var key = [comp.id, own2(layer, "id", 0), layer.index, comp.time, projectRevision()].join(" ");
    var known = shared.tested;
    if (known !== null && known.key === key && projectRevision() !== "") {
        return known.order;
    }
    shared.tested = null;
    var order = orderOfRender(comp, layer, span, testFolder(layer));
    // The render itself counts as a change.
    key = [comp.id, own2(layer, "id", 0), layer.index, comp.time, projectRevision()].join(" ");
    shared.tested = { key: key, order: order };
    return order;
}

/** A number that every change of the project raises; empty where this After Effects tells none. */
function projectRevision() {
    /** @type {any} */
    var project = app.project;
    return project.revision === undefined ? "" : String(project.revision);
}

/** Asks again for a test frame that was not ready in time. */
function continuedPreview(id) {
    return previewAnswer(askService("GET", "/preview/" + id + "?wait_seconds=" + PREVIEW_WAIT, null, null));
}

function previewAnswer(answer) {
    if (answer.state !== "done") {
        return { state: "working", id: answer.id, pictures: {}, text: SAYS.theTestFrameIsBeingKeyed };
    }
    return {
        state: "done",
        id: answer.id,
        pictures: own(answer, "pictures", null) || {},
        text: filled(SAYS.frameKeyedInS, answer.frame, Number(answer.seconds).toFixed(1))
    };
}
