/** Start DropKey: calls the script that the service left in its home folder, waits for it a few seconds, and connects. */

var START_SECONDS = 8;
var START_LOOK_MILLISECONDS = 250;
var START_LOG_LETTERS = 300;

/** Whether the script is there; only an installation of this machine leaves it. */
function canStart() {
    return attempt(function () { return fileAt(joinedPath(serviceHome(), startScript())).exists; }, false);
}

function startScript() {
    return isWindows() ? "start.cmd" : "start.sh";
}

/** The system's own words for it. They name the folder by its variable: letters beyond ASCII do not pass callSystem. */
function startCommand() {
    var chosen = $.getenv("DROPKEY_HOME");
    if (isWindows()) {
        return "cmd.exe /c \"\"" + (chosen ? "%DROPKEY_HOME%" : "%LOCALAPPDATA%\\DropKey") + "\\start.cmd\"\"";
    }
    return "/bin/sh \"" + (chosen ? "$DROPKEY_HOME" : "$HOME/Library/Application Support/DropKey") + "/start.sh\"";
}

/** Starts the service, and shows how it is. Blocks for some seconds, as the button's tip says. */
function startDropkey() {
    demandPermission();
    system.callSystem(startCommand());
    var end = new Date().getTime() + START_SECONDS * 1000;
    shared.presence = null;
    while (!answersHere()) {
        if (new Date().getTime() > end) {
            throw problem("starting", SAYS.dropkeyDoesNotAnswerYet, filled(SAYS.pressRefreshInAMoment, startSaid()));
        }
        $.sleep(START_LOOK_MILLISECONDS);
    }
    shared.polling.strikes = 0;
    refreshAll();
}

/** What the service said at its start, where it said anything. */
function startSaid() {
    var said = readSafely(joinedPath("logs", "start.log"));
    var text = said === null ? "" : trimmed(said.replace(/\s+/g, " "));
    return text === "" ? "" : filled(SAYS.itSaid, text.substring(Math.max(0, text.length - START_LOG_LETTERS)));
}

/** The button that starts it, where that can be; null elsewhere. */
function startAction() {
    return canStart() ? { label: SAYS.startDropkey, run: startDropkey, quiet: true } : null;
}

/** What to do where no service runs: press that button, or type the command of this installation. */
function howToStart(pressed, typed) {
    return canStart() ? pressed : filled(typed, dropkeyCommand());
}

/** What is typed to call DropKey on this machine, as its service left it behind. */
function dropkeyCommand() {
    var told = quietParse(readSafely("installation.json") || "");
    return String(own(told, "command", "dropkey"));
}
