/** Without network: the same job through files; and paths, names and memory in all their shapes. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { example, Service } from "./host/service.mjs";
import { BUNDLE, inside, send, stage, writeSequence } from "./stage.mjs";

/** A machine without a service that sees a shared folder; the service on the other side is the scripted one. */
function remote(t, options = {}) {
    const scene = stage(t, { ...options, service: false });
    const { host, panel } = scene;
    const [drop, results] = ["drop", "results"].map((name) => path.join(host.root, "share", name));
    [drop, results].forEach((folder) => fs.mkdirSync(folder, { recursive: true }));
    host.onDialog = (dialog) => {
        const fields = dialog.children.map((line) => line.children.find?.((each) => each.type === "edittext")).filter(Boolean);
        fields[0].text = drop;
        fields[1].text = results;
        host.press(dialog, "OK");
    };
    host.press(panel, "Setup\u2026");
    return { ...scene, drop, results };
}

function jobFile(scene) {
    const name = fs.readdirSync(scene.drop).find((each) => each.endsWith(".job.json"));
    return name ? JSON.parse(fs.readFileSync(path.join(scene.drop, name), "utf8")) : null;
}

function writeStatus(scene, more) {
    const request = jobFile(scene);
    const folder = path.join(scene.results, "hero");
    fs.mkdirSync(folder, { recursive: true });
    const status = { ...example("status"), request, frames: Array.from({ length: 20 }, (_, i) => 1001 + i), frames_done: 0, frames_failed: 0, eta_seconds: null, problem: null, manifest: null, output: "v001", version: 1, ...more };
    fs.writeFileSync(path.join(folder, "status.json"), JSON.stringify(status));
    return { status, folder };
}

test("a job file holds what POST /jobs would, and nothing half-written stays", (t) => {
    const overHttp = stage(t);
    const body = send(overHttp).request;
    const scene = remote(t);
    scene.host.press(scene.panel, "Key selected layers");
    const ours = jobFile(scene);
    assert.match(ours.client, /^after-effects:/);
    assert.deepEqual({ ...ours, client: "after-effects", plate: "" }, { ...body, plate: "" });
    assert.equal(fs.readdirSync(scene.drop).length, 1);
});

test("status files give the same states as HTTP", (t) => {
    const overHttp = stage(t);
    const job = send(overHttp);
    const scene = remote(t);
    scene.host.press(scene.panel, "Key selected layers");
    for (const more of [
        { state: "queued" }, { state: "running", frames_done: 7, eta_seconds: 30 }, { state: "paused", frames_done: 8, eta_seconds: null },
        { state: "needs_attention", problem: { kind: "incomplete", message: "1 of 20 frames failed.", fix: "Retry." } },
    ]) {
        Object.assign(job, more);
        writeStatus(scene, more);
        for (const each of [overHttp, scene]) each.host.press(each.panel, "Refresh");
        assert.deepEqual(scene.host.jobs(scene.panel), overHttp.host.jobs(overHttp.panel));
    }
    assert.match(scene.host.status(scene.panel), /shared folder/);
});

test("a half-written status is not yet one, and no error", (t) => {
    const scene = remote(t);
    scene.host.press(scene.panel, "Key selected layers");
    const { folder } = writeStatus(scene, { state: "running" });
    const file = path.join(folder, "status.json");
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").slice(0, 200));
    scene.host.press(scene.panel, "Refresh");
    assert.match(scene.host.jobs(scene.panel)[0], /queued/);
    assert.doesNotMatch(scene.host.message(scene.panel), /JSON|error/i);
});

test("a result that came over the shared folder goes into the comp", (t) => {
    const scene = remote(t);
    scene.host.press(scene.panel, "Key selected layers");
    const { status, folder } = writeStatus(scene, { state: "done", frames_done: 20, manifest: "v001/manifest.json" });
    Service.prototype.finish.call({ host: scene.host }, { ...status, frames: status.frames }, { folder: path.join(folder, "v001") });
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /in the comp/);
    assert.equal(scene.comp.numLayers, 2);
});

test("what needs the service says so", (t) => {
    const scene = remote(t);
    scene.host.press(scene.panel, "Key selected layers");
    for (const button of ["Cancel", "Pause", "Test frame", "Key again"]) {
        scene.host.press(scene.panel, button);
        assert.match(scene.host.message(scene.panel), /where DropKey runs|DropKey on this machine/, button);
    }
});

