/** How the frame is looked at (pass, background, compare, channel, exposure, gamma), and the picture that results. */

import { channel, difference, over, pixelsOf } from "./compositing.js";
import { Pictures } from "./pictures.js";
import { Trial } from "./trial.js";

const CHANNELS = { r: 0, g: 1, b: 2 };

export class Looking extends EventTarget {
  #frame = null;
  #turn = 0;
  #own = null; // ImageBitmap
  #states = new Map();
  #tried = null; // {settings, tell, trial}

  constructor(id, viewer) {
    super();
    this.id = id;
    this.viewer = viewer;
    this.pictures = new Pictures(id);
    this.straight = false; // whether the foreground is not multiplied by alpha
    this.how = { view: "composite", over: "grey", compare: "off", against: "plate", channel: "rgb", exposure: 0, gamma: 1 };
  }

  close() {
    this.#turn = -1;
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

  get hasOwn() {
    return this.#own !== null;
  }

  get at() {
    return this.#frame;
  }

  /** Pass whose floats a pixel readout should tell, and over what. */
  get pass() {
    const { channel: shown, view, over: behind } = this.how;
    if (shown === "a") return { name: "alpha" };
    if (view !== "composite") return { name: view };
    return behind === "own" ? { name: "foreground" } : { name: "composite", over: behind };
  }

  /** What is shown was never written: settings are being tried. */
  get tried() {
    return Boolean(this.#tried?.trial);
  }

  known(states) {
    const before = this.#states.get(this.#frame)?.state;
    this.#states = states;
    if (this.#frame !== null && before !== states.get(this.#frame)?.state) this.render();
  }

  /** A frame was written anew. */
  arrived(frame) {
    this.pictures.forget(frame);
    if (frame === this.#frame) this.render();
  }

  frame(frame, next) {
    this.#frame = frame;
    if (this.#tried) this.#retry();
    this.render().then(() => next !== undefined && this.#states.get(next)?.state === "done" && this.#fetch(next).catch(() => {}));
  }

  /** Key this frame with other settings and show that; null shows what is on disk. `tell` says how it went. */
  async try(settings, tell) {
    this.#tried = settings && { settings, tell, trial: null };
    this.dispatchEvent(new Event("change"));
    if (!settings) tell("");
    await (settings ? this.#retry() : this.render());
  }

  async #retry() {
    const tried = this.#tried;
    const frame = this.#frame;
    const current = () => this.#tried === tried && this.#frame === frame;
    tried.trial = null;
    tried.tell("Keying this frame…");
    try {
      const trial = await Trial.of(this.id, frame, tried.settings);
      if (!current()) return;
      tried.trial = trial;
      this.dispatchEvent(new Event("change"));
      tried.tell("You see these settings on this frame. Nothing is written until you key again.");
      await this.render();
    } catch (error) {
      if (current()) tried.tell(`No preview: ${error.message}`);
    }
  }

  /** Draw the frame at hand; what is asked for meanwhile wins. */
  async render() {
    if (this.#frame === null || this.#turn < 0) return;
    const turn = ++this.#turn;
    try {
      const { a, b } = await this.#composed();
      if (turn === this.#turn) this.viewer.show(a, b);
    } catch (error) {
      if (turn === this.#turn) this.viewer.tell(this.#sentence(error));
    }
  }

  #sentence(error) {
    const result = this.#states.get(this.#frame);
    if (result?.problem) return `Frame ${this.#frame}: ${result.problem.message}`;
    if (this.how.view !== "plate" && result?.state !== "done") return `Frame ${this.#frame} is not keyed yet.`;
    return error.message;
  }

  async #fetch(frame = this.#frame) {
    const { view, compare, against, over: behind, exposure, gamma } = this.how;
    const light = { exposure, gamma };
    const names = new Set(this.how.channel === "a" ? ["alpha"] : [view, ...(compare === "off" ? [] : [against])]);
    if (behind === "own" && names.delete("composite")) for (const part of ["foreground", "coverage"]) names.add(part);
    const asked = {
      coverage: ["alpha", { exposure: 0, gamma: 1 }],
      composite: ["composite", { ...light, over: behind }],
    };
    const trial = frame === this.#frame ? this.#tried?.trial : null;
    const found = await Promise.all([...names].map(async (name) => {
      const wanted = asked[name] ?? [name, light];
      return [name, trial && name !== "plate" ? await trial.picture(...wanted) : pixelsOf(await this.pictures.get(frame, ...wanted))];
    }));
    return Object.fromEntries(found);
  }

  async #composed() {
    const pictures = await this.#fetch();
    const a = this.#one(this.how.view, pictures);
    if (this.how.compare === "off" || this.how.channel === "a") return { a, b: null };
    const b = this.#one(this.how.against, pictures);
    // As in compositing programs, A is left of the wipe.
    return this.how.compare === "difference" ? { a: difference(a, b), b: null } : { a, b };
  }

  #one(view, pictures) {
    const { channel: shown, exposure, gamma } = this.how;
    if (shown === "a") return pictures.alpha;
    const picture = view === "composite" && this.how.over === "own"
      ? over(pictures.foreground, pictures.coverage, this.#covering(pictures.foreground), { exposure, gamma, straight: this.straight && !this.#tried?.trial })
      : pictures[view];
    return shown in CHANNELS ? channel(picture, CHANNELS[shown]) : picture;
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
