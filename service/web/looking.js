/** How the frame is looked at (pass, background, compare, channel, exposure, gamma), and the picture that results. */

import { frameAt, preview } from "./api.js";
import { channel, difference, over, pixelsOf, tinted } from "./compositing.js";
import { Pictures } from "./pictures.js";

const CHANNELS = { r: 0, g: 1, b: 2 };
const isElsewhere = (against) => against === "saved" || against.startsWith("job:");
const REST_MS = 160; // who goes from frame to frame has one keyed on trial where they rest

export class Looking extends EventTarget {
  #frame = null;
  #closed = false;
  #wanted = false; // what is at hand has changed since its pictures were asked for
  #drawing = null; // promise, while pictures are on their way
  #own = null; // ImageBitmap
  #states = new Map();
  #tried = null; // {wish: {settings, corrections}, tell}: what the artist tries
  #trial = null; // {frame, place}: where a frame lies that was keyed so
  #resting = null;
  #asking = null; // AbortController of the preview that is being asked for

  constructor(id, viewer) {
    super();
    this.id = id;
    this.viewer = viewer;
    this.pictures = new Pictures();
    this.words = ""; // the version's name
    this.others = []; // other versions to compare with: {id, words}
    this.straight = false; // whether the foreground is not multiplied by alpha
    this.how = { view: "composite", over: "grey", compare: "off", against: "plate", channel: "rgb", exposure: 0, gamma: 1 };
  }

  close() {
    this.#closed = true;
    this.#giveUp();
    this.pictures.close();
    this.#own?.close();
  }

  /** Change how it is looked at: `{view: "alpha"}`. */
  set(change) {
    Object.assign(this.how, change);
    this.dispatchEvent(new Event("change"));
    this.render();
  }

  /** Put a picture of the artist's own behind; a File. */
  async behind(file) {
    this.#own?.close();
    this.#own = await createImageBitmap(file);
    this.set({ over: "own", view: "composite" });
  }

  /** Tell which other versions there are. */
  compareWith(words, others) {
    this.words = words;
    this.others = others;
    if (this.how.against.startsWith("job:") && !others.some(({ id }) => this.how.against === `job:${id}`)) this.how.against = "plate";
    this.dispatchEvent(new Event("change"));
  }

  get hasOwn() {
    return this.#own !== null;
  }

  get at() {
    return this.#frame;
  }

  /** Where the floats lie that a pixel readout should tell: `{place, pass, tried}`; `tried`: no file has them. */
  get source() {
    const pass = this.#pass;
    return { pass, place: this.#place(pass.name), tried: this.#onTrial(pass.name) };
  }

  get #pass() {
    const { channel: shown, view, over: behind } = this.how;
    if (shown === "a") return { name: "alpha" };
    if (view === "status") return { name: "alpha" };
    if (view === "overlay") return { name: "plate" };
    if (view !== "composite") return { name: view };
    return behind === "own" ? { name: "foreground" } : { name: "composite", over: behind };
  }

