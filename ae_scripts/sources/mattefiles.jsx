/** Mattes as files that a request names: drawn masks may be megabytes, and job list and answers are to stay small. */

var MATTES_FOLDER = "mattes";

/** Writes the texts of `mattesOf` and returns {garbage, core} as paths. */
function writeMattes(texts, key) {
    var paths = {};
    for (var kind in texts) {
        if (has(texts, kind)) {
            paths[kind] = joinedPath(mattesFolder(), key + "-" + kind + ".json");
            writeText(paths[kind], texts[kind]);
        }
    }
    return paths;
}

/** Where the service sees them: beside the panel's memory, or in the results folder that it shares. */
function mattesFolder() {
    if (usesFiles()) {
        return joinedPath(joinedPath(setting("resultsFolder"), "DropKey plates"), MATTES_FOLDER);
    }
    return joinedPath(parentPath(storePath()), MATTES_FOLDER);
}

/** Whether the files that a request names hold these texts, and it names no others. */
function holdsMattes(paths, texts) {
    for (var i = 0; i < MASK_KINDS.length; i += 1) {
        var path = own(paths, MASK_KINDS[i], "");
        var text = own(texts, MASK_KINDS[i], null);
        if ((path === "") !== (text === null) || (path !== "" && readSafelyAt(path) !== text)) {
            return false;
        }
    }
    return true;
}

/** The texts as they may stand in a request that is answered at once and kept nowhere. */
function inlineMattes(texts) {
    var mattes = {};
    for (var kind in texts) {
        if (has(texts, kind)) {
            mattes[kind] = jsonParse(texts[kind]);
        }
    }
    return mattes;
}

/** Removes the matte files of a job that leaves the list, where no other job names them. */
function forgetMattes(job) {
    var mattes = own(job.request, "mattes", {});
    for (var kind in mattes) {
        if (has(mattes, kind) && isText(mattes[kind]) && !isNamed(mattes[kind], job)) {
            removeFile(fileAt(mattes[kind]));
        }
    }
}

function isNamed(path, except) {
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        var mattes = own(jobs[i].request, "mattes", {});
        if (jobs[i] !== except && (own(mattes, "garbage", "") === path || own(mattes, "core", "") === path)) {
            return true;
        }
    }
    return false;
}
