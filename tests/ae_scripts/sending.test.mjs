/** Sending: which layers go which way, and never twice. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { find } from "./host/scriptui.mjs";
import { test } from "node:test";
import { SolidSource } from "./host/footage.mjs";
import { tinyPng } from "./host/queue.mjs";
import { BUNDLE, send, stage, writeSequence } from "./stage.mjs";

const press = (scene) => { scene.host.press(scene.panel, "Key selected layers"); return scene.host.message(scene.panel); };

function only(scene, layer) {
    scene.comp.stack.forEach((each) => { each.selected = each === layer; });
}

function addPlain(scene, kind) {
    const layer = new scene.host.classes[kind](scene.comp, kind);
    scene.comp.stack.unshift(layer);
    only(scene, layer);
}

for (const [kind, told] of [["TextLayer", /text layer/], ["ShapeLayer", /shape layer/], ["CameraLayer", /camera layer/], ["LightLayer", /light layer/]]) {
    test(`a ${kind} is refused with a sentence`, (t) => {
        const scene = stage(t);
        addPlain(scene, kind);
        assert.match(press(scene), told);
        assert.equal(scene.service.jobs.size, 0);
    });
}

for (const [name, change, told] of [
    ["no project", (s) => { s.host.project = null; }, /No project/],
    ["no comp in front", (s) => { s.host.project.activeItem = s.item; }, /No composition/],
    ["nothing selected", (s) => only(s, null), /No layer is selected/],
    ["missing footage", (s) => { s.item.footageMissing = true; }, /footage is missing; relink/],
    ["a solid", (s) => { s.item.mainSource = new SolidSource(); }, /solid or placeholder/],
    ["a still", (s) => { s.item.mainSource.isStill = true; }, /a still/],
    ["an adjustment layer", (s) => { s.layer.adjustmentLayer = true; }, /no picture of its own/],
    ["a null", (s) => { s.layer.nullLayer = true; }, /no picture of its own/],
    ["a file that is gone", (s) => fs.rmSync(s.item.file.real), /not there/],
    ["a folder that lost most of its frames", (s) => { for (let n = 1002; n <= 1020; n += 1) fs.rmSync(path.join(s.host.root, "plates", `hero.${n}.png`)); }, /shows 20 frames, and its folder holds 1 \(1001 to 1001\).*Render the missing frames/],
]) {
    test(`${name} is told, and nothing is sent`, (t) => {
        const scene = stage(t);
        change(scene);
        assert.match(press(scene), told);
        assert.equal(scene.service.jobs.size, 0);
        assert.deepEqual(scene.host.alerts, []);
    });
}

test("a sequence is sent as its pattern, a movie as its path, neither is rendered", (t) => {
    const scene = stage(t);
    const movie = path.join(scene.host.root, "take 1.MOV");
    fs.writeFileSync(movie, "movie");
    scene.host.movies.set(movie, { width: 64, height: 36, alpha: false, fps: 25, frames: 50 });
    const layer = scene.host.addLayer(scene.comp, scene.host.addFootage(movie));
    only(scene, layer);
    layer.inPoint = 0.4;
    layer.outPoint = 0.8;
    assert.equal(send(scene).request.plate, movie);
    assert.equal([...scene.service.jobs.values()][0].request.frames, "11-20");
    only(scene, scene.layer);
    assert.equal(send(scene).request.plate, path.join(scene.host.root, "plates", "hero.####.png"));
    assert.deepEqual(scene.host.renders, []);
});

test("several layers go at once, and the unusable one is named", (t) => {
    const scene = stage(t);
    const other = scene.host.addFootage(writeSequence(path.join(scene.host.root, "b"), "b_", 1, 5));
    scene.host.addLayer(scene.comp, other);
    const text = new scene.host.classes.TextLayer(scene.comp, "Title");
    scene.comp.stack.unshift(text);
    scene.comp.stack.forEach((each) => { each.selected = true; });
    const said = press(scene);
    assert.equal(scene.service.jobs.size, 2);
    assert.match(said, /\u201cTitle\u201d cannot be keyed: it is a text layer/);
});

test("of a sequence with a gap, what is there is keyed, and comes back with the same gap", (t) => {
    const scene = stage(t);
    for (const frame of [1007, 1008, 1012]) fs.rmSync(path.join(scene.host.root, "plates", `hero.${frame}.png`));
    assert.match(press(scene), /Frames 1007-1008, 1012 are not on disk: the others are keyed/);
    const [job] = scene.service.jobs.values();
    assert.deepEqual([job.request.accept_gaps, job.frames.length], [true, 17]);
    scene.service.finish(job);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /holes at frames 1007-1008, 1012/);
    assert.equal(scene.comp.stack[0].source.frames, 20);
});

test("of a sequence that was imported in part, After Effects' own frames are rendered; frames added since change nothing", (t) => {
    const part = stage(t);
    writeSequence(path.join(part.host.root, "plates"), "hero.", 990, 11);
    assert.match(send(part).request.plate, /DropKey plates/);
    assert.equal(part.host.renders[0].count, 20);
    const grown = stage(t);
    writeSequence(path.join(grown.host.root, "plates"), "hero.", 1021, 11);
    assert.deepEqual([send(grown).request.frames, grown.host.renders.length], ["1001-1020", 0]);
});

test("a proxy is passed over and told", (t) => {
    const scene = stage(t);
    scene.item.useProxy = true;
    assert.match(press(scene), /proxy is passed over/);
});

test("a request is what the schema's example is: the same fields", (t) => {
    const scene = stage(t);
    const { body, headers } = (send(scene), scene.service.asked[0]);
    assert.deepEqual(body, { plate: body.plate, frames: "1001-1020", fps: "25", settings: {}, mattes: {}, client: "after-effects" });
    assert.match(headers["idempotency-key"], /^[0-9a-z]{10,}$/);
});

test("choices travel: screen, despill, preset", (t) => {
    const scene = stage(t);
    scene.host.color = 0x00b140;
    scene.host.press(scene.panel, "Pick\u2026");
    scene.host.choose(scene.panel, "Dirty screen (crush residue)");
    const slider = find(scene.panel, (each) => each.type === "slider");
    slider.value = 0.4;
    scene.host.fire(slider, "onChange");
    const { settings } = send(scene).request;
    assert.deepEqual(settings, { alpha_floor: 0.05, screen_color: [0, 0.439657, 0.051269], despill: 0.4 });
    scene.host.press(scene.panel, "Reset");
    scene.layer.inPoint = 0.2;
    assert.deepEqual(send(scene).request.settings, {});
});

test("a timeout is sent again under the same key, and makes one job", (t) => {
    const scene = stage(t);
    scene.service.override = (asked) => {
        if (asked.target !== "/jobs" || asked.method !== "POST") return null;
        scene.service.submit(asked); // it arrived; only the answer is lost
        return { bytes: "", never: true };
    };
    assert.match(press(scene), /did not answer in time/);
    assert.match(scene.host.jobs(scene.panel)[0], /sending/);
    scene.service.override = null;
    scene.host.press(scene.panel, "Refresh");
    const keys = scene.service.asked.filter((each) => each.method === "POST").map((each) => each.headers["idempotency-key"]);
    assert.equal(keys.length, 2);
    assert.equal(keys[0], keys[1]);
    assert.equal(scene.service.jobs.size, 1);
    assert.match(scene.host.jobs(scene.panel)[0], /queued/);
});

test("a double click makes one job", (t) => {
    const scene = stage(t);
    press(scene);
    assert.match(press(scene), /on its way already/);
    assert.equal(scene.service.jobs.size, 1);
    assert.equal(scene.host.jobs(scene.panel).length, 1);
});

test("cancel, pause, resume, retry and sooner reach the service; done cannot be cancelled away", (t) => {
    const scene = stage(t);
    const job = send(scene);
    for (const [button, state] of [["Pause", "paused"], ["Resume", "queued"], ["Cancel", "cancelled"], ["Retry", "queued"]]) {
        scene.host.press(scene.panel, button);
        assert.match(scene.host.jobs(scene.panel)[0], new RegExp(state));
    }
    scene.host.press(scene.panel, "Sooner");
    assert.equal(job.priority, 60);
    scene.service.finish(job);
    scene.service.override = ({ target }) => target.endsWith("/cancel") && scene.service.problem(409, "A job that is done cannot become cancelled.", "wrong_state");
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Cancel");
    assert.match(scene.host.message(scene.panel), /cannot become cancelled/);
    assert.match(scene.host.jobs(scene.panel)[0], /done/);
});

test("a job that the service forgot is told as lost", (t) => {
    const scene = stage(t);
    send(scene);
    scene.service.jobs.clear();
    scene.host.press(scene.panel, "Refresh");
    assert.match(scene.host.jobs(scene.panel)[0], /unknown to DropKey/);
});

test("progress is shown as frames and time left; problems as the service words them", (t) => {
    const scene = stage(t);
    const job = send(scene);
    Object.assign(job, { state: "running", frames_done: 7, eta_seconds: 95 });
    scene.host.press(scene.panel, "Refresh");
    assert.match(scene.host.jobs(scene.panel)[0], /keying.*7\/20.*2 min/);
    assert.match(scene.host.status(scene.panel), /busy/);
    Object.assign(job, { state: "failed", problem: { kind: "no_screen", message: "No screen.", fix: "Pick its color." } });
    scene.host.press(scene.panel, "Refresh");
    assert.match(scene.host.message(scene.panel), /failed; No screen\. Pick its color\./);
});

const pictureOf = (scene) => find(scene.panel, (each) => each.type === "image");

test("another view shows another picture of the test frame, in every open panel, and asks for nothing", (t) => {
    const scene = stage(t);
    scene.host.press(scene.panel, "Test frame");
    const beside = scene.host.load(BUNDLE);
    const asked = scene.service.asked.length;
    for (const [label, view] of [["Alpha", "alpha"], ["Foreground", "foreground"], ["Plate", "plate"], ["On grey", "grey"]]) {
        scene.host.choose(scene.panel, label);
        for (const panel of [scene.panel, beside]) assert.match(pictureOf({ panel }).image.picture, new RegExp(`p1.${view}\\.png$`));
    }
    assert.equal(scene.service.asked.length, asked);
    scene.host.choose(scene.panel, "Plate");
    scene.host.press(scene.panel, "Test frame");
    assert.match(pictureOf(scene).image.picture, /p2.plate\.png$/);
});

for (const [name, picture, width, shown] of [
    ["a wide picture in a narrow panel", [640, 360], 216, [200, 113]],
    ["an upright picture", [360, 640], 216, [113, 200]],
    ["a picture that is smaller than the panel", [64, 36], 330, [64, 36]],
]) {
    test(`${name} is shown whole, also after the panel was resized`, (t) => {
        const scene = stage(t);
        scene.service.picture = tinyPng(...picture);
        scene.host.resize(scene.panel, [width, 700]);
        scene.host.press(scene.panel, "Test frame");
        const control = pictureOf(scene);
        const whole = (size) => {
            const drawn = scene.host.drawn(control);
            assert.deepEqual([drawn.width, drawn.height], size);
            assert.ok(drawn.left >= 0 && drawn.left + drawn.width <= control.size[0], "its sides");
            assert.ok(drawn.top >= 0 && drawn.top + drawn.height <= control.size[1], "top and bottom");
        };
        whole(shown);
        scene.host.resize(scene.panel, [116, 700]);
        const scale = Math.min(1, 100 / Math.max(...picture));
        whole(picture.map((side) => Math.round(side * scale)));
        scene.host.resize(scene.panel, [width, 700]);
        whole(shown);
    });
}

test("a view whose picture is gone hides the other view's, and says what to do", (t) => {
    const scene = stage(t);
    scene.host.press(scene.panel, "Test frame");
    fs.rmSync(path.join(scene.service.home, "previews"), { recursive: true });
    scene.host.choose(scene.panel, "Alpha");
    assert.equal(pictureOf(scene).visible, false);
    assert.match(scene.host.message(scene.panel), /are gone\. Press Test frame\./);
    scene.host.press(scene.panel, "Test frame");
    assert.match(pictureOf(scene).image.picture, /p2.alpha\.png$/);
    assert.equal(pictureOf(scene).visible, true);
});

test("the test frame is the one under the playhead, at reduced size, with the shot's range", (t) => {
    const scene = stage(t);
    scene.layer.startTime = 1;
    scene.comp.time = 1.24;
    scene.host.choose(scene.panel, "Alpha");
    scene.host.press(scene.panel, "Test frame");
    assert.match(scene.host.message(scene.panel), /Frame 1007, keyed in 0\.4 s/);
    const { job, frame, longest_side: side } = scene.service.previews[0];
    assert.deepEqual([frame, job.frames, side], [1007, "1001-1020", 640]);
    assert.equal(scene.service.jobs.size, 0);
    const picture = pictureOf(scene);
    assert.equal(picture.visible, true);
    assert.match(picture.image.picture, /p1.alpha\.png$/);
});

test("a test frame that takes longer is fetched by Refresh", (t) => {
    const scene = stage(t);
    let first = true;
    scene.service.override = ({ target, method }) => {
        if (method !== "POST" || target !== "/preview" || !first) return null;
        first = false;
        const body = '{"id":"p9","state":"working","frame":1001}';
        return { bytes: `HTTP/1.1 202 X\r\ncontent-length: ${body.length}\r\n\r\n${body}` };
    };
    scene.host.press(scene.panel, "Test frame");
    assert.match(scene.host.message(scene.panel), /press Refresh/);
    scene.host.press(scene.panel, "Refresh");
    assert.ok(scene.service.asked.some((each) => each.target.startsWith("/preview/p9")));
    assert.equal(pictureOf(scene).visible, true);
});

test("a test frame that fails afterwards is told once and keeps nobody from the jobs", (t) => {
    const scene = stage(t);
    const job = send(scene);
    const working = '{"id":"p9","state":"working","frame":1001}';
    scene.service.override = ({ target, method }) => {
        if (method === "POST" && target === "/preview") return { bytes: `HTTP/1.1 202 X\r\ncontent-length: ${working.length}\r\n\r\n${working}` };
        return target.startsWith("/preview/") ? scene.service.problem(422, "No screen was found.", "no_screen", "Name its color.") : null;
    };
    scene.host.press(scene.panel, "Test frame");
    job.state = "running";
    scene.host.press(scene.panel, "Refresh");
    assert.match(scene.host.message(scene.panel), /No screen was found\./);
    assert.match(scene.host.jobs(scene.panel)[0], /keying/);
    scene.host.press(scene.panel, "Refresh");
    assert.doesNotMatch(scene.host.message(scene.panel), /No screen was found\./);
});

test("a test frame's picture that is gone breaks no button", (t) => {
    const scene = stage(t);
    scene.host.press(scene.panel, "Test frame");
    const job = send(scene);
    fs.rmSync(path.join(scene.service.home, "previews"), { recursive: true });
    scene.service.finish(job);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.doesNotMatch(scene.host.message(scene.panel), /not there/);
    assert.equal(scene.comp.numLayers, 2);
});
