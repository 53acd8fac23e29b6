/** Live refresh is off until asked for, never harms After Effects, and a pushed job is brought back once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { send, stage } from "./stage.mjs";

function live(t) {
    const scene = stage(t);
    scene.host.press(scene.panel, "Live");
    const job = send(scene);
    return { ...scene, job };
}

test("it is off by default", (t) => {
    const scene = stage(t);
    send(scene);
    scene.host.press(scene.panel, "Refresh");
    assert.equal(scene.host.tasks.size, 0);
});

test("on, there is one task, of at least two seconds, whose text works in the global scope", (t) => {
    const scene = live(t);
    scene.host.press(scene.panel, "Refresh");
    scene.host.press(scene.panel, "Refresh");
    assert.equal(scene.host.tasks.size, 1);
    const [task] = scene.host.tasks.values();
    assert.deepEqual([task.delay, task.repeat], [2000, false]);
    Object.assign(scene.job, { state: "running", frames_done: 3 });
    scene.host.fireTasks();
    assert.match(scene.host.jobs(scene.panel)[0], /3\/20/);
    assert.deepEqual(scene.host.taskErrors, []);
    assert.equal(scene.host.tasks.size, 1);
});

test("it ends with the last job, with the panel, and when it is switched off", (t) => {
    const done = live(t);
    done.service.finish(done.job);
    done.host.fireTasks();
    assert.equal(done.host.tasks.size, 0);
    const closed = live(t);
    closed.panel.close();
    assert.equal(closed.host.tasks.size, 0);
    const off = live(t);
    off.host.press(off.panel, "Live");
    assert.equal(off.host.tasks.size, 0);
    const idle = stage(t);
    idle.host.press(idle.panel, "Live");
    assert.equal(idle.host.tasks.size, 0);
});

test("an error in a tick stays inside; three late or failed ones end it, and Refresh begins anew", (t) => {
    const scene = live(t);
    scene.host.network.servers.clear();
    for (let i = 0; i < 5; i += 1) scene.host.fireTasks();
    assert.deepEqual(scene.host.taskErrors, []);
    assert.equal(scene.host.tasks.size, 0);
    assert.match(scene.host.message(scene.panel), /Live refresh stopped/);
    scene.host.network.servers.set(scene.service.address, (bytes) => scene.service.answer(bytes));
    scene.host.press(scene.panel, "Refresh");
    assert.equal(scene.host.tasks.size, 1);
    for (let i = 0; i < 5; i += 1) {
        scene.host.clock.advance(20000);
        scene.host.fireTasks();
    }
    assert.equal(scene.host.tasks.size, 0);
});

test("a task that fires after the panel died, or while a dialog is open, is harmless", (t) => {
    const dead = live(t);
    dead.host.kill(dead.panel);
    dead.host.fireTasks();
    assert.deepEqual([dead.host.taskErrors, dead.host.tasks.size], [[], 0]);
    const gone = live(t);
    gone.host.evaluate("delete DropKeyPanel; DropKeyPanel = undefined;");
    gone.host.fireTasks();
    assert.deepEqual(gone.host.taskErrors, []);
    const modal = live(t);
    modal.host.modalOpen = true;
    modal.host.fireTasks();
    modal.host.modalOpen = false;
    modal.host.press(modal.panel, "Refresh");
    assert.match(modal.host.status(modal.panel), /ready|busy/);
});

test("a task that a dialog took away is armed again at the next click, and none asks while the queue renders", (t) => {
    const scene = live(t);
    scene.host.modalOpen = true;
    scene.host.fireTasks();
    scene.host.modalOpen = false;
    assert.equal(scene.host.tasks.size, 0);
    scene.host.clock.advance(8000);
    scene.host.press(scene.panel, "Refresh");
    assert.equal(scene.host.tasks.size, 1);
    const asked = scene.service.asked.length;
    scene.host.rawQueue.rendering = true;
    scene.host.fireTasks();
    assert.deepEqual([scene.service.asked.length, scene.host.tasks.size], [asked, 1]);
});

test("a pushed job is brought back once; unknown ones are refused", (t) => {
    const scene = stage(t);
    const job = send(scene);
    const push = (id) => scene.host.evaluate(`DropKeyPanel.receive(${JSON.stringify(id)})`);
    assert.equal(push("nobody"), "unknown");
    assert.equal(push(""), "unknown");
    assert.match(push(job.id), /is not finished/);
    scene.service.finish(job);
    assert.equal(push(job.id), "done");
    assert.equal(push(job.id), "already");
    assert.equal(scene.comp.numLayers, 2);
});
