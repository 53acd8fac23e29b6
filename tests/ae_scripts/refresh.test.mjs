/** Refresh: each job is asked about for itself, and one that cannot be keeps no other waiting. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { find } from "./host/scriptui.mjs";
import { test } from "node:test";
import { example, reply } from "./host/service.mjs";
import { send, stage, writeSequence } from "./stage.mjs";

/** A scene with a job each for the layers "first", "second" and "third", the newest first in the panel's list. */
function threeJobs(t) {
    const scene = stage(t);
    const jobs = ["first", "second", "third"].map((name) => {
        const layer = scene.host.addLayer(scene.comp, scene.host.addFootage(writeSequence(path.join(scene.host.root, name), `${name}_`, 1, 5)));
        layer.name = name;
        return send(scene);
    });
    return { ...scene, jobs };
}

const refresh = (scene) => { scene.host.press(scene.panel, "Refresh"); return scene.host.message(scene.panel); };
const lines = (scene) => scene.host.jobs(scene.panel);
const singly = (id) => ({ target, method }) => method === "GET" && target === `/jobs/${id}`;

for (const [name, answer, told] of [
    ["an error", (service) => service.problem(500, "Its manifest cannot be read.", "internal"), /\u201csecond\u201d: DropKey: Its manifest cannot be read\./],
    ["no JSON", () => reply(200, "<html>"), /\u201csecond\u201d: /],
    ["a job without a body", () => reply(200, "null"), /\u201csecond\u201d: /],
]) {
    test(`a job for which the service answers ${name} is named, and the others are refreshed`, (t) => {
        const scene = threeJobs(t);
        const [first, second, third] = scene.jobs;
        scene.service.override = (asked) => {
            if (singly(second.id)(asked)) return answer(scene.service);
            // The list tells of none of them: each is asked for alone.
            return asked.target.startsWith("/jobs?") ? reply(200, { jobs: [], next_cursor: null }) : null;
        };
        for (const job of [first, third]) Object.assign(job, { state: "running", frames_done: 2 });
        assert.match(refresh(scene), told);
        assert.deepEqual(lines(scene).map((line) => / 2\/5/.test(line)), [true, false, true]);
        assert.match(lines(scene)[1], /second.*queued/);
        assert.doesNotMatch(scene.host.message(scene.panel), /\u201cfirst\u201d: |\u201cthird\u201d: /);
    });
}

test("a list that cannot be had leaves the single requests", (t) => {
    const scene = threeJobs(t);
    scene.service.override = ({ target }) => target.startsWith("/jobs?") && scene.service.problem(500, "A row is damaged.", "internal");
    scene.jobs.forEach((job) => { job.state = "running"; });
    refresh(scene);
    assert.ok(lines(scene).every((line) => /keying/.test(line)));
});

test("a job that is refused when it is sent again fails alone", (t) => {
    const scene = threeJobs(t);
    const layer = scene.host.addLayer(scene.comp, scene.host.addFootage(writeSequence(path.join(scene.host.root, "late"), "late_", 1, 5)));
    layer.name = "late";
    const posted = ({ target, method }) => method === "POST" && target === "/jobs";
    scene.service.override = (asked) => (posted(asked) ? { bytes: "", never: true } : null);
    scene.host.press(scene.panel, "Key selected layers");
    scene.service.override = (asked) => posted(asked) && scene.service.problem(422, "The plate is gone.", "bad_input");
    scene.jobs.forEach((job) => { job.state = "running"; });
    const said = refresh(scene);
    assert.equal(said.match(/The plate is gone/g).length, 1);
    assert.deepEqual(lines(scene).map((line) => /keying/.test(line)), [false, true, true, true]);
    assert.match(lines(scene)[0], /late.*failed/);
});

test("a service that does not answer is asked once, not once for each job, and told once", (t) => {
    const scene = threeJobs(t);
    scene.service.asked.length = 0;
    scene.service.override = ({ target }) => (target.startsWith("/jobs") ? { bytes: "", never: true } : null);
    const said = refresh(scene);
    assert.equal(said.match(/did not answer in time/g).length, 1);
    assert.doesNotMatch(said, /\u201cfirst\u201d/);
    assert.equal(scene.service.asked.filter(({ target }) => target.startsWith("/jobs")).length, 1);
});

test("a failing job keeps Live going for the others, and Bring back to those that are done", (t) => {
    const scene = stage(t);
    scene.host.press(scene.panel, "Live");
    const broken = send(scene);
    scene.host.addLayer(scene.comp, scene.host.addFootage(writeSequence(path.join(scene.host.root, "b"), "b_", 1, 5)));
    const whole = send(scene);
    scene.service.override = (asked) => {
        if (singly(broken.id)(asked)) return scene.service.problem(500, "Broken.", "internal");
        return asked.target.startsWith("/jobs?") ? reply(200, { jobs: [], next_cursor: null }) : null;
    };
    for (let i = 0; i < 5; i += 1) scene.host.fireTasks();
    whole.state = "running";
    scene.host.fireTasks();
    assert.match(lines(scene)[0], /keying/);
    scene.service.finish(whole);
    const list = find(scene.panel, (each) => each.type === "listbox");
    list.selection = 0;
    scene.host.press(scene.panel, "Bring back");
    assert.match(lines(scene)[0], /in the comp/);
    list.selection = 1;
    scene.host.press(scene.panel, "Bring back");
    assert.match(scene.host.message(scene.panel), /Broken\./);
});

test("a status file that is none hides no other shot's", (t) => {
    const scene = stage(t, { service: false });
    const { host, panel } = scene;
    const [drop, results] = ["drop", "results"].map((name) => path.join(host.root, name));
    [drop, results].forEach((folder) => fs.mkdirSync(folder));
    Object.assign(host, { onDialog: (dialog) => {
        const fields = dialog.children.map((line) => line.children.find((each) => each.type === "edittext")).filter(Boolean);
        [fields[0].text, fields[1].text] = [drop, results];
        host.press(dialog, "OK");
    } });
    host.press(panel, "Setup\u2026");
    host.press(panel, "Key selected layers");
    const request = JSON.parse(fs.readFileSync(path.join(drop, fs.readdirSync(drop)[0]), "utf8"));
    const good = { ...example("status"), request, state: "running", manifest: null, output: "v001", problem: null };
    const statuses = { a: { ...good, output: undefined }, b: { ...good, request: null }, c: [], d: good, e: { ...good, output: 7 } };
    for (const [name, status] of Object.entries(statuses)) {
        fs.mkdirSync(path.join(results, name));
        fs.writeFileSync(path.join(results, name, "status.json"), JSON.stringify(status));
    }
    host.press(panel, "Refresh");
    assert.match(lines(scene)[0], /keying/);
});
