/** The road without network: job files into the shared drop folder, status files out of the results folder. */

var INDEX_NAME = "jobs.json";

/** Lays the job's request into the drop folder, in one step. */
function submitFile(job) {
    var request = merged(job.request, { client: fileClient(job) });
    if (own(request, "key_again", false)) {
        throw problem(
            "needs-service",
            SAYS.aShotCanBeKeyedAgain,
            SAYS.changeASettingInsteadOrPress
        );
    }
    var folder = setting("dropFolder");
    job.jobFile = joinedPath(folder, safeFileName(job.name) + "-" + job.key + ".job.json");
    writeText(job.jobFile, jsonStringify(request) + "\n");
}

function fileClient(job) {
    return CLIENT_NAME + ":" + job.key;
}

/** The service's index of a results folder: {folder of a shot: what its newest job is}; null where there is none. */
function statusIndex() {
    var text = readSafelyAt(joinedPath(setting("resultsFolder"), INDEX_NAME));
    var shots = own(text === null ? null : quietParse(text), "shots", null);
    return shots !== null && typeof shots === "object" && !isList(shots) ? shots : null;
}

/** The status of a job as `GET /jobs/{id}` would tell it, or null while there is none, or none newer than is known. */
function statusOfFile(job, index) {
    return index === null ? statusOfAll(job) : statusByIndex(job, index);
}

function statusByIndex(job, index) {
    var best = "";
    for (var name in index) {
        if (has(index, name) && isEntryOf(index[name], job)
            && (best === "" || String(index[name].updated_at) > String(index[best].updated_at))) {
            best = name;
        }
    }
    if (best === "" || String(index[best].updated_at) === own(job, "seen", "")) {
        return null;
    }
    var status = readStatus(folderAt(resolvedPath(setting("resultsFolder"), best)));
    return status !== null && isStatusOf(status, job) ? status : null;
}

function isEntryOf(entry, job) {
    return own(entry, "client", "") === fileClient(job)
        || (own(entry, "plate", "") === job.request.plate && own(entry, "frames", "") === job.request.frames);
}

/** Where a service writes no index, every shot's folder is looked into. */
function statusOfAll(job) {
    var results = folderAt(setting("resultsFolder"));
    if (!results.exists) {
        throw problem(
            "no-results-folder", filled(SAYS.theResultsFolderIsNotThere, results.fsName), SAYS.connectItsDiskOrSeeSetup
        );
    }
    var folders = results.getFiles();
    var best = null;
    for (var i = 0; i < folders.length; i += 1) {
        var status = folders[i] instanceof Folder ? readStatus(folders[i]) : null;
        if (status !== null && isStatusOf(status, job) && (best === null || status.updated_at > best.updated_at)) {
            best = status;
        }
    }
    return best;
}

/** A status with whole paths; null when there is none or it is still being written. */
function readStatus(folder) {
    var text = attempt(function () { return readText(fileAt(joinedPath(folder.fsName, "status.json"))); }, null);
    var status = text === null ? null : quietParse(text);
    // Another shot's status that is no status must hide none that is.
    if (!isText(own(status, "state", null)) || !isText(own(status, "output", null)) || !own(status, "request", null)) {
        return null;
    }
    status.output = resolvedPath(folder.fsName, status.output);
    status.manifest = isText(status.manifest) ? resolvedPath(folder.fsName, status.manifest) : null;
    return status;
}

function quietParse(text) {
    try {
        return jsonParse(text);
    } catch (ignored) {
        return null;
    }
}

/** The job by its client; else the same plate and frames, which the service takes for the same job. */
function isStatusOf(status, job) {
    if (own(status.request, "client", "") === fileClient(job)) {
        return true;
    }
    return status.request.plate === job.request.plate && status.request.frames === job.request.frames;
}
