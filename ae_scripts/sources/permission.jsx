/** Whether scripts may write files and use the network here; only the artist ever switches that on. */

var PERMISSION_KEY = "Pref_SCRIPTING_FILE_NETWORK_SECURITY";
var PREFERENCES_COMMAND = 2359;

/** Throws a problem with guidance when scripts may not write and connect. A probe file tells the truth. */
function demandPermission() {
    if (!mayWriteAndConnect()) {
        throw problem(
            "no-permission",
            SAYS.afterEffectsDoesNotLetScripts,
            SAYS.inThePreferencesChooseScriptingExpressions
        );
    }
}

function mayWriteAndConnect() {
    var said = permissionPreference();
    if (said === false) {
        return false;
    }
    return attempt(probeFile, false);
}

/** What the preference says: true, false, or null where neither of its two homes can be read. */
function permissionPreference() {
    var found = attempt(function () {
        return app.preferences.getPrefAsLong(
            "Main Pref Section v2", PERMISSION_KEY, PREFType.PREF_Type_MACHINE_INDEPENDENT
        );
    }, null);
    if (found === null) {
        found = attempt(function () {
            return app.preferences.getPrefAsLong("Main Pref Section", PERMISSION_KEY);
        }, null);
    }
    return found === null ? null : found === 1;
}

function probeFile() {
    var probe = fileAt(joinedPath(Folder.temp.fsName, "dropkey-probe-" + new Date().getTime() + ".txt"));
    if (!probe.open("w")) {
        return false;
    }
    probe.close();
    probe.remove();
    return true;
}

/** Opens the preferences: on the right page where After Effects names its command, else on the first. */
function openPreferences() {
    var command = attempt(function () { return app.findMenuCommandId("Scripting & Expressions..."); }, 0);
    app.executeCommand(command || PREFERENCES_COMMAND);
}
