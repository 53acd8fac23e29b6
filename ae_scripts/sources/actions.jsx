/** What each button does. Every handler is guarded: ScriptUI would swallow an error without a word. */

/** A handler that words its errors in the panel and never lets one out. */
function guarded(name, action) {
    return function () {
        try {
            action();
        } catch (error) {
            logError(name, error);
            attempt(function () { say(problemText(error), fixFor(error)); }, null);
        }
    };
}

function fixFor(error) {
    if (own(error, "kind", "") === "no-permission") {
        return { label: SAYS.openPreferences, run: openPreferences };
    }
    if (own(error, "kind", "") === "offline") {
        return startAction();
    }
    return null;
}

/** Sends every selected layer; those that cannot be keyed are named, the others go. */
function sendSelected() {
    demandPermission();
    var chosen = selectedLayers();
    markProject();
    var layers = [];
    for (var k = 0; k < chosen.layers.length; k += 1) {
        layers.push(chosen.layers[k]);
    }
    var sentences = [];
    for (var i = 0; i < layers.length; i += 1) {
        sentences = sentences.concat(sendOne(chosen.comp, layers[i]));
    }
    showAll();
    sayAll(sentences.concat(colorNotes(wantedOutput().output)));
    shared.polling.strikes = 0;
    armPolling();
}

function sendOne(comp, layer) {
    try {
        var sent = sendLayer(comp, layer);
        shared.chosen = sent.job.key;
        if (!sent.isNew) {
            return [filled(SAYS.isOnItsWayAlready, layer.name)];
        }
        if (sent.job.state === "done") {
            return [filled(SAYS.wasKeyedWithTheseSettingsBefore,
                layer.name)].concat(sent.job.notes);
        }
        return [filled(SAYS.jobIsSent, layer.name, STATE_WORDS[sent.job.state])].concat(sent.job.notes);
    } catch (error) {
        logError("send", error);
        return [problemText(error)];
    }
}

/** Asks how service and jobs are, and shows it. */
function refreshAll() {
    var state = serviceState();
    showStates(state);
    if (state.state === "no-permission") {
        say(state.text, { label: SAYS.openPreferences, run: openPreferences });
        return;
    }
    var before = statesByKey();
    var news = [];
    var problems = [];
    var brought = [];
    try {
        if (state.state === "ready" || state.state === "loading-model") {
            refreshPresets();
            showAllChoices();
        }
        news = refreshPreview();
        problems = refreshProblems(refreshJobs());
        brought = autoBring();
        shared.polling.strikes = 0;
    } finally {
        showAll();
        showStates(state);
        armPolling();
    }
    // A service that is away is told by its state already.
    sayAll([state.text].concat(news, newsSince(before), without(problems, state.text), brought));
    if (state.state === "offline" && startAction() !== null) {
        say(shared.last.text, startAction());
    }
}

/** Asks for a test frame that was not ready in time. One that failed says so once, and keeps nobody from their jobs. */
function refreshPreview() {
    if (shared.preview === null || shared.preview.state !== "working") {
        return [];
    }
    try {
        shared.preview = continuedPreview(shared.preview.id);
        return [];
    } catch (error) {
        logError("test frame", error);
        shared.preview = null;
        return [problemText(error)];
    }
}

function showStates(state) {
    var faces = liveInterfaces();
    for (var i = 0; i < faces.length; i += 1) {
        faces[i].showState(state);
    }
}

function statesByKey() {
    var states = {};
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        states[jobs[i].key] = jobs[i].state;
    }
    return states;
}

/** One sentence for each job that came to rest since. */
function newsSince(before) {
    var news = [];
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        var job = jobs[i];
        if (own(before, job.key, "") !== job.state && job.state !== "queued" && job.state !== "running") {
            var more = job.state === "done" ? SAYS.pressBringBack + (job.message === "" ? "" : ". " + job.message) : job.message;
            news.push(filled(SAYS.newsOfJob, job.name, STATE_WORDS[job.state] || job.state, more ? "; " + more : ""));
        }
    }
    return news;
}

function testOne() {
    shared.preview = testFrame();
    showAll();
    say(shared.preview.text, null);
}

