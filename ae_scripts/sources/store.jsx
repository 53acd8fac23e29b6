/** What the panel remembers: settings and jobs in one JSON file; After Effects' own settings hold only where it is. */

var STORE_SCHEMA = 1;
var STORE_SECTION = "DropKey";
var STORE_MOST_JOBS = 200;
var SETTING_LIMIT_BYTES = 1900;

var DEFAULT_SETTINGS = {
    screenColor: "auto",
    despill: 1,
    fine: {},
    output: "foreground",
    range: "layer",
    handles: 0,
    effects: "render",
    preset: "default",
    live: false,
    view: "grey",
    auto: false,
    zoom: 0,
    filterProject: "all",
    filterState: "all",
    folded: {},
    sources: {},
    presets: [],
    labelColor: 0,
    folderScheme: "one",
    renderTemplate: "",
    dropFolder: "",
    resultsFolder: ""
};

/** The remembered state; read once by all open panels, an unusable file is kept aside and replaced. */
function store() {
    if (shared.store === null) {
        shared.store = readStore();
        shared.written = writtenForm(shared.store);
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

/** Writes the state, with what another After Effects wrote meanwhile; throws a problem when it cannot be kept. */
function saveStore() {
    var kept = store();
    var path = storePath();
    if (shared.unusable !== null) {
        setAside(shared.unusable);
    }
    var there = attempt(function () { return readText(fileAt(path)); }, null);
    if (there !== null && there !== shared.written.text) {
        takeIn(kept, attempt(function () { return jsonParse(there); }, null));
    }
    while (kept.jobs.length > STORE_MOST_JOBS) {
        forgetMattes(kept.jobs.pop());
    }
    var written = writtenForm(kept);
    writeText(path, written.text);
    shared.written = written;
    saveSetting("store", path);
}

/** The state as it is written: {text, jobs, settings}, the parts each as JSON, so that changes can be told later. */
function writtenForm(kept) {
    /** @type {any} */
    var form = { text: "", jobs: {}, settings: merged(kept.settings, {}) };
    var lines = [];
    for (var i = 0; i < kept.jobs.length; i += 1) {
        form.jobs[kept.jobs[i].key] = jsonStringify(kept.jobs[i]);
        lines.push(form.jobs[kept.jobs[i].key]);
    }
    form.text = "{\"schema\":" + STORE_SCHEMA + ",\"settings\":" + jsonStringify(kept.settings)
        + ",\"jobs\":[" + lines.join(",") + "]}";
    return form;
}

/** Takes over what stands in the file and was not changed here since it was last written or read. */
function takeIn(kept, content) {
    if (own(content, "schema", 0) !== STORE_SCHEMA || !isList(own(content, "jobs", null))) {
        return;
    }
    var theirs = byKey(usableJobs(content.jobs));
    var known = shared.written.jobs;
    var jobs = [];
    for (var i = 0; i < kept.jobs.length; i += 1) {
        var job = kept.jobs[i];
        var isOurs = !has(known, job.key) || known[job.key] !== jsonStringify(job);
        if (isOurs || has(theirs, job.key)) {
            jobs.push(isOurs ? job : becoming(job, theirs[job.key]));
        }
        delete theirs[job.key];
    }
    for (var key in theirs) {
        if (has(theirs, key) && !has(known, key)) {
            jobs.push(theirs[key]);
        }
    }
    kept.jobs = jobs.sort(function (a, b) { return a.key < b.key ? 1 : -1; });
    takeInSettings(kept, knownSettings(own(content, "settings", {})));
}

function takeInSettings(kept, theirs) {
    for (var name in DEFAULT_SETTINGS) {
        if (has(DEFAULT_SETTINGS, name) && isSame(kept.settings[name], own(shared.written.settings, name, null))) {
            kept.settings[name] = theirs[name];
        }
    }
}

function byKey(jobs) {
    var result = {};
    for (var i = 0; i < jobs.length; i += 1) {
        result[jobs[i].key] = jobs[i];
    }
    return result;
}

/** The same job with other content: panels hold on to the object. */
function becoming(job, content) {
    for (var old in job) {
        if (has(job, old) && !has(content, old)) {
            delete job[old];
        }
    }
    for (var name in content) {
        if (has(content, name)) {
            job[name] = content[name];
        }
    }
    return job;
}

function isSame(one, other) {
    return one === other || jsonStringify(one) === jsonStringify(other);
}

function setting(name) {
    return store().settings[name];
}

/** Remembers a setting; one that is as it was costs no write: lists tell of changes that nobody made. */
function changeSetting(name, value) {
    if (!isSame(store().settings[name], value)) {
        store().settings[name] = value;
        saveStore();
    }
}

/** Back to the defaults; where the folders are stays. */
function resetSettings() {
    var old = store().settings;
    store().settings = merged(DEFAULT_SETTINGS, {
        dropFolder: old.dropFolder, resultsFolder: old.resultsFolder, renderTemplate: old.renderTemplate,
        sources: old.sources, presets: old.presets, folded: old.folded, labelColor: old.labelColor, folderScheme: old.folderScheme
    });
    saveStore();
}
