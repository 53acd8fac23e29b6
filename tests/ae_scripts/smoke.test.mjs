import assert from "node:assert/strict";
import { test } from "node:test";
import { roundTrip, stage } from "./stage.mjs";

test("a selected sequence goes out and its key comes back into the comp", (t) => {
    const scene = stage(t);
    const job = roundTrip(scene);
    assert.equal(scene.host.message(scene.panel), "");
    assert.equal(job.request.frames, "1001-1020");
    console.log(scene.comp.stack.map((l) => [l.name, l.enabled]));
});
test("debug", (t) => {
    const scene = stage(t);
    scene.host.press(scene.panel, "Key selected layers");
    console.log(scene.host.message(scene.panel));
    console.log(scene.host.context.DropKeyPanel && scene.service.asked.map((a) => [a.method, a.target]));
    scene.host.press(scene.panel, "Details…");
});
