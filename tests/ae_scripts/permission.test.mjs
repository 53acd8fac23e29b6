/** Scripts may not write: guidance instead of errors, and the preference stays as the artist has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { stage } from "./stage.mjs";

for (const sections of [["Main Pref Section v2"], ["Main Pref Section"], []]) {
    test(`switched off, told by ${sections[0] ?? "the probe file alone"}`, (t) => {
        const { host, panel, service } = stage(t, { permission: false, preferenceSections: sections });
        for (const button of ["Refresh", "Key selected layers", "Test frame", "Dashboard"]) {
            host.press(panel, button);
            assert.match(host.message(panel), /Allow Scripts to Write Files and Access Network/, button);
        }
        assert.equal(service.asked.length, 0);
        assert.deepEqual(host.alerts, []);
        host.press(panel, "Open Preferences");
        assert.deepEqual(host.commands, [2359]);
        assert.equal(host.permission, false);
    });
}

test("switched on later, one press goes on", (t) => {
    const { host, panel } = stage(t, { permission: false });
    host.press(panel, "Refresh");
    assert.match(host.status(panel), /no permission/);
    host.permission = true;
    host.press(panel, "Refresh");
    assert.match(host.status(panel), /ready/);
});

test("the probe is the truth where the preference says yes and the disk says no", (t) => {
    const { host, panel } = stage(t);
    host.readOnly = true;
    host.press(panel, "Key selected layers");
    assert.match(host.message(panel), /does not let scripts write/);
});