test("a drop folder that cannot be written is told with its path", (t) => {
    const scene = remote(t);
    fs.rmSync(scene.drop, { recursive: true });
    fs.writeFileSync(scene.drop, "a file is in the way");
    scene.host.press(scene.panel, "Key selected layers");
    assert.match(scene.host.message(scene.panel), /share\/drop.*cannot be written/);
});

for (const name of ["with space", "100%", "50%25", "a#b", "it's", "caf\u00e9 \u4e2d\u6587", "[brackets] & more", "semi;colon"]) {
    test(`a plate in \u201c${name}\u201d is sent and listed as it is`, (t) => {
        const scene = stage(t);
        const folder = path.join(scene.host.root, name);
        const item = scene.host.addFootage(writeSequence(folder, `${name} `, 1, 3));
        scene.comp.stack.length = 0;
        scene.host.addLayer(scene.comp, item);
        assert.equal(send(scene).request.plate, path.join(folder, `${name} ####.png`));
    });
}

for (const [letter, os] of [["S:\\", "Windows/64 10.0.19045"], ["s:\\", "Windows/64 10.0.19045"], ["\\\\server\\share\\", "Windows/64 10.0.19045"]]) {
    test(`a plate on ${letter} keeps its native form`, (t) => {
        const scene = stage(t, { os });
        const real = path.join(scene.host.root, "disk");
        writeSequence(path.join(real, "plates"), "b.", 1, 3);
        scene.host.disk.drives.set(letter, real);
        const item = scene.host.addFootage(`${letter}plates\\b.0001.png`);
        scene.comp.stack.length = 0;
        scene.host.addLayer(scene.comp, item);
        assert.equal(send(scene)?.request.plate, `${letter}plates\\b.####.png`, scene.host.message(scene.panel));
    });
}

test("the service's home is where Python's platformdirs puts it", (t) => {
    const mac = inside(t);
    assert.equal(mac.run("serviceHome()"), path.join(mac.host.folders.userData, "DropKey"));
    const windows = inside(t, { os: "Windows/64 10.0.19045", environment: { LOCALAPPDATA: "C:\\Users\\a b\\AppData\\Local" } });
    assert.equal(windows.run("serviceHome()"), "C:\\Users\\a b\\AppData\\Local\\DropKey");
    const chosen = inside(t, { environment: { DROPKEY_HOME: "/elsewhere" } });
    assert.equal(chosen.run("serviceHome()"), "/elsewhere");
});

test("a name that cannot be decoded does not break the panel", (t) => {
    const { run } = inside(t);
    assert.equal(run("shownName({ name: '100%.png' })"), "100%.png");
    assert.equal(run("shownName({ name: 'a%20b.png' })"), "a b.png");
});

test("where Folder.userData is undefined, documents take its place", (t) => {
    const scene = stage(t, { load: false });
    scene.host.folders.userData = null;
    scene.panel = scene.host.load(BUNDLE);
    send(scene);
    assert.ok(fs.existsSync(path.join(scene.host.folders.documents, "DropKey", "panel.json")));
});

test("After Effects' own settings hold only where the memory is", (t) => {
    const scene = stage(t);
    for (let i = 0; i < 8; i += 1) {
        scene.layer.inPoint = i * 0.04;
        send(scene);
    }
    const file = path.join(scene.host.folders.userData, "DropKey", "panel.json");
    assert.ok(fs.statSync(file).size > 1999);
    assert.deepEqual([...scene.host.settings], [["DropKey/store", file]]);
    const { run } = inside(t);
    assert.equal(run("saveSetting('x', new Array(2100).join('y'))"), false);
});

for (const [name, text] of [["corrupt", "{\"schema\": 1, "], ["of a newer panel", "{\"schema\": 99, \"jobs\": []}"], ["of another kind", "[]"]]) {
    test(`a memory that is ${name} is kept aside and begun anew`, (t) => {
        const scene = stage(t, { load: false });
        const folder = path.join(scene.host.folders.userData, "DropKey");
        fs.mkdirSync(folder);
        fs.writeFileSync(path.join(folder, "panel.json"), text);
        scene.panel = scene.host.load(BUNDLE);
        send(scene);
        const aside = fs.readdirSync(folder).find((each) => each.includes("unusable"));
        assert.equal(fs.readFileSync(path.join(folder, aside), "utf8"), text);
        assert.equal(JSON.parse(fs.readFileSync(path.join(folder, "panel.json"), "utf8")).jobs.length, 1);
    });
}

