/** What all loaded panels share: one global key, one memory, one task, and the list of open interfaces. */

var GLOBAL_NAME = "DropKeyPanel";
var SHARED_SCHEMA = 1;

/** @type {any} */
var shared = null;

/** Joins the panels that are loaded already, or begins; adds the one global key. Touches nothing else. */
function joinShared() {
    var there = $.global[GLOBAL_NAME];
    if (there && own(there, "schema", 0) === SHARED_SCHEMA && own(there, "version", "") === PANEL_VERSION) {
        shared = there.shared;
    } else {
        shared = {
            store: null, unusable: null, written: { text: "", jobs: {}, settings: {} }, instance: newKey(), tested: null, presence: null, interfaces: [], preview: null, last: null, chosen: "",
            polling: { task: 0, due: 0, strikes: 0 }
        };
    }
    $.global[GLOBAL_NAME] = {
        schema: SHARED_SCHEMA,
        version: PANEL_VERSION,
        shared: shared,
        tick: pollTick,
        receive: receivePush
    };
}

/** Open interfaces; those whose widgets died with their panel are dropped. */
function liveInterfaces() {
    var alive = [];
    for (var i = 0; i < shared.interfaces.length; i += 1) {
        if (isAlive(shared.interfaces[i])) {
            alive.push(shared.interfaces[i]);
        }
    }
    shared.interfaces = alive;
    return alive;
}

function isAlive(face) {
    try {
        return face.container.visible !== undefined && face.controls.status.text !== undefined;
    } catch (ignored) {
        return false;
    }
}

/** Writes a message into every open interface; `action` is {label, run} for the button beside it, or null. */
function say(text, action) {
    shared.last = { text: text, action: action };
    var faces = liveInterfaces();
    for (var i = 0; i < faces.length; i += 1) {
        faces[i].showMessage();
    }
}

/** Says several sentences; where the project's color will change the picture, its button comes along. */
function sayAll(sentences) {
    var action = null;
    var report = app.project ? colorReport(app.project) : [];
    for (var i = 0; i < report.length; i += 1) {
        if (report[i].fix !== null && positionIn(sentences, report[i].text) !== -1) {
            action = { label: report[i].label, run: report[i].fix };
        }
    }
    say(sentences.join("\n"), action);
}

function showAll() {
    var faces = liveInterfaces();
    for (var i = 0; i < faces.length; i += 1) {
        faces[i].showJobs();
    }
    shared.chosen = "";
    showPictures();
}

/** Shows what is remembered of the choices, in every open interface. */
function showAllChoices() {
    var faces = liveInterfaces();
    for (var i = 0; i < faces.length; i += 1) {
        faces[i].showChoices();
    }
}

/** Shows the test frame, in the view that is chosen, in every open interface. */
function showPictures() {
    var faces = liveInterfaces();
    for (var i = 0; i < faces.length; i += 1) {
        faces[i].showPreview();
    }
}
