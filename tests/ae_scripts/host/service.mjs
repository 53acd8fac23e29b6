/** A scripted DropKey service: answers as docs/schemas and the routes say, from jobs that a test moves on. */
import fs from "node:fs";
import path from "node:path";
import { tinyPng } from "./queue.mjs";

const PICTURE = tinyPng(640, 360); // of a preview
const EXAMPLES = new URL("../../../docs/schemas/examples/", import.meta.url);

const OURS = /PANEL_VERSION = "([^"]+)"/.exec(fs.readFileSync(process.env.DROPKEY_PANEL_BUNDLE, "utf8"))[1]; // the panel's own version

export function example(name) {
    return JSON.parse(fs.readFileSync(new URL(`${name}.json`, EXAMPLES), "utf8"));
}

/** An HTTP reply as bytes, one character each. */
export function reply(status, content, more = {}) {
    const body = typeof content === "string" ? content : Buffer.from(JSON.stringify(content), "utf8").toString("latin1");
    const head = [`HTTP/1.1 ${status} X`, "content-type: application/json", `content-length: ${body.length}`, "connection: close"];
    return { bytes: `${head.join("\r\n")}\r\n\r\n${body}`, ...more };
}

export class Service {
    constructor(host, { version = OURS, port = 8765 } = {}) {
        Object.assign(this, { host, jobs: new Map(), keys: new Map(), asked: [], ready: true, override: null, count: 0, previews: [], picture: PICTURE });
        this.presets = [["Dirty screen (crush residue)", { alpha_floor: 0.05 }], ["Holes in the subject (fill)", { alpha_ceiling: 0.95 }], ["Keep brightness at despill", { restore_luminance: 1 }]].map(([name, settings]) => ({ name, settings, comes_with_dropkey: true }));
        this.token = "t0ken-of-the-test";
        this.address = `127.0.0.1:${port}`;
        this.home = path.join(host.root, "service home");
        fs.mkdirSync(this.home, { recursive: true });
        fs.writeFileSync(path.join(this.home, "token"), `${this.token}\n`);
        this.discovery = { url: `http://${this.address}`, token_file: path.join(this.home, "token"), version, pid: 4711 };
        this.announce();
        host.environment.DROPKEY_HOME = this.home;
        host.network.servers.set(this.address, (bytes) => this.answer(bytes));
    }

    announce() { fs.writeFileSync(path.join(this.home, "service.json"), JSON.stringify(this.discovery)); }

    leave() {
        fs.rmSync(path.join(this.home, "service.json"), { force: true });
        this.host.network.servers.delete(this.address);
    }

    answer(bytes) {
        const [head, body] = bytes.split("\r\n\r\n");
        const [line, ...lines] = head.split("\r\n");
        const [method, target] = line.split(" ");
        const headers = Object.fromEntries(lines.map((each) => [each.split(": ")[0].toLowerCase(), each.split(": ").slice(1).join(": ")]));
        const short = target.includes("?answer=summary");
        const asked = { method, short, target: target.replace("?answer=summary", ""), headers, body: body ? JSON.parse(Buffer.from(body, "latin1").toString("utf8")) : null, bytes };
        this.asked.push(asked);
        const overridden = this.override?.(asked);
        if (overridden) return overridden;
        if (target === "/health/live") return reply(200, { live: true });
        if (headers.authorization !== `Bearer ${this.token}`) {
            return this.problem(401, "The token is missing or wrong.", "unauthorized");
        }
        return this.route(asked, method, target.split("?")[0]);
    }

    route(asked, method, where) {
        if (where === "/health/ready") {
            const checks = { workers: { ok: this.ready, detail: this.ready ? "0: ready" : "0: starting" } };
            return this.ready ? reply(200, { ready: true, checks }) : reply(503, { status: 503, detail: "Not ready to do jobs.", type: "urn:dropkey:problem:not_ready", ready: false, checks });
        }
        if (where === "/health/live") return reply(200, { live: true });
        if (where === "/jobs" && method === "POST") return this.submit(asked);
        if (where === "/jobs") return reply(200, { jobs: [...this.jobs.values()].map((job) => this.summary(job)), next_cursor: null });
        if (where === "/preview" || where.startsWith("/preview/")) return this.preview(asked);
        if (where === "/presets" || where.startsWith("/presets/")) return this.preset(asked, method, decodeURIComponent(where.slice("/presets/".length)));
        const [, , id, verb] = where.split("/");
        const job = this.jobs.get(id);
        if (!job) return this.problem(404, `There is no job ${id}.`, "not_found");
        if (method === "PATCH") job.priority = asked.body.priority;
        if (verb === "cancel") job.state = "cancelled";
        if (verb === "pause") job.state = "paused";
        if (verb === "resume" || verb === "retry") job.state = "queued";
        return this.told(asked, job, method === "POST" ? 202 : 200);
    }

    /** The job as it is told: in short where that was asked for, else with all its mattes, twice. */
    told({ short }, job, status) {
        return reply(status, short ? this.summary(job) : { ...job, mattes: job.drawn, request: { ...job.request, mattes: job.drawn } });
    }

