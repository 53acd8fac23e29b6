/** The service on this machine: where it is, how it is, and what it is asked for. */

var SERVICE_SECONDS = 2;
var SUBMIT_SECONDS = 3;
var PRESENCE_MILLISECONDS = 3000;
var CLIENT_NAME = "after-effects";

/** {host, port, token, version, url} of the running service; throws a problem when there is none to be found. */
function findService() {
    var path = joinedPath(serviceHome(), "service.json");
    var text = readText(fileAt(path));
    if (text === null) {
        throw problem(
            "offline",
            SAYS.dropkeyDoesNotRunOnThis,
            howToStart(SAYS.pressStartDropkeyOrChoose, SAYS.startItOrChoose)
        );
    }
    var content = attempt(function () { return jsonParse(text); }, null);
    var url = /^http:\/\/([^:]+):([0-9]+)$/.exec(String(own(content, "url", "")));
    var tokenFile = own(content, "token_file", null);
    var token = isText(tokenFile) ? readText(fileAt(tokenFile)) : null;
    if (!url || token === null) {
        throw problem("offline", filled(SAYS.dropkeysDiscoveryFileCannotBeUsed, path), SAYS.startDropkeyAgain);
    }
    // `localhost` may lead to ::1 first.
    var host = url[1] === "localhost" ? "127.0.0.1" : url[1];
    return {
        host: host, port: Number(url[2]), token: trimmed(token), version: String(content.version), url: url[0]
    };
}

/** The folder where the service keeps its state, as Python's platformdirs names it. */
function serviceHome() {
    var chosen = $.getenv("DROPKEY_HOME");
    if (chosen) {
        return chosen;
    }
    var base = Folder.userData || Folder.myDocuments;
    if (isWindows()) {
        return joinedPath($.getenv("LOCALAPPDATA") || joinedPath(parentPath(base.fsName), "Local"), "DropKey");
    }
    return joinedPath(base.fsName, "DropKey");
}

/** Asks the service and returns the JSON it answers; throws its own problem where it refuses. */
function askService(method, path, body, more) {
    var found = findService();
    var headers = merged({ Authorization: "Bearer " + found.token, Accept: "application/json" }, more || {});
    var reply = httpExchange({
        host: found.host,
        port: found.port,
        method: method,
        path: path,
        headers: headers,
        body: body === null || body === undefined ? null : jsonStringify(body),
        seconds: method === "POST" ? SUBMIT_SECONDS : SERVICE_SECONDS
    });
    var content = attempt(function () { return jsonParse(reply.body); }, null);
    if (content === null) {
        throw garbageReply(filled(SAYS.itIsNotJsonStatus, reply.status));
    }
    if (reply.status >= 400 && !(reply.status === 503 && has(content, "ready"))) {
        throw refusal(reply.status, content);
    }
    return content;
}

function refusal(status, content) {
    if (status === 401) {
        return problem("wrong-token", SAYS.dropkeyDoesNotKnowThisPanels, SAYS.startDropkeyAgainThenRefresh);
    }
    var detail = String(own(content, "detail", filled(SAYS.itAnsweredWithStatus, status)));
    var wrong = own(content, "errors", []);
    for (var i = 0; isList(wrong) && i < wrong.length && i < 3; i += 1) {
        detail += " " + wrong[i].where + ": " + wrong[i].message + ".";
    }
    var kind = String(own(content, "type", "")).split(":").pop();
    return problem("refused-" + kind, "DropKey: " + detail, String(own(content, "fix", "")));
}

/** How the service is: {state, text}; state as in docs/panel.md. Never throws. */
function serviceState() {
    try {
        demandPermission();
        var found = findService();
        if (!sameSeries(found.version, PANEL_VERSION)) {
            return {
                state: "incompatible",
                text: filled(
                    SAYS.dropkeyIsThisPanelIsRun,
                    found.version, PANEL_VERSION, dropkeyCommand()
                )
            };
        }
        return readiness(askService("GET", "/health/ready", null, null));
    } catch (error) {
        var kind = own(error, "kind", "offline");
        if (kind !== "no-permission" && usesFiles()) {
            return { state: "files", text: SAYS.noDropkeyOnThisMachineWorking };
        }
        if (kind === "offline" && readSafely("service.json") === null && !canStart() && setting("dropFolder") === "") {
            kind = "unconfigured";
        }
        return { state: kind === "refused-not_ready" ? "loading-model" : kind, text: problemText(error) };
    }
}

function readSafely(name) {
    return readSafelyAt(joinedPath(serviceHome(), name));
}

function readSafelyAt(path) {
    return attempt(function () { return readText(fileAt(path)); }, null);
}

/** Asks about one job; the answer is the short one, whatever mattes and frames the job has. */
function askJob(method, path, body, more) {
    return askService(method, path + "?answer=summary", body, more);
}

function readiness(content) {
    if (content.ready) {
        return { state: "ready", text: SAYS.dropkeyIsReady };
    }
    var checks = own(content, "checks", {});
    var wrong = [];
    for (var name in checks) {
        if (has(checks, name) && !checks[name].ok) {
            wrong.push(name + ": " + checks[name].detail);
        }
    }
    var loading = has(checks, "workers") && /starting/.test(checks.workers.detail);
    return {
        state: loading ? "loading-model" : "not-ready",
        text: loading ? SAYS.dropkeyIsLoadingItsKeyerJobs : filled(SAYS.notReady, wrong.join("; "))
    };
}

/** Whether two versions speak the same: equal major, and below 1.0 equal minor too. */
function sameSeries(one, other) {
    var a = one.split(".");
    var b = other.split(".");
    return a[0] === b[0] && (a[0] !== "0" || a[1] === b[1]);
}

/** Whether jobs go through files on a shared drop folder instead of HTTP. */
function usesFiles() {
    return setting("dropFolder") !== "" && setting("resultsFolder") !== "" && !isServiceHere();
}

/** Whether a service answers on this machine: what a crash left of its discovery file is none. Known for a moment. */
function isServiceHere() {
    var now = new Date().getTime();
    if (shared.presence === null || Math.abs(now - shared.presence.at) > PRESENCE_MILLISECONDS) {
        shared.presence = { at: now, here: answersHere() };
    }
    return shared.presence.here;
}

function answersHere() {
    if (readSafely("service.json") === null) {
        return false;
    }
    try {
        var found = findService();
        var reply = httpExchange({
            host: found.host, port: found.port, method: "GET", path: "/health/live", headers: {}, body: null, seconds: SERVICE_SECONDS
        });
        return own(quietParse(reply.body), "live", false) === true;
    } catch (error) {
        // One that is busy is there.
        return own(error, "kind", "") === "timeout";
    }
}

/** Opens the dashboard in the browser, by a link that works once. */
function openDashboard() {
    demandPermission();
    var url = askService("POST", "/browser-links", null, null).url;
    if (isWindows()) {
        system.callSystem("cmd.exe /c start \"\" \"" + url + "\"");
    } else {
        system.callSystem("open \"" + url + "\"");
    }
}
