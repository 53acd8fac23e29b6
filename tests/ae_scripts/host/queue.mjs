/** The render queue: renders all that waits in it, at once; an existing file is a modal; old output modules are dead. */
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

export const RQItemStatus = { WILL_CONTINUE: 3012, NEEDS_OUTPUT: 3013, UNQUEUED: 3014, QUEUED: 3015, RENDERING: 3016, USER_STOPPED: 3017, ERR_STOPPED: 3018, DONE: 3019 };
export const GetSettingsFormat = { STRING: 3412, NUMBER: 3413 };

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
        get templates() { return Object.keys(VISIBLE).concat(Object.keys(host.hiddenTemplates)); }
        applyTemplate(name) {
            const found = { ...VISIBLE, ...host.hiddenTemplates, ...host.ownTemplates }[name];
            if (!found || host.missingTemplates.has(name)) throw new Error(`After Effects error: no output template "${name}".`);
            this.item.output = { ...found, "Starting #": 0, "Use Comp Frame Number": true };
        }
        getSettings() { return { ...this.item.output }; }
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
            Object.assign(this, { timeSpanStart: comp.workAreaStart + comp.displayStartTime, timeSpanDuration: comp.workAreaDuration, settings: {} });
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
        setSettings(given) { Object.assign(this.settings, given); }
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
            const count = Math.max(1, Math.round(this.timeSpanDuration * this.comp.frameRate));
            const first = this.output["Use Comp Frame Number"] ? Math.round(this.timeSpanStart * this.comp.frameRate) : this.output["Starting #"];
            host.renders.push({ comp: this.comp, start, count, output: { ...this.output }, layer: this.comp.stack[0], settings: this.settings });
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
            if (fs.existsSync(name)) {
                host.modals.push(`${path.basename(name)} exists; overwrite?`);
                throw new Error("After Effects error: a modal dialog waits.");
            }
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
