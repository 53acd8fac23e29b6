/** The panel's widgets, laid out in one column that may be narrow, and what fills them. */

var PANEL_MARGIN = 8;
var PANEL_LEAST_WIDTH = 280;
var PANEL_LEAST_HEIGHT = 200;
var UNFOLDED = 10000;
var BUTTONS_A_ROW = 3;
var JOB_BUTTONS = [
    "bring", "bringAll", "place", "pause", "cancel", "retry", "again", "accept", "sooner", "remove"
];

/** Fills `container` and returns its interface; asks nothing of network or disk. */
function buildInterface(container) {
    /** @type {any} */
    var controls = {};
    container.orientation = "column";
    container.alignChildren = ["fill", "top"];
    container.spacing = 6;
    container.margins = PANEL_MARGIN;
    container.minimumSize = [PANEL_LEAST_WIDTH, PANEL_LEAST_HEIGHT];
    /** @type {any} */
    var face = { container: container, controls: controls, folds: [], keys: [], action: null, pictured: null, filling: false };
    buildHeader(container, controls);
    buildChoices(fold(face, "foldKey"), controls);
    buildPreview(fold(face, "foldPicture"), controls);
    buildJobs(fold(face, "foldJobs"), controls);
    buildFooter(container, controls);
    face.showState = function (state) { showState(face, state); };
    face.showJobs = function () { showJobs(face); };
    face.showPreview = function () { showPreview(face); };
    face.showMessage = function () { showMessage(face); };
    face.showChoices = function () { showChoices(controls); };
    face.showFolds = function () { showFolds(face); };
    face.fit = function () { fitPicture(controls.picture, container.size[0] - 2 * PANEL_MARGIN); };
    connect(face);
    return face;
}

/** Gives every control its natural size, then the room that the panel has: one without the other leaves gaps or cuts. */
function layOut(container) {
    container.layout.layout(true);
    container.layout.resize();
}

/** A group with a button above that folds it away; returns the group. */
function fold(face, name) {
    var head = button(face.container, name);
    head.alignment = ["fill", "top"];
    var body = face.container.add("group");
    body.orientation = "column";
    body.alignChildren = ["fill", "top"];
    body.alignment = ["fill", name === "foldJobs" ? "fill" : "top"];
    body.spacing = 6;
    face.folds.push({ name: name, head: head, body: body });
    head.onClick = guarded(name, function () {
        var change = {};
        change[name] = !own(setting("folded"), name, false);
        changeSetting("folded", merged(setting("folded"), change));
        showFolds(face);
    });
    return body;
}

function showFolds(face) {
    for (var i = 0; i < face.folds.length; i += 1) {
        var one = face.folds[i];
        var isFolded = own(setting("folded"), one.name, false);
        one.head.text = (isFolded ? "\u25b8 " : "\u25be ") + word(one.name);
        // What is only hidden keeps its room.
        one.body.visible = !isFolded;
        one.body.maximumSize = [UNFOLDED, isFolded ? 0 : UNFOLDED];
    }
    layOut(face.container);
}

function buildHeader(container, controls) {
    var head = row(container);
    controls.status = head.add("statictext", undefined, word("ready"));
    controls.status.alignment = ["fill", "center"];
    controls.refresh = button(head, "refresh");
    var main = row(container);
    controls.send = button(main, "send");
    controls.send.alignment = ["fill", "center"];
    controls.test = button(main, "test");
}

function buildPreview(box, controls) {
    var line = row(box);
    label(line, "view");
    controls.view = list(line, VIEW_CHOICES, "view");
    controls.before = tipped(line.add("checkbox", undefined, word("before")), "before");
    controls.zoom = list(line, ZOOM_CHOICES, "zoom");
    controls.picture = addPicture(box);
}

function buildJobs(box, controls) {
    var line = row(box);
    label(line, "filterProject");
    controls.filterProject = list(line, PROJECT_CHOICES, "filterProject");
    controls.filterState = list(line, STATE_CHOICES, "filterState");
    controls.jobs = tipped(box.add("listbox", undefined, []), "jobs");
    controls.jobs.alignment = ["fill", "fill"];
    controls.jobs.minimumSize = [100, 90];
    for (var i = 0; i < JOB_BUTTONS.length; i += 1) {
        line = i % BUTTONS_A_ROW === 0 ? row(box) : line;
        controls[JOB_BUTTONS[i]] = button(line, JOB_BUTTONS[i]);
        controls[JOB_BUTTONS[i]].alignment = ["fill", "center"];
    }
}

function buildFooter(container, controls) {
    controls.message = container.add("statictext", undefined, "", { multiline: true });
    controls.message.alignment = ["fill", "bottom"];
    controls.message.minimumSize = [100, 48];
    controls.fix = container.add("button", undefined, "");
    controls.fix.visible = false;
    var line = row(container);
    controls.live = tipped(line.add("checkbox", undefined, word("live")), "live");
    controls.auto = tipped(line.add("checkbox", undefined, word("auto")), "auto");
    controls.dashboard = button(line, "dashboard");
    line = row(container);
    controls.setup = button(line, "setup");
    controls.details = button(line, "details");
}

