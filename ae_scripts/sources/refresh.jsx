/** How the jobs are, asked anew: each for itself, so that one that cannot be asked about keeps no other waiting. */

/**
 * Asks how every job is that may have moved. One request for most; a few single ones for what the page lacks.
 * Returns {failed, away}: {job, error} for each job that could not be asked about, which keeps its state and keeps no
 * other from being asked about; and what came instead of an answer where the service gave none, else null.
 */
function refreshJobs() {
    var jobs = activeJobs();
    /** @type {any} */
    var seen = isAnyAtService(jobs) ? listedJobs() : { listed: {}, away: null };
    seen.index = undefined;
    var failed = [];
    for (var i = 0; i < jobs.length; i += 1) {
        try {
            refreshJob(jobs[i], seen);
        } catch (error) {
            logError("refresh of " + jobs[i].name, error);
            seen.away = isNoAnswer(error) ? error : seen.away;
            // One that failed tells why by its state.
            if (isActive(jobs[i])) {
                failed.push({ job: jobs[i], error: error });
            }
        }
    }
    saveStore();
    return { failed: failed, away: seen.away };
}

/** The same, for one job that something is to be done with: throws what kept that one from being asked about. */
function refreshFor(job) {
    var failed = refreshJobs().failed;
    for (var i = 0; i < failed.length; i += 1) {
        if (failed[i].job === job) {
            throw failed[i].error;
        }
    }
}

/** One sentence for each thing that went wrong in a refresh, with the jobs it went wrong for. */
function refreshProblems(refreshed) {
    var texts = [];
    var names = {};
    for (var i = 0; i < refreshed.failed.length; i += 1) {
        var text = problemText(refreshed.failed[i].error);
        if (!has(names, text)) {
            texts.push(text);
            names[text] = [];
        }
        names[text].push("\u201c" + refreshed.failed[i].job.name + "\u201d");
    }
    for (var k = 0; k < texts.length; k += 1) {
        var isOfAll = refreshed.away !== null && texts[k] === problemText(refreshed.away);
        texts[k] = isOfAll ? texts[k] : names[texts[k]].join(", ") + ": " + texts[k];
    }
    return texts;
}

function activeJobs() {
    var active = [];
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (isActive(jobs[i])) {
            active.push(jobs[i]);
        }
    }
    return active;
}

function isAnyAtService(jobs) {
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].way === "http" && jobs[i].jobId !== "") {
            return true;
        }
    }
    return false;
}

/** Whether an error tells of the service itself, so that asking it for the next job would only cost time. */
function isNoAnswer(error) {
    return positionIn(["timeout", "offline", "wrong-token"], own(error, "kind", "")) !== -1;
}

/** {listed, away}: the newest jobs by id, as far as the service tells of them; a list that fails leaves single requests. */
function listedJobs() {
    var byId = {};
    try {
        var page = askService("GET", "/jobs?client=" + CLIENT_NAME + "&limit=" + PAGE_JOBS, null, null);
        for (var i = 0; i < page.jobs.length; i += 1) {
            byId[page.jobs[i].id] = page.jobs[i];
        }
    } catch (error) {
        logError("list of jobs", error);
        return { listed: byId, away: isNoAnswer(error) ? error : null };
    }
    return { listed: byId, away: null };
}

function refreshJob(job, seen) {
    if (job.way === "files") {
        refreshByFile(job, seen);
        return;
    }
    if (has(seen.listed, job.jobId)) {
        takeOver(job, seen.listed[job.jobId]);
        return;
    }
    if (seen.away !== null) {
        throw seen.away;
    }
    if (job.state === "submitting") {
        submit(job);
        return;
    }
    refreshAlone(job);
}

function refreshByFile(job, seen) {
    if (job.state === "submitting") {
        submit(job);
        return;
    }
    // One file for all jobs of a refresh.
    seen.index = seen.index === undefined ? statusIndex() : seen.index;
    var status = statusOfFile(job, seen.index);
    if (status !== null) {
        job.jobId = status.id;
        takeOver(job, status);
    }
}

function refreshAlone(job) {
    try {
        takeOver(job, askJob("GET", "/jobs/" + job.jobId, null, null));
    } catch (error) {
        if (own(error, "kind", "") !== "refused-not_found") {
            throw error;
        }
        job.state = "lost";
        job.message = SAYS.dropkeyDoesNotKnowThisJob;
    }
}