    submit(asked) {
        const { headers, body } = asked;
        const drawn = Object.fromEntries(Object.entries(body.mattes).map(([kind, matte]) => [kind, typeof matte === "string" ? JSON.parse(fs.readFileSync(matte, "utf8")) : matte]));
        const key = headers["idempotency-key"];
        const known = this.keys.get(key) ?? [...this.jobs.values()].find((job) => !body.key_again && JSON.stringify([job.request.plate, job.request.frames, job.request.settings, job.drawn]) === JSON.stringify([body.plate, body.frames, body.settings, drawn]))?.id;
        if (known) return this.told(asked, this.jobs.get(known), 202);
        this.count += 1;
        const id = String(this.count).padStart(32, "0");
        const [first, last] = body.frames.split("-").map(Number);
        const there = (frame) => !body.accept_gaps || fs.existsSync(body.plate.replace(/#+/, (marks) => String(frame).padStart(marks.length, "0")));
        const frames = Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i).filter(there);
        const job = { ...example("status"), id, request: body, drawn, state: "queued", version: this.count, frames, frames_done: 0, frames_failed: 0, problem: null, manifest: null, output: "", priority: 50, eta_seconds: null };
        this.jobs.set(id, job);
        this.keys.set(key, id);
        return this.told(asked, job, 202);
    }

    preview(asked) {
        this.previews.push(asked.body);
        const id = `p${this.previews.length}`;
        const pictures = Object.fromEntries(["grey", "alpha", "foreground", "plate"].map((view) => [view, path.join(this.home, "previews", id, `${view}.png`)]));
        fs.mkdirSync(path.dirname(pictures.grey), { recursive: true });
        for (const picture of Object.values(pictures)) fs.writeFileSync(picture, this.picture);
        return reply(200, { state: "done", id, picture: pictures[asked.body?.view ?? "grey"], pictures, frame: asked.body?.frame ?? 1, width: 64, height: 36, seconds: 0.42, inferred: true });
    }

    /** Every change is answered with the list. */
    preset({ body }, method, name) {
        const known = this.presets.find((each) => each.name.toLowerCase() === name.toLowerCase());
        if (method !== "GET" && known?.comes_with_dropkey) return this.problem(422, `\u201c${known.name}\u201d comes with DropKey and stays as it is.`, "bad_input", "Choose another name.");
        if (method === "DELETE" && !known) return this.problem(404, `There is no preset \u201c${name}\u201d.`, "not_found");
        if (method !== "GET") this.presets = this.presets.filter((each) => each !== known);
        if (method === "PUT") this.presets.push({ name, settings: body, comes_with_dropkey: false });
        return reply(200, { presets: this.presets });
    }

    summary(job) {
        const { id, state, priority, version, frames_done, frames_failed, frames_per_second, eta_seconds, problem, output, manifest } = job;
        return { id, state, priority, version, frames_done, frames_failed, frames_per_second, eta_seconds, problem, warnings: job.warnings ?? [], output, manifest, shot: "shot", plate: job.request.plate, client: job.request.client, frames_total: job.frames.length, created_at: job.created_at, updated_at: job.updated_at };
    }

    problem(status, detail, kind, fix = "") {
        return reply(status, { type: `urn:dropkey:problem:${kind}`, title: "X", status, detail, fix });
    }

    /** Writes a complete result for a job, as the worker would, and marks it done. */
    finish(job, { width = 64, height = 36, shot = "hero", folder = null, change = (manifest) => manifest, fps = job.request.fps, state = "done" } = {}) {
        const output = folder ?? path.join(this.host.root, "output", shot, `v${String(job.version).padStart(3, "0")}`);
        const manifest = example("manifest");
        Object.assign(manifest, { state, job_id: job.id, shot, version: job.version, fps, problem: null, plate: { ...manifest.plate, width, height } });
        manifest.first_frame = job.frames[0];
        manifest.last_frame = job.frames.at(-1);
        manifest.frames = job.frames.map((frame) => ({ frame, state: "done", checksums: {}, notes: null, problem: null }));
        manifest.passes = ["foreground", "alpha"].map((name) => ({ name, folder: name, pattern: `${shot}_${name}.####.exr`, channels: ["R", "G", "B", "A"], compression: "zip" }));
        const written = change(manifest) ?? manifest;
        for (const pass of manifest.passes) {
            fs.mkdirSync(path.join(output, pass.folder), { recursive: true });
            for (const frame of job.frames) {
                const file = path.join(output, pass.folder, `${shot}_${pass.name}.${String(frame).padStart(4, "0")}.exr`);
                if (!fs.existsSync(file)) fs.writeFileSync(file, fakeExr(width, height));
            }
        }
        fs.writeFileSync(path.join(output, "manifest.json"), JSON.stringify(written));
        Object.assign(job, { state: "done", frames_done: job.frames.length, manifest: path.join(output, "manifest.json"), output });
        return job;
    }
}

/** The header of an EXR file and a byte: enough for a host that reads headers only. */
export function fakeExr(width, height, channels = ["A", "B", "G", "R"]) {
    const parts = [Buffer.from([0x76, 0x2f, 0x31, 0x01, 2, 0, 0, 0])];
    const attribute = (name, type, data) => {
        const size = Buffer.alloc(4);
        size.writeInt32LE(data.length);
        parts.push(Buffer.from(`${name}\0${type}\0`, "latin1"), size, data);
    };
    const channel = (name) => Buffer.concat([Buffer.from(`${name}\0`, "latin1"), Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])]);
    attribute("channels", "chlist", Buffer.concat([...channels.map(channel), Buffer.from([0])]));
    const window = Buffer.alloc(16);
    window.writeInt32LE(width - 1, 8);
    window.writeInt32LE(height - 1, 12);
    attribute("displayWindow", "box2i", window);
    parts.push(Buffer.from([0, 1]));
    return Buffer.concat(parts);
}
