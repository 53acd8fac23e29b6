/** What the panel remembers: settings and jobs in one JSON file; After Effects' own settings hold only where it is. */

var STORE_SCHEMA = 1;
var STORE_SECTION = "DropKey";
var STORE_MOST_JOBS = 200;
var SETTING_LIMIT_BYTES = 1900;

var DEFAULT_SETTINGS = {
    screenColor: "auto",
    despill: 1,
    output: "foreground",
    range: "layer",
    handles: 0,
    effects: "render",
    preset: "default",
    live: false,
    view: "grey",
    renderTemplate: "",
    dropFolder: "",
    resultsFolder: ""
};

/** The remembered state; read once by all open panels, an unusable file is kept aside and replaced. */
function store() {
    if (shared.store === null) {
        shared.store = readStore();
    }
    return shared.store;
}

function emptyStore() {
    return { schema: STORE_SCHEMA, settings: merged(DEFAULT_SETTINGS, {}), jobs: [] };
}

function storePath() {
    var known = savedSetting("store");
    if (known !== "") {
        return known;
    }
    // On some Macs Folder.userData is undefined.
    var base = Folder.userData || Folder.myDocuments;
    return joinedPath(joinedPath(base.fsName, "DropKey"), "panel.json");
}

function savedSetting(key) {
    return attempt(function () {
        return app.settings.haveSetting(STORE_SECTION, key) ? app.settings.getSetting(STORE_SECTION, key) : "";
    }, "");
}

/** Keeps a short text in After Effects' settings; longer ones throw there, so they are refused here. */
function saveSetting(key, text) {
    if (utf8Encode(text).length > SETTING_LIMIT_BYTES) {
        logLine("setting " + key + " is too long for After Effects and was not kept");
        return false;
    }
    return attempt(function () {
        app.settings.saveSetting(STORE_SECTION, key, text);
        return true;
    }, false);
}

function readStore() {
    var path = storePath();
    var text = attempt(function () { return readText(fileAt(path)); }, null);
    if (text === null) {
        return emptyStore();
    }
    var content = attempt(function () { return jsonParse(text); }, null);
    if (content === null || own(content, "schema", 0) !== STORE_SCHEMA || !isList(own(content, "jobs", null))) {
        // Put aside at the next write: while After Effects starts, a panel must change no file.
        shared.unusable = path;
        return emptyStore();
    }
    return {
        schema: STORE_SCHEMA,
        settings: knownSettings(own(content, "settings", {})),
        jobs: usableJobs(content.jobs)
    };
}

function usableJobs(list) {
    var usable = [];
    for (var i = 0; i < list.length; i += 1) {
        if (isText(own(list[i], "key", null)) && isText(own(list[i], "state", null))) {
            usable.push(list[i]);
        }
    }
    return usable;
}

function setAside(path) {
    shared.unusable = null;
    attempt(function () {
        fileAt(path).rename(lastName(path) + ".unusable-" + new Date().getTime());
    }, null);
    logLine("the panel's memory (" + path + ") could not be used; it was kept aside and a new one begun");
}

/** Known settings only, each of the type of its default. */
function knownSettings(given) {
    var result = merged(DEFAULT_SETTINGS, {});
    for (var key in DEFAULT_SETTINGS) {
        if (has(DEFAULT_SETTINGS, key) && has(given, key)) {
            var sameType = typeof given[key] === typeof DEFAULT_SETTINGS[key];
            if (sameType || (key === "screenColor" && isList(given[key]))) {
                result[key] = given[key];
            }
        }
    }
    return result;
}

/** Writes the state; throws a problem when it cannot be kept. */
function saveStore() {
    var kept = store();
    while (kept.jobs.length > STORE_MOST_JOBS) {
        forgetMattes(kept.jobs.pop());
    }
    var path = storePath();
    if (shared.unusable !== null) {
        setAside(shared.unusable);
    }
    writeText(path, jsonStringify(kept));
    saveSetting("store", path);
}

function setting(name) {
    return store().settings[name];
}

function changeSetting(name, value) {
    store().settings[name] = value;
    saveStore();
}

/** Back to the defaults; where the folders are stays. */
function resetSettings() {
    var old = store().settings;
    store().settings = merged(DEFAULT_SETTINGS, {
        dropFolder: old.dropFolder, resultsFolder: old.resultsFolder, renderTemplate: old.renderTemplate
    });
    saveStore();
}
