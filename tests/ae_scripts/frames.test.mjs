/** Frame arithmetic against hand-made truth: every rate, trims, stretch, handles, and masks over time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, send, stage } from "./stage.mjs";

const RATES = [24000 / 1001, 23.9759979248047, 24, 25, 30000 / 1001, 29.9700012207031, 60000 / 1001, 59.9399986267090, 12, 50];

test("every frame of every rate is found again at its own time", (t) => {
    const { run } = inside(t);
    for (const fps of RATES) {
        for (const [start, stretch] of [[0, 100], [-1.5, 100], [3.25, 50], [0.04, 200]]) {
            const wrong = run(`(function () { var bad = 0, n = { startTime: ${start}, stretch: ${stretch}, fps: ${fps} }; for (var i = 0; i < 3000; i += 1) { if (sourceFrameAt(timeOfSourceFrame(i, n), n) !== i) { bad += 1; } } return bad; }())`);
            assert.equal(wrong, 0, `${fps} ${start} ${stretch}`);
        }
    }
});

test("a trimmed span needs first to last frame that it shows, not one more", (t) => {
    const { run } = inside(t);
    const span = (start, end, comp, timing, count, handles) => run(`jsonStringify(framesOfSpan({ start: ${start}, end: ${end}, frameDuration: ${1 / comp} }, ${JSON.stringify(timing)}, ${count}, ${handles}))`);
    const at25 = { startTime: 0, stretch: 100, fps: 25 };
    assert.equal(span(0, 4, 25, at25, 100, 0), '{"first":0,"last":99}');
    assert.equal(span(1, 2, 25, at25, 100, 0), '{"first":25,"last":49}');
    assert.equal(span(1, 2, 25, at25, 100, 8), '{"first":17,"last":57}');
    assert.equal(span(0, 4, 25, at25, 100, 8), '{"first":0,"last":99}');
    assert.equal(span(1, 1.04, 25, at25, 100, 0), '{"first":25,"last":25}');
    assert.equal(span(0, 1, 25, { ...at25, startTime: -2 }, 100, 0), '{"first":50,"last":74}');
    assert.equal(span(0, 1, 50, at25, 100, 0), '{"first":0,"last":24}');
    assert.equal(span(0, 1, 24, { ...at25, fps: 60 }, 100, 0), '{"first":0,"last":57}');
    assert.equal(span(0, 2, 25, { ...at25, stretch: 200 }, 100, 0), '{"first":0,"last":24}');
    assert.equal(span(0, 1, 25, { ...at25, stretch: 50 }, 100, 0), '{"first":0,"last":48}');
    assert.equal(span(-4, 0, 25, { ...at25, stretch: -100 }, 100, 0), '{"first":1,"last":99}');
    assert.equal(span(10, 11, 25, at25, 100, 0), "null");
    const ntsc = { startTime: 0, stretch: 100, fps: 23.9759979248047 };
    assert.equal(span(0, 100 / 23.9759979248047, 23.9759979248047, ntsc, 100, 0), '{"first":0,"last":99}');
});

test("rates are written as the service reads them", (t) => {
    const { run } = inside(t);
    const text = { 24: "24", 25: "25", 23.9759979248047: "24000/1001", 23.976: "24000/1001", 29.97: "30000/1001", 59.9399986267090: "60000/1001", 47.952: "48000/1001", 12.5: "12.500", 119.88: "120000/1001" };
    for (const [fps, wanted] of Object.entries(text)) assert.equal(run(`rateText(${fps})`), wanted);
    assert.ok(Math.abs(run("rateNumber('24000/1001')") - 24000 / 1001) < 1e-12);
    assert.equal(run("isNaN(rateNumber(null))"), true);
});

test("names of sequences: padding, growth beyond it, foreign files", (t) => {
    const { run } = inside(t);
    const number = (name, like) => run(`(function () { var like = numberedName(${JSON.stringify(like)}); return like === null ? "none" : numberIn(${JSON.stringify(name)}, like); }())`);
    assert.equal(number("a.1001.exr", "a.1000.exr"), 1001);
    assert.equal(number("a.10001.exr", "a.1000.exr"), 10001);
    assert.equal(number("a.01000.exr", "a.1000.exr"), null);
    assert.equal(number("b.1001.exr", "a.1000.exr"), null);
    assert.equal(number("a.1001.png", "a.1000.exr"), null);
    assert.equal(number("a10.png", "a9.png"), 10);
    assert.equal(number("a.png", "a.png"), "none");
});

for (const [name, change, frames] of [
    ["the trim", ({ layer }) => { layer.inPoint = 0.2; layer.outPoint = 0.4; }, "1006-1010"],
    ["the trim of a moved layer", ({ layer }) => { layer.startTime = 2; layer.inPoint = 2.2; layer.outPoint = 2.4; }, "1006-1010"],
    ["a layer that starts before the comp", ({ layer }) => { layer.startTime = -0.2; layer.inPoint = 0; layer.outPoint = 0.2; }, "1006-1010"],
    ["the work area", ({ host, panel, comp }) => { comp.workAreaStart = 0.4; comp.workAreaDuration = 0.2; host.choose(panel, "Work area"); }, "1011-1015"],
    ["the whole clip", ({ host, panel, layer }) => { layer.inPoint = 0.2; host.choose(panel, "Whole clip"); }, "1001-1020"],
    ["half speed", ({ layer }) => { layer.stretch = 200; layer.outPoint = 0.8; }, "1001-1010"],
]) {
    test(`${name} is what is sent`, (t) => {
        const scene = stage(t);
        change(scene);
        assert.equal(send(scene)?.request.frames, frames, scene.host.message(scene.panel));
    });
}

test("handles reach beyond the trim and stop at the source's ends", (t) => {
    const scene = stage(t);
    scene.layer.inPoint = 0.2;
    scene.layer.outPoint = 0.4;
    scene.host.evaluate("DropKeyPanel.shared.store.settings.handles = 10");
    assert.equal(send(scene).request.frames, "1001-1020");
});

test("backwards with a trim is refused with the way out, and works whole", (t) => {
    const scene = stage(t);
    scene.layer.stretch = -100;
    scene.host.press(scene.panel, "Key selected layers");
    assert.match(scene.host.message(scene.panel), /runs backwards\. Choose Range: Whole clip/);
    scene.host.choose(scene.panel, "Whole clip");
    assert.equal(send(scene).request.frames, "1001-1020");
});
