/** Color: the panel says what the project will do to the picture, and changes nothing unasked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, roundTrip, stage } from "./stage.mjs";

const SETTINGS = ["bitsPerChannel", "workingSpace", "workingGamma", "linearizeWorkingSpace", "linearBlending", "colorManagementSystem"];

for (const bits of [8, 16, 32]) {
    for (const space of ["", "None", "sRGB IEC61966-2.1"]) {
        test(`${bits} bits and working space \u201c${space}\u201d`, (t) => {
            const scene = stage(t);
            Object.assign(scene.host.project, { bitsPerChannel: bits, workingSpace: space });
            const before = SETTINGS.map((name) => scene.host.project[name]);
            roundTrip(scene);
            assert.deepEqual(SETTINGS.map((name) => scene.host.project[name]), before);
            assert.deepEqual(scene.host.border.names.filter((name) => /^Project\.(?!xmpPacket).*=$/.test(name)), []);
            const said = scene.host.message(scene.panel);
            if (bits === 32) assert.doesNotMatch(said, /bits per channel/);
            else assert.match(said, new RegExp(`This project has ${bits} bits per channel`));
        });
    }
}

test("the button that fixes it does so on a click only", (t) => {
    const scene = stage(t);
    scene.host.project.bitsPerChannel = 16;
    roundTrip(scene);
    assert.equal(scene.host.project.bitsPerChannel, 16);
    scene.host.press(scene.panel, "Set 32 bits per channel");
    assert.equal(scene.host.project.bitsPerChannel, 32);
    assert.equal(scene.panel.children.find((each) => each.text === "Set 32 bits per channel" && each.visible), undefined);
});

for (const [bits, matte] of [[8, true], [16, true], [32, false]]) {
    test(`what suits ${bits} bits comes back, and one line says so`, (t) => {
        const scene = stage(t);
        scene.host.project.bitsPerChannel = bits;
        scene.host.choose(scene.panel, "What suits the project\u2019s depth");
        scene.host.press(scene.panel, "Key selected layers");
        const line = new RegExp(`At ${bits} bits per channel the alpha comes back as a track matte of the plate`);
        const told = () => scene.host.message(scene.panel).split("\n").filter((each) => /bits per channel/.test(each));
        assert.deepEqual(told().map((each) => line.test(each)), matte ? [true] : []);
        scene.service.finish([...scene.service.jobs.values()][0]);
        scene.host.press(scene.panel, "Refresh");
        scene.host.press(scene.panel, "Bring back");
        assert.deepEqual([told().length, scene.comp.numLayers], matte ? [1, 3] : [0, 2]);
        assert.equal(scene.comp.stack[0].source.name, matte ? "hero v001 alpha" : "hero v001 key");
        scene.host.project.bitsPerChannel = 32;
        scene.host.press(scene.panel, "Key again");
        assert.equal(scene.host.evaluate("DropKeyPanel.shared.store.jobs[0].output"), "foreground", "keyed again, the depth of now counts");
    });
}

for (const [system, told] of [[undefined, false], [0, false], [1, true]]) {
    test(`color management system ${system ?? "unknown to this version"}`, (t) => {
        const scene = stage(t);
        if (system !== undefined) scene.host.project.colorManagementSystem = system;
        roundTrip(scene);
        assert.equal(/OpenColorIO/.test(scene.host.message(scene.panel)), told);
    });
}

test("a picked color is linear by the sRGB curve", (t) => {
    const { run } = inside(t);
    assert.equal(run("linearColor(0xffffff).join()"), "1,1,1");
    assert.equal(run("linearColor(0x000000).join()"), "0,0,0");
    assert.equal(run("linearColor(0x0a0b80).join()"), "0.003035,0.003347,0.215861");
});
