/** The panel starts: docked where After Effects gives a Panel, else as a palette. Only this file knows which. */

function openPanel(host) {
    joinShared();
    var docked = typeof Panel !== "undefined" && host instanceof Panel;
    var container = docked ? host : new Window("palette", "DropKey", undefined, { resizeable: true });
    var face = buildInterface(container);
    shared.interfaces.push(face);
    attempt(function () {
        showChoices(face.controls);
        showJobs(face);
        showFolds(face);
    }, null);
    container.onResizing = container.onResize = function () {
        attempt(face.fit, null);
        this.layout.resize();
    };
    container.onClose = function () {
        shared.interfaces = without(shared.interfaces, face);
        if (shared.interfaces.length === 0) {
            stopPolling();
        }
    };
    layOut(container);
    if (!docked) {
        container.center();
        container.show();
    }
}
