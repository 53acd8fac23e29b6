/** Errors as the artist reads them: what went wrong, and what to do; the log that keeps the details; and tidying up after them. */

var LOG_LINES = 300;

var panelLog = [];

/** An Error with a machine-readable `kind` and a sentence that says what to do. */
function problem(kind, message, fix) {
    /** @type {any} */
    var error = new Error(message);
    error.kind = kind;
    error.fix = fix || "";
    error.isProblem = true;
    return error;
}

/** One line for the message area of the panel. */
function problemText(error) {
    if (error && error.isProblem) {
        return error.fix ? error.message + " " + error.fix : error.message;
    }
    return filled(SAYS.afterEffectsReportedNothingHalfMade, errorText(error));
}

function errorText(error) {
    if (error === null || error === undefined) {
        return SAYS.anUnknownError;
    }
    var text = trimmed(error.message || String(error));
    return text.replace(/[.\s]+$/, "");
}

function logLine(text) {
    panelLog.push(padTwo(new Date().getHours()) + ":" + padTwo(new Date().getMinutes()) + " " + text);
    if (panelLog.length > LOG_LINES) {
        panelLog.shift();
    }
}

function padTwo(number) {
    return padded(number, 2);
}

function logError(where, error) {
    var place = "";
    if (error && error.line) {
        place = " (line " + error.line + (error.fileName ? " of " + error.fileName : "") + ")";
    }
    logLine(where + ": " + errorText(error) + place);
}

/** Everything that helps whoever is asked for help. */
function detailsText() {
    var head = ["DropKey panel " + PANEL_VERSION, "After Effects " + app.version, $.os];
    return head.concat(panelLog).join("\n");
}

/** Runs `action`, which may throw, and returns its answer; all that it changes is one step of Edit > Undo. */
function inOneUndoStep(name, action) {
    insist(function () { app.beginUndoGroup(name); });
    try {
        return action();
    } finally {
        insist(function () { app.endUndoGroup(); });
    }
}

/** Runs `action`, and once more where that failed: tidying up must not end at the first hiccup. */
function insist(action) {
    var done = attempt(function () {
        action();
        return true;
    }, false);
    if (!done) {
        attempt(action, null);
    }
}

/** Runs `action`; an error in it is logged and answered with `otherwise`. */
function attempt(action, otherwise) {
    try {
        return action();
    } catch (error) {
        logError("tried", error);
        return otherwise;
    }
}