/** Connects a button; what was typed and not confirmed counts before it acts. */
function press(face, name, action) {
    face.controls[name].onClick = guarded(name, function () {
        takeTyped(face.controls);
        action();
    });
}

function connect(face) {
    var controls = face.controls;
    press(face, "refresh", function () {
        showChoices(controls);
        refreshAll();
    });
    press(face, "dashboard", openDashboard);
    press(face, "send", function () {
        if (isShiftDown()) {
            recallChoices();
            showChoices(controls);
        }
        sendSelected();
    });
    press(face, "test", testOne);
    press(face, "setup", showSetup);
    press(face, "details", showDetails);
    controls.view.onChange = guarded("view", function () {
        chooseView(face, VIEW_CHOICES[controls.view.selection.index][0]);
    });
    press(face, "before", function () { showPicture(face, controls.before.value ? "plate" : setting("view")); });
    connectList(controls, "zoom", ZOOM_CHOICES, function () {
        face.fit();
        layOut(face.container);
    });
    connectList(controls, "filterProject", PROJECT_CHOICES, face.showJobs);
    connectList(controls, "filterState", STATE_CHOICES, face.showJobs);
    press(face, "auto", function () { changeSetting("auto", controls.auto.value); });
    press(face, "live", function () {
        changeSetting("live", controls.live.value);
        shared.polling.strikes = 0;
        if (controls.live.value) {
            armPolling();
        } else {
            stopPolling();
        }
    });
    press(face, "fix", function () {
        var action = face.action;
        if (action !== null) {
            action.run();
            if (!own(action, "quiet", false)) {
                say("Done: " + action.label + ".", null);
            }
        }
    });
    connectJobs(face);
}

function connectJobs(face) {
    for (var i = 0; i < JOB_BUTTONS.length; i += 1) {
        connectJob(face, JOB_BUTTONS[i]);
    }
    press(face, "bringAll", bringAll);
    face.controls.jobs.onChange = guarded("job list", function () { showChosen(face); });
    face.controls.jobs.onDoubleClick = guarded("bring", function () { withChosen(face, "bring"); });
}

function connectJob(face, name) {
    press(face, name, function () { withChosen(face, name); });
}

function withChosen(face, name) {
    var job = chosenJob(face);
    if (job === null) {
        throw problem("no-job", SAYS.noJobIsChosen, SAYS.clickOneInTheList);
    }
    jobAction(name, job);
}

function chosenJob(face) {
    var selected = face.controls.jobs.selection;
    var key = selected ? face.keys[selected.index] : "";
    if (!selected && face.keys.length === 1) {
        key = face.keys[0];
    }
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].key === key) {
            return jobs[i];
        }
    }
    return null;
}

function showChosen(face) {
    var job = chosenJob(face);
    // A list that is filled chooses, too.
    if (job !== null && !face.filling) {
        showChosenButton(face);
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

/** Fills the job list anew, as its filters say, and keeps the chosen job chosen. */
function showJobs(face) {
    var job = chosenJob(face);
    var chosen = shared.chosen !== "" ? shared.chosen : own(job, "key", "");
    var box = face.controls.jobs;
    var jobs = listedHere();
    face.filling = true;
    try {
        box.removeAll();
        face.keys = [];
        for (var i = 0; i < jobs.length; i += 1) {
            box.add("item", jobLine(jobs[i]));
            face.keys.push(jobs[i].key);
            if (jobs[i].key === chosen) {
                box.selection = i;
            }
        }
    } finally {
        face.filling = false;
    }
    showChosenButton(face);
}

/** The jobs that the filters let through. */
function listedHere() {
    var isAll = setting("filterProject") === "all";
    // The mark stands in metadata that may be long: it is looked for where it counts only.
    var here = isAll ? null : { project: projectPath(), projectId: projectMark() };
    var listed = [];
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (isListed(jobs[i], here)) {
            listed.push(jobs[i]);
        }
    }
    return listed;
}

function isListed(job, here) {
    if (here !== null) {
        var mark = own(job, "projectId", "");
        if (mark !== "" && here.projectId !== "" ? mark !== here.projectId : job.project !== here.project) {
            return false;
        }
    }
    var wanted = setting("filterState");
    return wanted === "all"
        || (wanted === "active" && isActive(job))
        || (wanted === "finished" && job.state === "done")
        || (wanted === "problems" && positionIn(PROBLEM_STATES, job.state) !== -1);
}

function showChosenButton(face) {
    var job = chosenJob(face);
    face.controls.pause.text = word(job !== null && job.state === "paused" ? "resume" : "pause");
}

function showPreview(face) {
    face.controls.before.value = false;
    showPicture(face, setting("view"));
}

function showPicture(face, view) {
    var path = own(own(shared.preview, "pictures", null), view, "");
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
    attempt(function () { layOut(face.container); }, null);
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
    layOut(face.container);
}