test("settings of the wrong type fall back to their defaults", (t) => {
    const scene = stage(t, { load: false });
    fs.mkdirSync(path.join(scene.host.folders.userData, "DropKey"));
    fs.writeFileSync(path.join(scene.host.folders.userData, "DropKey", "panel.json"), JSON.stringify({ schema: 1, jobs: [7, { key: 1 }], settings: { despill: "much", handles: 3, unknown: 1 } }));
    scene.panel = scene.host.load(BUNDLE);
    assert.equal(scene.host.evaluate("DropKeyPanel.shared.store.settings.despill"), 1);
    assert.equal(scene.host.evaluate("DropKeyPanel.shared.store.settings.handles"), 3);
    assert.equal(scene.host.evaluate("DropKeyPanel.shared.store.jobs.length"), 0);
});

test("a full disk is reported, and the earlier memory stays", (t) => {
    const scene = stage(t);
    send(scene);
    const file = path.join(scene.host.folders.userData, "DropKey", "panel.json");
    const before = fs.readFileSync(file, "utf8");
    scene.host.diskFull = true;
    scene.layer.inPoint = 0.2;
    scene.host.press(scene.panel, "Key selected layers");
    assert.match(scene.host.message(scene.panel), /cannot be written.*disk has room/);
    assert.equal(fs.readFileSync(file, "utf8"), before);
});

test("a share with two hundred shots costs a Refresh one file for all jobs, and one for each that moved", (t) => {
    const scene = remote(t);
    for (let n = 0; n < 10; n += 1) {
        scene.layer.inPoint = n * 0.04;
        scene.host.press(scene.panel, "Key selected layers");
    }
    const requests = fs.readdirSync(scene.drop).map((name) => JSON.parse(fs.readFileSync(path.join(scene.drop, name), "utf8")));
    assert.equal(requests.length, 10);
    const shots = {};
    for (let n = 0; n < 200; n += 1) {
        const status = { ...example("status"), request: requests[n] ?? { ...example("job"), client: `x${n}` }, state: "running", output: "v001", manifest: null, problem: null, updated_at: `2026-01-01T00:00:${String(n % 60).padStart(2, "0")}Z` };
        fs.mkdirSync(path.join(scene.results, `shot${n}`));
        fs.writeFileSync(path.join(scene.results, `shot${n}`, "status.json"), JSON.stringify(status));
        shots[`shot${n}`] = { id: status.id, state: "running", client: status.request.client, plate: status.request.plate, frames: status.request.frames, updated_at: status.updated_at };
    }
    fs.writeFileSync(path.join(scene.results, "jobs.json"), JSON.stringify({ schema_version: 1, shots }));
    const opened = () => { const before = scene.host.opened; scene.host.press(scene.panel, "Refresh"); return scene.host.opened - before; };
    assert.ok(opened() < 30);
    assert.ok(scene.host.jobs(scene.panel).every((line) => /keying/.test(line)), scene.host.jobs(scene.panel)[0]);
    assert.ok(opened() < 15, "what did not move is not read again");
    fs.writeFileSync(path.join(scene.results, "jobs.json"), "{ half");
    assert.ok(opened() > 200, "without an index, every shot is looked into");
});

for (const [name, server] of [["nobody listens", null], ["another program listens", () => ({ bytes: "SSH-2.0-OpenSSH\r\n" })]]) {
    test(`a discovery file that a crash left does not keep the shared folder from being used: ${name}`, (t) => {
        const scene = remote(t);
        const service = new Service(scene.host);
        scene.host.network.servers.delete(service.address);
        if (server) scene.host.network.servers.set(service.address, server);
        scene.host.press(scene.panel, "Key selected layers");
        assert.match(jobFile(scene)?.client ?? scene.host.message(scene.panel), /^after-effects:/);
        scene.host.press(scene.panel, "Refresh");
        assert.match(scene.host.status(scene.panel), /shared folder/);
    });
}

test("names with accents are found however the disk spells them", (t) => {
    const name = "\u00e9t\u00e9 \u304c \ud55c \u1ec7";
    const scene = stage(t, { stem: `${name}.`, decomposes: true });
    const job = send(scene);
    assert.ok(job, scene.host.message(scene.panel));
    scene.service.finish(job, { shot: name });
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /is in the comp/);
    const { run } = inside(t);
    for (const text of ["\u00e9\u0151\u0142\u0439\u03ac", "\u304c\u30d1", "\ud55c\uac00", "\u1ec7\u1e9b", "plain"]) {
        assert.equal(run(`bareName(${JSON.stringify(text.normalize("NFD"))}) === bareName(${JSON.stringify(text)})`), true, text);
    }
});