/** Shows another picture of the test frame that is there; nothing is keyed for it. */
function chooseView(face, view) {
    changeSetting("view", view);
    showPictures();
    if (own(shared.preview, "state", "") === "done" && !face.controls.picture.visible) {
        throw problem("no-picture", SAYS.thePicturesOfThisTestFrame, SAYS.pressTestFrame);
    }
}

function bringAll() {
    demandPermission();
    var sentences = bringFinished();
    showAll();
    sayAll(sentences.length > 0 ? sentences : [SAYS.noJobOfThisProjectWaits]);
}

/** What Auto does after a refresh: sentences of what came back. */
function autoBring() {
    return setting("auto") ? bringFinished() : [];
}

function bringBackOne(job) {
    if (isActive(job)) {
        refreshFor(job);
    }
    var sentences = bringBack(job);
    if (job.state === "imported" && sentences.length === 0) {
        sentences = [filled(SAYS.isInTheComp, job.name)];
    }
    showAll();
    sayAll(sentences);
}

/** What the buttons under the job list do with the chosen job. */
function jobAction(name, job) {
    if (name === "bring") {
        bringBackOne(job);
        return;
    }
    if (name === "again") {
        shared.chosen = keyAgain(job).key;
    } else if (name === "remove") {
        removeJob(job);
        showAll();
        say(filled(SAYS.isOffTheListItsFiles, job.name), null);
        return;
    } else if (name === "place") {
        var placed = placeHere(job);
        showAll();
        sayAll(placed.length > 0 ? placed : [filled(SAYS.isInTheComp, job.name)]);
        return;
    } else if (name === "sooner") {
        prioritize(job, Math.min(100, job.priority + 10));
    } else if (name === "pause" && job.state === "paused") {
        actOnJob(job, "resume");
    } else {
        actOnJob(job, name);
    }
    showAll();
    say(filled(SAYS.jobIsNow, job.name, STATE_WORDS[job.state] || job.state), null);
}

function showDetails() {
    var window = new Window("dialog", SAYS.dropkeyDetails);
    var text = window.add("edittext", undefined, detailsText(), { multiline: true, readonly: true });
    text.preferredSize = [520, 320];
    var close = window.add("button", undefined, SAYS.close);
    close.onClick = function () { window.close(); };
    window.show();
}

/** Drop folder, results folder and render template, for machines without a service. */
function showSetup() {
    var window = new Window("dialog", SAYS.dropkeySetup);
    window.alignChildren = ["fill", "top"];
    var drop = setupRow(window, SAYS.dropFolder, setting("dropFolder"), true);
    var results = setupRow(window, SAYS.resultsFolder, setting("resultsFolder"), true);
    var template = setupRow(window, SAYS.renderTemplate, setting("renderTemplate"), false);
    var color = setupRow(window, SAYS.labelNone, String(setting("labelColor")), false);
    var places = row(window);
    places.add("statictext", undefined, SAYS.projectFolder).preferredSize = [100, -1];
    var scheme = list(places, FOLDER_CHOICES, "setup");
    scheme.selection = placeOf(FOLDER_CHOICES, setting("folderScheme"));
    var done = window.add("button", undefined, SAYS.ok);
    done.onClick = guarded("setup", function () {
        store().settings.dropFolder = trimmed(drop.text);
        store().settings.resultsFolder = trimmed(results.text);
        store().settings.renderTemplate = trimmed(template.text);
        store().settings.labelColor = limited(parseInt(color.text, 10) || 0, 0, 16);
        store().settings.folderScheme = FOLDER_CHOICES[scheme.selection.index][0];
        saveStore();
        window.close();
        say(SAYS.setupIsKeptPressRefresh, null);
    });
    window.show();
}

function setupRow(window, title, value, isFolder) {
    var line = row(window);
    line.add("statictext", undefined, title).preferredSize = [100, -1];
    var field = line.add("edittext", undefined, value);
    field.characters = 36;
    if (isFolder) {
        var choose = line.add("button", undefined, SAYS.choose);
        choose.onClick = guarded("choose a folder", function () {
            var folder = Folder.selectDialog(title);
            if (folder) {
                field.text = folder.fsName;
            }
        });
    }
    return field;
}
