/** The render queue: renders all that waits in it, at once; an existing file is a modal; old output modules are dead. */
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

export const RQItemStatus = { WILL_CONTINUE: 3012, NEEDS_OUTPUT: 3013, UNQUEUED: 3014, QUEUED: 3015, RENDERING: 3016, USER_STOPPED: 3017, ERR_STOPPED: 3018, DONE: 3019 };
export const GetSettingsFormat = { STRING: 3412, NUMBER: 3413 };

// The numbers of `getSettings(NUMBER)`, with the words that stand for them in English.
const WORDS = {
    "Quality": { "Current Settings": -1, Wireframe: 0, Draft: 1, Best: 2 },
    "Field Render": { Off: 0, "Upper Field First": 1, "Lower Field First": 2 },
    "3:2 Pulldown": { Off: 0, WSSWW: 1 },
    "Frame Rate": { "Use comp's frame rate": 0, "Use this frame rate": 1 },
    "Skip Existing Files": { false: false, true: true },
    "Guide Layers": { "All Off": 0, "Current Settings": 2 },
    "Proxy Use": { "Use No Proxies": 0, "Use All Proxies": 1, "Current Settings": 2, "Use Comp Proxies Only": 3 },
    "Solo Switches": { "All Off": 0, "Current Settings": 2 },
    "Effects": { "All Off": 0, "All On": 1, "Current Settings": 2 },
    "Color Depth": { "Current Settings": -1, "8 bits per channel": 0, "16 bits per channel": 1, "32 bits per channel": 2 },
    "Frame Blending": { "Off for All Layers": 0, "On for Checked Layers": 1, "Current Settings": 2 },
    "Motion Blur": { "Off for All Layers": 0, "On for Checked Layers": 1, "Current Settings": 2 },
    "Disk Cache": { "Read Only": 0, "Current Settings": 2 },
    "Resolution": { Full: [1, 1], Half: [2, 2] },
};

/** The user's default render settings, and an output module that crops: what a render finds that sets nothing itself. */
export const WORST = {
    "Quality": 1, "Field Render": 1, "3:2 Pulldown": 1, "Frame Rate": 1, "Use this frame rate": 12, "Skip Existing Files": true, "Guide Layers": 2,
    "Proxy Use": 1, "Solo Switches": 0, "Effects": 0, "Color Depth": 0, "Frame Blending": 0, "Motion Blur": 0, "Disk Cache": 0, "Resolution": [2, 2],
};
export const USUAL = {
    ...WORST, "Quality": 2, "Field Render": 0, "3:2 Pulldown": 0, "Frame Rate": 0, "Skip Existing Files": false, "Guide Layers": 0, "Proxy Use": 2,
    "Solo Switches": 2, "Effects": 2, "Color Depth": -1, "Frame Blending": 1, "Motion Blur": 1, "Resolution": [1, 1],
};
const ENDINGS = { PNG: "png", TIFF: "tif", OpenEXR: "exr", AVI: "avi", QuickTime: "mov" };

export const HIDDEN = {
    "_HIDDEN X-Factor 16": { Format: "PNG Sequence", Channels: "RGB + Alpha", Depth: "Trillions of Colors+" },
    "_HIDDEN X-Factor 8": { Format: "PNG Sequence", Channels: "RGB + Alpha", Depth: "Millions of Colors+" },
};
export const VISIBLE = {
    "Lossless": { Format: "AVI", Channels: "RGB", Depth: "Millions of Colors" },
    "TIFF Sequence with Alpha": { Format: "TIFF Sequence", Channels: "RGB + Alpha", Depth: "Millions of Colors+" },
};

/** A PNG of one color, small but real. */
export function tinyPng(width, height, color = [0, 200, 40]) {
    const line = Buffer.concat([Buffer.from([0]), Buffer.concat(Array.from({ length: width }, () => Buffer.from(color)))]);
    const chunk = (name, data) => {
        const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
        const frame = Buffer.alloc(8);
        frame.writeUInt32BE(data.length, 0);
        frame.writeUInt32BE(zlib.crc32(body), 4);
        return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 2, 0, 0, 0], 8);
    const pixels = zlib.deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
    return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

