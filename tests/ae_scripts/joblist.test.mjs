/** The job list: many keys at once, keys whose layer is gone, filters, and the layer keyed again as it is now. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { find } from "./host/scriptui.mjs";
import { send, stage, writeSequence } from "./stage.mjs";

const press = (scene, text) => { scene.host.press(scene.panel, text); return scene.host.message(scene.panel); };
const lines = (scene) => scene.host.jobs(scene.panel);
const list = (scene) => find(scene.panel, (each) => each.type === "listbox");
const last = (scene) => [...scene.service.jobs.values()].at(-1);
const SHAPE = { vertices: [[0, 0], [9, 0], [9, 9]], inTangents: [[0, 0], [0, 0], [0, 0]], outTangents: [[0, 0], [0, 0], [0, 0]], closed: true };

function threeJobs(t) {
    const scene = stage(t);
    scene.jobs = ["first", "second", "third"].map((name) => {
        const layer = scene.host.addLayer(scene.comp, scene.host.addFootage(writeSequence(path.join(scene.host.root, name), `${name}_`, 1, 5)));
        layer.name = name;
        return send(scene);
    });
    return scene;
}

test("all finished keys of this project come back at once; one that fails keeps no other", (t) => {
    const scene = threeJobs(t);
    scene.jobs.forEach((job, i) => scene.service.finish(job, { shot: `shot${i}` }));
    fs.rmSync(path.join(scene.jobs[1].output, "foreground"), { recursive: true });
    press(scene, "Refresh");
    const said = press(scene, "Bring all");
    assert.match(said, /\u201cfirst\u201d is in the comp.*\n.*\u201csecond\u201d: .*missing/s);
    assert.deepEqual(lines(scene).map((line) => /in the comp/.test(line)), [true, false, true]);
    assert.equal(scene.comp.numLayers, 6);
    assert.match(press(scene, "Bring all"), /second/);
});

test("Auto brings a key back when Refresh or Live finds it finished, and only into its own project", (t) => {
    for (const live of [false, true]) {
        const scene = stage(t);
        press(scene, "Auto");
        if (live) press(scene, "Live");
        scene.service.finish(send(scene));
        if (live) scene.host.fireTasks();
        else press(scene, "Refresh");
        assert.equal(scene.comp.numLayers, 2);
        assert.match(lines(scene)[0], /in the comp/);
    }
    const away = stage(t);
    press(away, "Auto");
    away.service.finish(send(away));
    Object.assign(away.host.project, { saved: "/elsewhere/other.aep", xmp: "<x:xmpmeta><rdf:RDF></rdf:RDF></x:xmpmeta>" });
    press(away, "Refresh");
    assert.match(lines(away)[0], /done/);
    assert.equal(away.comp.numLayers, 1);
});

test("a double click brings back", (t) => {
    const scene = stage(t);
    scene.service.finish(send(scene));
    press(scene, "Refresh");
    list(scene).selection = 0;
    scene.host.fire(list(scene), "onDoubleClick");
    assert.equal(scene.comp.numLayers, 2);
});

test("keyed again, the layer's masks, trim and choices of now count, and the new version goes behind the same key", (t) => {
    const scene = stage(t);
    const first = send(scene);
    scene.service.finish(first);
    press(scene, "Refresh");
    press(scene, "Bring back");
    scene.layer.addMask("garbage", SHAPE);
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    press(scene, "Key again");
    const second = last(scene);
    assert.deepEqual([second.request.key_again, Object.keys(second.drawn), second.request.settings], [true, ["garbage"], { alpha_floor: 0.05 }]);
    scene.service.finish(second);
    press(scene, "Refresh");
    assert.match(press(scene, "Bring back"), /behind the layers that were there/);
    scene.layer.inPoint = 0.2;
    press(scene, "Key again");
    assert.equal(last(scene).request.frames, "1006-1020");
    scene.layer.remove();
    press(scene, "Key again");
    assert.equal(last(scene).request.frames, "1006-1020");
});

test("a job that needs attention is accepted with its holes", (t) => {
    const scene = stage(t);
    const job = send(scene);
    job.state = "needs_attention";
    press(scene, "Refresh");
    press(scene, "Accept");
    assert.ok(scene.service.asked.some((each) => each.target === `/jobs/${job.id}/accept`));
});

test("a job at rest leaves the list with its matte files; one under way does not", (t) => {
    const scene = stage(t);
    scene.layer.addMask("garbage", SHAPE);
    const job = send(scene);
    assert.match(press(scene, "Remove"), /is under way.*Cancel/);
    press(scene, "Cancel");
    assert.match(press(scene, "Remove"), /off the list/);
    assert.deepEqual(lines(scene), []);
    assert.equal(fs.existsSync(job.request.mattes.garbage), false);
});

test("the list shows the project and the states that are asked for", (t) => {
    const scene = threeJobs(t);
    Object.assign(scene.jobs[0], { state: "failed", problem: { kind: "x", message: "No.", fix: "" } });
    scene.service.finish(scene.jobs[1]);
    press(scene, "Refresh");
    for (const [filter, names] of [["Under way", ["third"]], ["To bring back", ["second"]], ["Problems", ["first"]], ["All jobs", ["third", "second", "first"]]]) {
        scene.host.choose(scene.panel, filter);
        assert.deepEqual(lines(scene).map((line) => line.split(" ")[0]), names, filter);
    }
    scene.host.choose(scene.panel, "This project");
    assert.equal(lines(scene).length, 3);
    Object.assign(scene.host.project, { saved: "/elsewhere/other.aep", xmp: "<x:xmpmeta><rdf:RDF></rdf:RDF></x:xmpmeta>" });
    press(scene, "Refresh");
    assert.deepEqual(lines(scene), []);
});

test("what is doubtful about a result is said with it", (t) => {
    const scene = stage(t);
    const job = send(scene);
    job.warnings = ["The screen's color 0.3,0.4,0.32 is pale."];
    scene.service.finish(job);
    press(scene, "Refresh");
    assert.match(scene.host.message(scene.panel), /is pale/);
});

test("a key whose layer is gone is placed on the selected one, with the footage that is there already", (t) => {
    const scene = stage(t);
    const { comp, host } = scene;
    scene.layer.inPoint = 0.2;
    const job = send(scene);
    scene.service.finish(job);
    scene.layer.remove();
    press(scene, "Refresh");
    assert.match(press(scene, "Bring back"), /into the project only/);
    const items = host.items.length;
    const other = host.addLayer(comp, scene.item);
    other.startTime = 1;
    press(scene, "Place here");
    assert.equal(comp.numLayers, 2, host.message(scene.panel));
    assert.ok(Math.abs(comp.stack[0].startTime - 1.2) < 1e-9);
    assert.deepEqual([comp.stack[0].source.name, host.items.length, other.enabled], ["hero v001 key", items, false]);
    assert.match(lines(scene)[0], /in the comp/);
});

test("a job that runs has a bar in its line", (t) => {
    const scene = stage(t);
    Object.assign(send(scene), { state: "running", frames_done: 10 });
    press(scene, "Refresh");
    assert.match(lines(scene)[0], /\u25ae{4}\u25af{4} 10\/20/);
});
