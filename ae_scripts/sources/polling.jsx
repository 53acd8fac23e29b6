/** Live refresh, off by default: one guarded task at a time, because a pending task can harm After Effects. */

var POLL_MILLISECONDS = 2000;
var POLL_LATE = 3000;
var POLL_GIVE_UP = 3;

/** Arms the next tick where the artist asked for it and a job is under way. */
function armPolling() {
    forgetLostTask();
    if (shared.polling.task !== 0 || !setting("live") || !hasActiveJobs() || liveInterfaces().length === 0) {
        return;
    }
    if (shared.polling.strikes >= POLL_GIVE_UP) {
        return;
    }
    shared.polling.due = new Date().getTime() + POLL_MILLISECONDS;
    // The text runs in the global scope, perhaps after this panel is gone.
    shared.polling.task = app.scheduleTask(
        "if (typeof " + GLOBAL_NAME + " === \"object\") { " + GLOBAL_NAME + ".tick(); }", POLL_MILLISECONDS, false
    );
}

/** A dialog that is open when a task is due takes it away without a word: one that is long overdue will never come. */
function forgetLostTask() {
    if (shared.polling.task !== 0 && new Date().getTime() - shared.polling.due > POLL_LATE) {
        stopPolling();
    }
}

function stopPolling() {
    var task = shared.polling.task;
    shared.polling.task = 0;
    if (task !== 0) {
        attempt(function () { app.cancelTask(task); }, null);
    }
}

/** One tick; never lets an error out, and gives up after three that came late or got no answer. */
function pollTick() {
    try {
        if (shared.polling.task === 0) {
            return;
        }
        shared.polling.task = 0;
        if (app.project && app.project.renderQueue.rendering) {
            armPolling();
            return;
        }
        var late = new Date().getTime() - shared.polling.due > POLL_LATE;
        if (liveInterfaces().length === 0 || !setting("live")) {
            return;
        }
        var away = refreshJobs().away !== null;
        var brought = autoBring();
        showAll();
        if (brought.length > 0) {
            sayAll(brought);
        }
        shared.polling.strikes = late || away ? shared.polling.strikes + 1 : 0;
    } catch (error) {
        shared.polling.strikes += 1;
        logError("live refresh", error);
    }
    try {
        if (shared.polling.strikes >= POLL_GIVE_UP) {
            say(SAYS.liveRefreshStoppedAfterEffectsWas, null);
        }
        armPolling();
    } catch (error) {
        logError("live refresh", error);
    }
}

/** For a companion that hands over a finished job: brings it back once; says `done`, `already`, `unknown` or why not. */
function receivePush(jobId) {
    try {
        var job = jobWithId(String(jobId));
        if (job === null) {
            return "unknown";
        }
        if (job.state === "imported" || job.state === "in-project") {
            return "already";
        }
        refreshFor(job);
        sayAll(bringBack(job));
        showAll();
        return "done";
    } catch (error) {
        logError("push", error);
        say(problemText(error), null);
        return problemText(error);
    }
}