export function makeQueue(host) {
    class OutputModule {
        static hostKind = "OutputModule";
        constructor(item) { this.item = item; }
        get file() { return this.item.target; }
        set file(value) { this.item.target = value; }
        get templates() { return Object.keys({ ...host.visibleTemplates, ...host.hiddenTemplates, ...host.ownTemplates }).filter((name) => !host.missingTemplates.has(name)); }
        applyTemplate(name) {
            const found = { ...host.visibleTemplates, ...host.hiddenTemplates, ...host.ownTemplates }[name];
            if (!found || host.missingTemplates.has(name)) throw new Error(`After Effects error: no output template "${name}".`);
            this.item.output = { "Crop": false, "Resize": false, ...found, "Starting #": 0, "Use Comp Frame Number": true };
            const folder = this.item.target?.parent ?? host.disk.Folder.myDocuments;
            this.item.target = new host.disk.File(`${folder.fsName}/${this.item.comp.name}_[#####].${this.ending}`.split("%").join("%25"));
        }
        get ending() { return ENDINGS[this.item.output.Format.split(/[ -]/)[0]] ?? "mov"; }
        getSettings(format) {
            if (format !== GetSettingsFormat.NUMBER) return { ...this.item.output };
            const { Depth } = this.item.output;
            const bits = /Trillions/.test(Depth) ? 48 : /Floating/.test(Depth) ? 96 : 24;
            return { ...this.item.output, Depth: bits + (/\+/.test(Depth) ? bits / 3 : 0) };
        }
        setSettings(given) {
            for (const key of Object.keys(given)) {
                if (["Format", "Channels", "Depth", "Color"].includes(key)) throw new Error(`After Effects error: "${key}" cannot be set.`);
                this.item.output[key] = given[key];
            }
            this.isDead = true;
            this.item.module = null;
        }
    }

    class RenderQueueItem {
        static hostKind = "RenderQueueItem";
        constructor(comp) {
            Object.assign(this, { comp, status: RQItemStatus.QUEUED, wanted: true, target: null, module: null, rendered: 0 });
            Object.assign(this, { timeSpanStart: comp.workAreaStart + comp.displayStartTime, timeSpanDuration: comp.workAreaDuration });
            this.settings = { ...host.renderDefaults };
            this.output = { ...VISIBLE.Lossless };
        }
        get render() { return this.wanted; }
        set render(value) {
            if (![RQItemStatus.QUEUED, RQItemStatus.UNQUEUED].includes(this.status)) {
                throw new Error("After Effects error: the item is rendered already.");
            }
            this.wanted = value;
            this.status = value ? RQItemStatus.QUEUED : RQItemStatus.UNQUEUED;
        }
        setSettings(given) {
            for (const [key, value] of Object.entries(given)) {
                if (!(key in this.settings)) throw new Error(`After Effects error: there is no setting "${key}".`);
                const words = host.language === "en" ? WORDS[key] ?? {} : {};
                const known = Object.values(WORDS[key] ?? { any: value }).find((each) => String(each) === String(value?.x ? [value.x, value.y] : value));
                if (known === undefined && !(value in words)) throw new Error(`After Effects error: "${key}" cannot be ${value}.`);
                this.settings[key] = known ?? words[value];
            }
        }
        getSettings() { return { ...this.settings }; }
        outputModule() {
            this.module ??= new OutputModule(this);
            return this.module;
        }
        remove() {
            host.rawQueue.list.splice(host.rawQueue.list.indexOf(this), 1);
            this.isDead = true;
        }
        run() {
            const start = this.timeSpanStart - this.comp.displayStartTime;
            if (start < -1e-6 || start + this.timeSpanDuration > this.comp.duration + 1e-6) {
                host.modals.push("the time span lies outside the comp");
                throw new Error("After Effects error: the time span lies outside the comp.");
            }
            const set = this.settings;
            const rate = set["Frame Rate"] === 1 ? set["Use this frame rate"] : this.comp.frameRate;
            // The last frame that begins inside the span is rendered, too: odd rates may have one more than rounding says.
            const count = Math.max(1, Math.ceil(this.timeSpanDuration * rate - 1e-3));
            const layers = this.comp.visible({ guides: set["Guide Layers"] === 2, solos: set["Solo Switches"] === 2 });
            const first = this.output["Use Comp Frame Number"] ? Math.round(this.timeSpanStart * this.comp.frameRate) : this.output["Starting #"];
            host.renders.push({ comp: this.comp, start, count, output: { ...this.output }, layers, layer: layers[0], settings: { ...set }, inGroup: host.history.depth > 0, tasks: host.tasks.size, size: [this.comp.width, this.comp.height, this.comp.pixelAspect] });
            if (set.Resolution.join() !== "1,1" || this.output.Crop || this.output.Resize) throw new Error("the picture would not have the source's size");
            const picture = host.renderPicture ?? tinyPng(this.comp.width, this.comp.height);
            for (let i = 0; i < count; i += 1) {
                if (host.stopAfter !== null && i >= host.stopAfter) {
                    this.status = RQItemStatus.USER_STOPPED;
                    return;
                }
                this.write(first + i, typeof picture === "function" ? picture(first + i, start + i / this.comp.frameRate) : picture);
            }
            this.status = RQItemStatus.DONE;
        }
        write(number, picture) {
            const real = this.target.real.replace(/\[(#+)\]/, (_all, marks) => String(number).padStart(marks.length, "0"));
            const name = real === this.target.real ? real.replace(/(\.[^.]*)$/, `${String(number).padStart(5, "0")}$1`) : real;
            if (fs.existsSync(name) && !this.settings["Skip Existing Files"]) {
                host.modals.push(`${path.basename(name)} exists; overwrite?`);
                throw new Error("After Effects error: a modal dialog waits.");
            }
            if (fs.existsSync(name)) return;
            fs.writeFileSync(name, picture);
        }
    }

    class RQItemCollection {
        static hostKind = "RQItemCollection";
        add(comp) {
            const item = new RenderQueueItem(comp);
            host.rawQueue.list.push(item);
            return item;
        }
    }

    class RenderQueue {
        static hostKind = "RenderQueue";
        list = [];
        rendering = false;
        get numItems() { return this.list.length; }
        get items() { return new RQItemCollection(); }
        item(index) { return this.list[index - 1]; }
        render() {
            if (host.inTask) return; // nothing happens when called from a scheduled task
            for (const item of [...this.list]) {
                if (item.wanted && item.status === RQItemStatus.QUEUED) item.run();
            }
        }
    }
    return { RenderQueue, RenderQueueItem };
}
