/** The jobs of this artist: made, sent, followed, remembered. Their states are those of docs/panel.md. */

var ACTIVE_STATES = ["submitting", "waiting_input", "queued", "running", "paused", "root_offline", "needs_attention"];
var PROBLEM_STATES = ["needs_attention", "failed", "root_offline", "lost", "stale", "orphan"];
var KEPT_STATES = ["imported", "in-project", "stale", "orphan"];
var PAGE_JOBS = 50;

function isActive(job) {
    return positionIn(ACTIVE_STATES, job.state) !== -1;
}

function hasActiveJobs() {
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (isActive(jobs[i])) {
            return true;
        }
    }
    return false;
}

/** The body of `POST /jobs` for an order. */
function requestOf(order, mattes) {
    /** @type {any} */
    var request = {
        plate: order.plate,
        frames: rangeText(order.base + order.first, order.base + order.last),
        fps: rateText(order.fps),
        settings: keySettings(order.encoding),
        mattes: mattes,
        client: CLIENT_NAME
    };
    if (own(order, "alike", []).length > 0) {
        request.encoded_like = order.alike;
    }
    if (own(order, "gaps", false)) {
        request.accept_gaps = true;
    }
    if (Math.abs(order.pixelAspect - 1) > ASPECT_SLACK) {
        request.pixel_aspect = Math.round(order.pixelAspect * 1e6) / 1e6;
    }
    return request;
}

/** The choices that differ from the service's own defaults. */
function keySettings(encoding) {
    var chosen = merged({}, presetSettings(setting("preset")));
    // What the panel shows of a preset's choices is what counts.
    delete chosen.screen_color;
    delete chosen.despill;
    if (encoding !== "auto") {
        chosen.encoding = encoding;
    }
    if (isList(setting("screenColor"))) {
        chosen.screen_color = setting("screenColor");
    }
    if (setting("despill") !== DEFAULT_SETTINGS.despill) {
        chosen.despill = setting("despill");
    }
    for (var name in setting("fine")) {
        if (has(setting("fine"), name)) {
            choose(chosen, name.split("."), setting("fine")[name]);
        }
    }
    return chosen;
}

/** Sets an entry of the settings, or one within one of them. */
function choose(chosen, names, value) {
    if (names.length === 1) {
        chosen[names[0]] = value;
        return;
    }
    chosen[names[0]] = merged(own(chosen, names[0], {}), {});
    choose(chosen[names[0]], names.slice(1), value);
}

/** The order for a layer, rendered first where that is needed; throws a problem that names the layer. */
function orderOf(comp, layer) {
    var way = wayOf(layer);
    if (way.way === "refuse") {
        throw problem(
            "unusable-layer", filled(SAYS.cannotBeKeyed, layer.name), way.reason + "."
        );
    }
    if (way.way === "file") {
        return fileOrder(comp, layer);
    }
    logLine(filled("{0} is rendered first, because {1}", layer.name, way.reason));
    return renderedOrder(comp, layer, insideComp(comp, layer, wantedSpan(comp, layer)));
}

/** Mattes of a layer, with the comp time of each frame number of the order. */
function mattesOfOrder(layer, order) {
    var step = (order.rendered ? 1 : order.stretch / 100) / order.fps;
    return mattesOf(layer, {
        first: order.base + order.first,
        last: order.base + order.last,
        timeOf: function (number) { return order.placeTime + (number - order.base - order.first) * step; }
    });
}

/** Sends one layer; returns {job, isNew}. The job is remembered before it is sent, so that nothing is lost. */
function sendLayer(comp, layer) {
    var order = orderOf(comp, layer);
    var drawn = mattesOfOrder(layer, order);
    var request = requestOf(order, {});
    var known = sameRequest(request, drawn.texts);
    if (known !== null) {
        return { job: known, isNew: false };
    }
    var key = newKey();
    request.mattes = writeMattes(drawn.texts, key);
    var wanted = wantedOutput();
    var job = merged(order, {
        key: key,
        jobId: "",
        name: layer.name,
        state: "submitting",
        done: 0,
        total: order.last - order.first + 1,
        eta: null,
        priority: 50,
        version: 0,
        manifest: "",
        message: "",
        jobFile: "",
        output: wanted.output,
        way: usesFiles() ? "files" : "http",
        request: request,
        notes: order.notes.concat(drawn.notes, wanted.notes),
        items: {},
        layers: []
    });
    store().jobs = [job].concat(store().jobs);
    saveStore();
    rememberChoices(fileKey(layer.source));
    submit(job);
    return { job: job, isNew: true };
}

function newKey() {
    return new Date().getTime().toString(36) + padded(Math.floor(Math.random() * 1e9), 9);
}

/** A job of the same request that is still on its way: a second click must not make a second one. */
function sameRequest(request, texts) {
    var text = jsonStringify(request);
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        var plain = merged(jobs[i].request, { mattes: {} });
        if (isActive(jobs[i]) && jsonStringify(plain) === text && holdsMattes(own(jobs[i].request, "mattes", {}), texts)) {
            return jobs[i];
        }
    }
    return null;
}