  /** A pass of a frame was never delivered: settings are being tried on it. Its plate is the job's in any case. */
  #onTrial(pass, frame = this.#frame) {
    return this.#trial?.frame === frame && pass !== "plate";
  }

  #place(pass, frame = this.#frame) {
    return this.#onTrial(pass, frame) ? this.#trial.place : frameAt(this.id, frame);
  }

  known(states) {
    const before = this.#states.get(this.#frame)?.state;
    this.#states = states;
    if (this.#frame !== null && before !== states.get(this.#frame)?.state) this.render();
  }

  /** A frame was written anew. */
  arrived(frame) {
    this.pictures.forget(frameAt(this.id, frame));
    if (frame === this.#frame) this.render();
  }

  /** Go to a frame; resolves once it is drawn. `next` is fetched ahead. */
  async frame(frame, next) {
    this.#frame = frame;
    this.#giveUp();
    if (this.#tried) {
      this.#tried.tell("Rest on a frame to see these settings on it.");
      this.#resting = setTimeout(() => this.#retry(), REST_MS);
    }
    await this.#take(null);
    const ahead = this.#frame === frame && !this.#closed && this.#states.get(next)?.state === "done";
    if (ahead) this.#side(this.how.view, this.how, () => frameAt(this.id, next)).catch(() => {});
  }

  /** Whether what is shown was keyed on trial. */
  get onTrial() {
    return this.#trial?.frame === this.#frame;
  }

  /** Key this frame with other settings and strokes and show that; null shows what is on disk. `tell` says how it went. */
  async try(wish, tell) {
    this.#tried = wish && { wish, tell };
    this.#giveUp();
    if (wish) return this.#retry();
    tell("");
    await this.#take(null);
  }

  /** No longer ask for the preview that was wanted. */
  #giveUp() {
    clearTimeout(this.#resting);
    this.#asking?.abort();
  }

  async #retry() {
    const tried = this.#tried;
    const frame = this.#frame;
    const asking = this.#asking = new AbortController();
    const current = () => !asking.signal.aborted && this.#tried === tried && this.#frame === frame;
    tried.tell("Keying this frame…");
    try {
      const place = await preview(this.id, frame, tried.wish, asking.signal);
      if (!current()) return;
      await this.#take({ frame, place });
      if (current()) tried.tell("You see these settings on this frame. Nothing is written until you key again.");
    } catch (error) {
      if (!current()) return;
      tried.tell(`No preview: ${error.message}`);
      await this.#take(null);
    }
  }

  /** Show what was keyed on trial, or else what is on disk. */
  async #take(trial) {
    const before = this.#trial;
    this.#trial = trial;
    this.dispatchEvent(new Event("change"));
    const drawn = this.render();
    if (before) this.pictures.forget(before.place);
    await drawn;
  }

  /**
   * Draw what is at hand; resolves once it is drawn. The service makes pictures one by one, also those that nobody waits
   * for any more: while some are on their way, no others are asked for, and then only the newest.
   */
  async render() {
    if (this.#frame === null || this.#closed) return;
    this.#wanted = true;
    this.#drawing ??= this.#draw();
    await this.#drawing;
  }

  async #draw() {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      this.pictures.only([frameAt(this.id, this.#frame), this.#place("alpha"), this.#other(this.how).place("alpha")]);
      try {
        const { a, b } = await this.#composed({ ...this.how });
        if (!this.#closed) this.viewer.show(a, b, this.#labels());
      } catch (error) {
        if (!this.#wanted && !this.#closed) this.viewer.tell(this.#sentence(error));
      }
    }
    this.#drawing = null; // in one go with the last look at what is wanted
  }

  /** What stands on each side, in words; none where there is one side only. */
  #labels() {
    const { compare, against, view } = this.how;
    if (compare === "off") return [];
    const own = this.onTrial ? "Trial" : this.words;
    if (against === "saved") return [`${own} ${view}`, `${this.words} ${view}`];
    const job = this.others.find(({ id }) => against === `job:${id}`);
    return [`${own} ${view}`, job ? `${job.words} ${view}` : `${own} ${against}`];
  }

  #sentence(error) {
    if (this.#onTrial(this.how.view)) return error.message;
    if (this.how.view === "plate" && this.how.compare === "off") return error.message; // it is there whatever became of its key
    const result = this.#states.get(this.#frame);
    if (result?.problem) return [`Frame ${this.#frame}: ${result.problem.message}`, result.problem.fix].filter(Boolean).join(" ");
    if (this.how.view !== "plate" && result?.state !== "done") return `Frame ${this.#frame} is not keyed yet.`;
    return error.message;
  }

  /** Where B lies and which view of it: another view of the same frame, or the same view of another version. */
  #other({ against, view }) {
    if (against === "saved") return { view, place: () => frameAt(this.id, this.#frame) };
    if (against.startsWith("job:")) return { view, place: () => frameAt(against.slice(4), this.#frame) };
    return { view: against, place: (pass) => this.#place(pass) };
  }

  async #composed(how) {
    const other = how.compare === "off" || (how.channel === "a" && !isElsewhere(how.against)) ? null : this.#other(how);
    const [a, b] = await Promise.all([
      this.#side(how.view, how, (pass) => this.#place(pass)),
      other && this.#side(other.view, how, other.place),
    ]);
    if (!b) return { a, b: null };
    if (a.width !== b.width || a.height !== b.height) throw new Error("The two pictures are not of one size.");
    // As in compositing programs, A is left of the wipe.
    return how.compare === "difference" ? { a: difference(a, b), b: null } : { a, b };
  }

  async #side(view, { channel: shown, exposure, gamma, over: behind }, place) {
    const light = { exposure, gamma };
    const coverage = { exposure: 0, gamma: 1 };
    const get = async (pass, asked) => pixelsOf(await this.pictures.get(place(pass), pass, asked));
    if (shown === "a") return get("alpha", light);
    const picture = await this.#picture(view, behind, { light, coverage, get });
    return shown in CHANNELS && view !== "status" ? channel(picture, CHANNELS[shown]) : picture;
  }

  async #picture(view, behind, { light, coverage, get }) {
    if (view === "status") return get("alpha", { ...coverage, channels: "status" });
    if (view === "overlay") return tinted(...await Promise.all([get("plate", light), get("alpha", coverage)]));
    if (view !== "composite") return get(view, light);
    if (behind !== "own") return get("composite", { ...light, over: behind });
    const [foreground, alpha] = await Promise.all([get("foreground", light), get("alpha", coverage)]);
    return over(foreground, alpha, this.#covering(foreground), { ...light, straight: this.straight });
  }

  /** The artist's picture, cut to cover the frame. */
  #covering({ width, height }) {
    const canvas = new OffscreenCanvas(width, height);
    const scale = Math.max(width / this.#own.width, height / this.#own.height);
    const [w, h] = [this.#own.width * scale, this.#own.height * scale];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.#own, (width - w) / 2, (height - h) / 2, w, h);
    return context.getImageData(0, 0, width, height);
  }
}
