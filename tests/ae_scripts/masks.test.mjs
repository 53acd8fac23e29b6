/** Masks by name become polygons: curves within a quarter pixel, animation frame by frame, modes as the keyer has them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { MaskMode } from "./host/properties.mjs";
import { send, stage } from "./stage.mjs";

const still = (points) => ({ vertices: points, inTangents: points.map(() => [0, 0]), outTangents: points.map(() => [0, 0]), closed: true });
const BOX = still([[0, 0], [20, 0], [20, 36], [0, 36]]);

test("garbage and core masks travel, others stay", (t) => {
    const scene = stage(t);
    scene.layer.addMask("Garbage left", BOX, { feather: [6, 2], expansion: -3, opacity: 50, inverted: true });
    scene.layer.addMask("garbage hole", BOX, { mode: MaskMode.SUBTRACT });
    scene.layer.addMask(" CORE face", BOX, { mode: MaskMode.NONE });
    scene.layer.addMask("Mask 4", BOX);
    const { drawn: mattes } = send(scene);
    assert.deepEqual(Object.keys(mattes).sort(), ["core", "garbage"]);
    assert.deepEqual(mattes.garbage.frames["1001"], [
        { points: BOX.vertices, mode: "add", inverted: true, feather: 4, expansion: -3, opacity: 0.5 },
        { points: BOX.vertices, mode: "subtract", inverted: false, feather: 0, expansion: 0, opacity: 1 },
    ]);
    assert.equal(mattes.core.frames["1001"][0].mode, "add");
    assert.deepEqual(Object.keys(mattes.core.frames), ["1001"]);
});

test("an animated path has the shape of each frame, and repeats nothing", (t) => {
    const scene = stage(t);
    const mask = scene.layer.addMask("garbage", BOX);
    const moved = still(BOX.vertices.map(([x, y]) => [x + 10, y]));
    mask.children[0].setValueAtTime(0.2, BOX);
    mask.children[0].setValueAtTime(0.4, moved);
    const { frames } = send(scene).drawn.garbage;
    assert.deepEqual(Object.keys(frames), ["1001", "1007", "1008", "1009", "1010", "1011"]);
    assert.deepEqual(frames["1009"][0].points[0].map(Math.round), [6, 0]);
    assert.deepEqual(frames["1011"][0].points[0], [10, 0]);
});

test("on a moved, slowed and trimmed layer the mask's frame is the source's frame", (t) => {
    const scene = stage(t);
    scene.layer.startTime = 1;
    scene.layer.stretch = 200;
    scene.layer.inPoint = 1.4;
    scene.layer.outPoint = 1.8;
    const mask = scene.layer.addMask("core", BOX);
    mask.children[0].setValueAtTime(1.4, BOX);
    mask.children[0].setValueAtTime(1.8, still(BOX.vertices.map(([x, y]) => [x + 10, y])));
    const job = send(scene);
    assert.equal(job.request.frames, "1006-1010");
    const { frames } = job.drawn.core;
    assert.deepEqual(Object.keys(frames), ["1006", "1007", "1008", "1009", "1010"]);
    assert.deepEqual(Object.values(frames).map((each) => Math.round(each[0].points[0][0])), [0, 2, 4, 6, 8]);
});

test("a bezier circle stays within a quarter pixel", (t) => {
    const scene = stage(t);
    const [r, k] = [300, 300 * 0.5522847498];
    scene.layer.addMask("garbage", {
        vertices: [[r, 0], [0, r], [-r, 0], [0, -r]], closed: true,
        outTangents: [[0, k], [-k, 0], [0, -k], [k, 0]], inTangents: [[0, -k], [k, 0], [0, k], [-k, 0]],
    });
    const { points } = send(scene).drawn.garbage.frames["1001"][0];
    const distance = points.flatMap(([x, y], i) => {
        const [u, v] = points[(i + 1) % points.length];
        return [Math.hypot(x, y), Math.hypot((x + u) / 2, (y + v) / 2)];
    });
    assert.ok(Math.max(...distance.map((each) => Math.abs(each - r))) < 0.25 + 0.1, "the curve itself strays 0.08 from a circle");
    assert.ok(points.length < 100);
});

/** A mask of 16 curved corners that moves over 400 frames: two megabytes as polygons. */
function largeMask(t) {
    const scene = stage(t, { count: 400, duration: 20 });
    const around = (r, x) => Array.from({ length: 16 }, (_, i) => [x + r * Math.cos(i / 2.5), r * Math.sin(i / 2.5)]);
    const shape = (x) => ({ vertices: around(400, x), inTangents: around(150, 0), outTangents: around(-150, 0), closed: true });
    const mask = scene.layer.addMask("garbage", shape(400));
    mask.children[0].setValueAtTime(0, shape(400));
    mask.children[0].setValueAtTime(16, shape(900));
    return scene;
}

test("large mattes travel as a file: request, answer and job list stay small", (t) => {
    const scene = largeMask(t);
    const { host, service } = scene;
    const job = send(scene);
    assert.match(host.message(scene.panel), /is queued/);
    const file = job.request.mattes.garbage;
    assert.ok(fs.statSync(file).size > 2 ** 20, "the matte itself is large");
    assert.equal(Object.keys(job.drawn.garbage.frames).length, 400);
    assert.ok(host.network.requests.every((each) => each.length < 4096));
    assert.ok(fs.statSync(path.join(host.folders.userData, "DropKey", "panel.json")).size < 8192);
    host.press(scene.panel, "Refresh");
    host.press(scene.panel, "Key selected layers");
    assert.match(host.message(scene.panel), /on its way already/);
    for (const button of ["Pause", "Resume", "Cancel", "Retry", "Sooner"]) host.press(scene.panel, button);
    assert.equal(job.priority, 60);
    assert.equal(service.jobs.size, 1);
});

test("what moves is asked for once a frame, what stands once: After Effects is not held up", (t) => {
    const scene = largeMask(t);
    scene.host.border.names.length = 0;
    const before = scene.host.clock.offset;
    send(scene);
    const asked = scene.host.border.names.filter((name) => name === "Property.valueAtTime").length;
    assert.ok(asked < 410, `${asked} values asked for`);
    assert.ok(scene.host.clock.offset - before < 3000, "longer than three seconds");
});

test("open masks and unknown modes are told", (t) => {
    const scene = stage(t);
    scene.layer.addMask("garbage open", { ...BOX, closed: false });
    scene.layer.addMask("garbage x", BOX, { mode: MaskMode.INTERSECT });
    assert.equal(send(scene).drawn.garbage.frames["1001"].length, 1);
    assert.match(scene.host.message(scene.panel), /\u201cgarbage open\u201d is not closed/);
    assert.match(scene.host.message(scene.panel), /\u201cgarbage x\u201d counts as Add/);
});