/** Hands a job over; a timeout leaves it `submitting`, and the next Refresh sends it again under the same key. */
function submit(job) {
    try {
        if (job.way === "files") {
            submitFile(job);
            job.state = "queued";
        } else {
            var answer = askJob("POST", "/jobs", job.request, { "Idempotency-Key": job.key });
            job.jobId = answer.id;
            takeOver(job, answer);
            forgetTwins(job);
        }
        job.message = "";
    } catch (error) {
        var kind = own(error, "kind", "");
        job.message = problemText(error);
        job.state = kind === "timeout" || kind === "offline" || kind === "garbage" ? "submitting" : "failed";
        saveStore();
        throw error;
    }
    saveStore();
}

/** The service takes the same plate with the same settings for one job; here it is one line, too. */
function forgetTwins(job) {
    var kept = [];
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i] === job || jobs[i].jobId !== job.jobId || jobs[i].layerId !== job.layerId) {
            kept.push(jobs[i]);
        } else {
            job.items = jobs[i].items;
            job.layers = jobs[i].layers;
        }
    }
    store().jobs = kept;
}

/** Brings a remembered job up to what the service says of it. */
function takeOver(job, answer) {
    job.seen = String(own(answer, "updated_at", ""));
    var state = String(answer.state);
    var before = job.state;
    job.version = answer.version;
    job.priority = own(answer, "priority", job.priority);
    job.done = own(answer, "frames_done", 0);
    job.total = own(answer, "frames_total", isList(answer.frames) ? answer.frames.length : 0) || job.total;
    job.eta = own(answer, "eta_seconds", null);
    job.manifest = answer.manifest || "";
    job.message = trimmed((answer.problem ? answer.problem.message + " " + answer.problem.fix + " " : "")
        + own(answer, "warnings", []).join(" "));
    job.state = state === "done" && positionIn(KEPT_STATES, before) !== -1 ? before : state;
}

/** Cancel, pause, resume, retry or accept; throws the service's sentence where the state does not allow it. */
function actOnJob(job, verb) {
    if (job.way === "files") {
        throw problem("needs-service", SAYS.thisCanBeDoneOnlyWhere, SAYS.openItsDashboardThere);
    }
    if (job.jobId === "") {
        if (verb === "cancel") {
            job.state = "cancelled";
            saveStore();
            return;
        }
        submit(job);
        return;
    }
    takeOver(job, askJob("POST", "/jobs/" + job.jobId + "/" + verb, null, null));
    saveStore();
}

function prioritize(job, priority) {
    takeOver(job, askJob("PATCH", "/jobs/" + job.jobId, { priority: priority }, null));
    saveStore();
}

/** Keys the layer as it is now (masks, trim, choices) as the next version; where it is gone, the same frames again. */
function keyAgain(job) {
    var target = findTarget(job);
    var order = target.layer === null ? job : orderOf(target.comp, target.layer);
    var key = newKey();
    var request = merged(job.request, { settings: keySettings(order.encoding), key_again: true });
    var notes = job.notes;
    var wanted = wantedOutput();
    if (target.layer !== null) {
        var drawn = mattesOfOrder(target.layer, order);
        request = merged(requestOf(order, writeMattes(drawn.texts, key)), { key_again: true });
        notes = order.notes.concat(drawn.notes, wanted.notes);
    }
    var again = merged(merged(job, order), {
        key: key,
        jobId: "",
        state: "submitting",
        done: 0,
        total: order.last - order.first + 1,
        version: 0,
        message: "",
        manifest: "",
        seen: "",
        items: {},
        layers: [],
        output: target.layer === null ? job.output : wanted.output,
        request: request,
        notes: notes
    });
    store().jobs = [again].concat(store().jobs);
    saveStore();
    submit(again);
    return again;
}

function jobWithId(jobId) {
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].jobId === jobId && jobId !== "") {
            return jobs[i];
        }
    }
    return null;
}

var BAR_PARTS = 8;

/** A progress bar that fits into a line of a list. */
function barText(done, total) {
    var full = total > 0 ? Math.floor(BAR_PARTS * Math.min(1, done / total)) : 0;
    var text = "";
    for (var i = 0; i < BAR_PARTS; i += 1) {
        text += i < full ? "\u25ae" : "\u25af";
    }
    return text;
}

/** One line of the job list. */
function jobLine(job) {
    var parts = [job.name + (job.version > 0 ? " v" + padded(job.version, 3) : ""), STATE_WORDS[job.state] || job.state];
    if (job.state === "running" || job.state === "paused") {
        parts.push(barText(job.done, job.total) + " " + job.done + "/" + job.total);
    }
    if (job.state === "running" && job.eta !== null) {
        parts.push(durationText(job.eta));
    }
    return parts.join("  \u2013  ");
}
