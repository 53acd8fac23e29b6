/** Many keys at once, keys whose layer is gone, and jobs that leave the list. */

/** Jobs that are done, not brought back yet, and of the open project. */
function finishedJobs() {
    var found = [];
    var jobs = store().jobs;
    for (var i = 0; i < jobs.length; i += 1) {
        if (jobs[i].state === "done" && findTarget(jobs[i]).layer !== null) {
            found.push(jobs[i]);
        }
    }
    return found;
}

/** Brings back all finished jobs of this project, the oldest first; one that fails keeps no other. */
function bringFinished() {
    var jobs = finishedJobs();
    var sentences = [];
    for (var i = jobs.length - 1; i >= 0; i -= 1) {
        try {
            sentences = sentences.concat(saidOf(jobs[i], bringBack(jobs[i])));
        } catch (error) {
            logError("bring back", error);
            sentences.push(filled(SAYS.jobWentWrong, jobs[i].name, problemText(error)));
        }
    }
    return sentences;
}

function saidOf(job, sentences) {
    return [filled(SAYS.isInTheComp, job.name)].concat(sentences);
}

/** Makes the selected layer the job's own, at the same place in its time, and brings the key back there. */
function placeHere(job) {
    var chosen = selectedLayers();
    var layer = chosen.layers[0];
    var reason = refusalOf(layer);
    if (reason !== "") {
        throw problem("unusable-layer", filled(SAYS.nothingCanBePlacedOn, layer.name), reason + ".");
    }
    if (positionIn(["done", "in-project", "stale", "orphan", "imported"], job.state) === -1) {
        throw problem("not-done", filled(SAYS.isNotFinished2, job.name), SAYS.pressRefreshToSeeHowFar);
    }
    markProject();
    var before = merged(job, {});
    var target = targetOf(chosen.comp, layer);
    becoming(job, merged(job, merged(target, {
        placeTime: job.placeTime + (layer.startTime - job.layerStart), state: "done", items: {}, layers: []
    })));
    try {
        return bringBack(job);
    } catch (error) {
        becoming(job, before);
        throw error;
    }
}

/** Takes a job off the list; the service and the files keep what they have. */
function removeJob(job) {
    if (isActive(job) && job.state !== "needs_attention") {
        throw problem("active", filled(SAYS.isUnderWay, job.name), SAYS.pressCancelFirst);
    }
    forgetMattes(job);
    store().jobs = without(store().jobs, job);
    saveStore();
}
