/** Start DropKey: where the service left its script, one button calls it, waits, and connects; elsewhere the command is named. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { stage } from "./stage.mjs";

const COMMAND = "'/Applications/Drop Key/DropKey.command'";

/** A service that was here and has gone; `script` is what it left. */
function away(t, { script = "start.sh", osName, home = true, ...more } = {}) {
    const scene = stage(t, more);
    const { host, service } = scene;
    if (osName) host.osName = osName;
    service.leave();
    if (script) fs.writeFileSync(path.join(service.home, script), "");
    fs.writeFileSync(path.join(service.home, "installation.json"), JSON.stringify({ version: "0.2.0", command: COMMAND }));
    host.called = () => {
        service.announce();
        host.network.servers.set(service.address, (bytes) => service.answer(bytes));
    };
    return scene;
}

for (const [osName, script, command] of [
    ["Macintosh OS 14.5", "start.sh", '/bin/sh "$DROPKEY_HOME/start.sh"'],
    ["Windows/64 10.0.19045", "start.cmd", 'cmd.exe /c ""%DROPKEY_HOME%\\start.cmd""'],
]) {
    test(`the button starts it and connects: ${osName}`, (t) => {
        const { host, panel } = away(t, { osName, script });
        host.press(panel, "Refresh");
        assert.match(host.message(panel), /does not run on this machine. Press Start DropKey/);
        host.press(panel, "Start DropKey");
        assert.deepEqual(host.systemCalls, [command]);
        assert.match(host.status(panel), /ready/);
        assert.match(host.message(panel), /DropKey is ready/);
    });
}

test("it is offered where a layer was sent in vain, too", (t) => {
    const { host, panel } = away(t);
    host.press(panel, "Test frame");
    host.press(panel, "Start DropKey");
    assert.match(host.status(panel), /ready/);
});

test("one that does not answer in time is not waited for, and its last words are told", (t) => {
    const { host, panel, service } = away(t);
    host.called = () => {
        fs.mkdirSync(path.join(service.home, "logs"));
        fs.writeFileSync(path.join(service.home, "logs", "start.log"), "Error: port 8765 is taken.\n");
    };
    host.press(panel, "Refresh");
    const before = host.slept;
    host.press(panel, "Start DropKey");
    assert.ok(host.slept - before <= 9000, "After Effects is held up for some seconds at most");
    assert.match(host.message(panel), /does not answer yet. Press Refresh in a moment. It said: Error: port 8765 is taken./);
});

test("nothing is started before scripts are allowed to", (t) => {
    const { host, panel } = away(t);
    host.press(panel, "Refresh");
    host.permission = false;
    host.press(panel, "Start DropKey");
    assert.deepEqual(host.systemCalls, []);
    assert.match(host.message(panel), /Allow Scripts to Write Files and Access Network/);
});

test("where no script was left the command of the installation is named", (t) => {
    const { host, panel } = away(t, { script: null });
    host.press(panel, "Refresh");
    assert.ok(host.message(panel).includes(`\`${COMMAND} serve\``), host.message(panel));
});

test("a panel of another version names the command that renews it", (t) => {
    const { host, panel, service } = away(t, { version: "99.0.0" });
    host.called();
    host.press(panel, "Refresh");
    assert.ok(host.message(panel).includes(`\`${COMMAND} panel install\``), host.message(panel));
    assert.ok(service);
});
