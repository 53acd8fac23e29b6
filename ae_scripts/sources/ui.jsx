/** The panel's widgets, laid out in one column, and what fills them. */

var PANEL_MARGIN = 8;
var JOB_BUTTONS = [
    ["bring", "Bring back"], ["pause", "Pause"], ["cancel", "Cancel"],
    ["retry", "Retry"], ["again", "Key again"], ["sooner", "Sooner"]
];
var STATE_LABELS = {
    "unconfigured": "not set up", "no-permission": "no permission", "offline": "offline", "timeout": "no answer",
    "garbage": "not DropKey", "incompatible": "other version", "wrong-token": "wrong token", "loading-model": "loading",
    "not-ready": "not ready", "ready": "ready", "busy": "busy", "files": "shared folder"
};

/** Fills `container` and returns its interface; asks nothing of network or disk. */
function buildInterface(container) {
    /** @type {any} */
    var controls = {};
    container.orientation = "column";
    container.alignChildren = ["fill", "top"];
    container.spacing = 6;
    container.margins = PANEL_MARGIN;
    buildHeader(container, controls);
    buildChoices(container, controls);
    buildPreview(container, controls);
    buildJobs(container, controls);
    buildFooter(container, controls);
    /** @type {any} */
    var face = { container: container, controls: controls, keys: [], action: null, pictured: null };
    face.showState = function (state) { showState(face, state); };
    face.showJobs = function () { showJobs(face); };
    face.showPreview = function () { showPreview(face); };
    face.showMessage = function () { showMessage(face); };
    face.fit = function () { fitPicture(controls.picture, container.size[0] - 2 * PANEL_MARGIN); };
    connect(face);
    return face;
}

function buildHeader(container, controls) {
    var head = row(container);
    controls.status = head.add("statictext", undefined, "DropKey \u2013 press Refresh");
    controls.status.alignment = ["fill", "center"];
    controls.refresh = head.add("button", undefined, "Refresh");
    controls.dashboard = head.add("button", undefined, "Dashboard");
    var main = row(container);
    controls.send = main.add("button", undefined, "Key selected layers");
    controls.send.alignment = ["fill", "center"];
    controls.test = main.add("button", undefined, "Test frame");
}

function buildPreview(container, controls) {
    var line = row(container);
    label(line, "View");
    controls.view = list(line, VIEW_CHOICES);
    controls.picture = addPicture(container);
}

function buildJobs(container, controls) {
    controls.jobs = container.add("listbox", undefined, []);
    controls.jobs.alignment = ["fill", "fill"];
    controls.jobs.minimumSize = [100, 90];
    var line = row(container);
    for (var i = 0; i < JOB_BUTTONS.length; i += 1) {
        if (i === 3) {
            line = row(container);
        }
        controls[JOB_BUTTONS[i][0]] = line.add("button", undefined, JOB_BUTTONS[i][1]);
        controls[JOB_BUTTONS[i][0]].alignment = ["fill", "center"];
    }
}

function buildFooter(container, controls) {
    controls.message = container.add("statictext", undefined, "", { multiline: true });
    controls.message.alignment = ["fill", "bottom"];
    controls.message.minimumSize = [100, 48];
    controls.fix = container.add("button", undefined, "Fix it");
    controls.fix.visible = false;
    var line = row(container);
    controls.live = line.add("checkbox", undefined, "Live");
    controls.setup = line.add("button", undefined, "Setup\u2026");
    controls.details = line.add("button", undefined, "Details\u2026");
}

function connect(face) {
    var controls = face.controls;
    controls.refresh.onClick = guarded("refresh", function () {
        showChoices(controls);
        refreshAll();
    });
    controls.dashboard.onClick = guarded("dashboard", openDashboard);
    controls.send.onClick = guarded("send", sendSelected);
    controls.test.onClick = guarded("test frame", testOne);
    controls.setup.onClick = guarded("setup", showSetup);
    controls.details.onClick = guarded("details", showDetails);
    controls.view.onChange = guarded("view", function () {
        chooseView(face, VIEW_CHOICES[controls.view.selection.index][0]);
    });
    controls.live.onClick = guarded("live", function () {
        changeSetting("live", controls.live.value);
        shared.polling.strikes = 0;
        if (controls.live.value) {
            armPolling();
        } else {
            stopPolling();
        }
    });
    controls.fix.onClick = guarded("fix", function () {
        var action = face.action;
        if (action !== null) {
            action.run();
            say("Done: " + action.label + ".", null);
        }
    });
    for (var i = 0; i < JOB_BUTTONS.length; i += 1) {
        connectJob(face, JOB_BUTTONS[i][0]);
    }
    controls.jobs.onChange = guarded("job list", function () { showChosen(face); });
}

function connectJob(face, name) {
    face.controls[name].onClick = guarded(name, function () {
        var job = chosenJob(face);
        if (job === null) {
            throw problem("no-job", "No job is chosen.", "Click one in the list.");
        }
        jobAction(name, job);
    });
}

function chosenJob(face) {
    var selected = face.controls.jobs.selection;
    if (!selected) {
        return store().jobs.length === 1 ? store().jobs[0] : null;
    }
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].key === face.keys[selected.index]) {
            return jobs[i];
        }
    }
    return null;
}

function showChosen(face) {
    var job = chosenJob(face);
    if (job !== null) {
        face.controls.pause.text = job.state === "paused" ? "Resume" : "Pause";
        if (job.message !== "") {
            say(job.message, null);
        }
    }
}

function showState(face, state) {
    var shown = state.state === "ready" && anyRuns() ? "busy" : state.state;
    face.controls.status.text = "DropKey \u2013 " + (own(STATE_LABELS, shown, state.state));
}

function anyRuns() {
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].state === "running") {
            return true;
        }
    }
    return false;
}

/** Fills the job list anew and keeps the chosen job chosen. */
function showJobs(face) {
    var job = chosenJob(face);
    var chosen = shared.chosen !== "" ? shared.chosen : own(job, "key", "");
    var box = face.controls.jobs;
    var jobs = store().jobs;
    box.removeAll();
    face.keys = [];
    for (var i = 0; i < jobs.length; i += 1) {
        box.add("item", jobLine(jobs[i]));
        face.keys.push(jobs[i].key);
        if (jobs[i].key === chosen) {
            box.selection = i;
        }
    }
    showChosenButton(face);
}

function showChosenButton(face) {
    var job = chosenJob(face);
    face.controls.pause.text = job !== null && job.state === "paused" ? "Resume" : "Pause";
}

function showPreview(face) {
    var path = own(own(shared.preview, "pictures", null), setting("view"), "");
    if (path === "" || face.pictured === path) {
        return;
    }
    face.pictured = path;
    // The service keeps the last few only, and none when it starts anew; another view's picture would pass for this one.
    face.controls.picture.visible = attempt(function () {
        /** @type {any} */
        var file = fileAt(path);
        face.controls.picture.image = ScriptUI.newImage(file);
        face.fit();
        return true;
    }, false);
    attempt(function () { face.container.layout.layout(true); }, null);
}

function showMessage(face) {
    var last = shared.last;
    face.controls.message.text = last.text;
    face.action = last.action;
    face.controls.fix.visible = last.action !== null;
    if (last.action !== null) {
        face.controls.fix.text = last.action.label;
    }
    // A longer sentence needs more lines than the last one had.
    face.container.layout.layout(true);
}
