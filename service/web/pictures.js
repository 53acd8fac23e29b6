/** Fetches frames once and keeps the latest ones; a picture that cannot be had is a sentence, not a crash. */

import { framePath, picture } from "./api.js";

const KEPT_BYTES = 768 * 2 ** 20;

export class Pictures {
  #kept = new Map(); // path → promise of an ImageBitmap; oldest first
  #sizes = new Map();
  #bytes = 0;

  constructor(id) {
    this.id = id;
  }

  /** Return a pass of a frame at full size, `view` = {exposure, gamma}. Rejects with a Refusal. */
  get(frame, pass, view) {
    const path = framePath(this.id, frame, pass, view);
    const known = this.#kept.get(path);
    this.#kept.delete(path);
    const promise = known ?? picture(path);
    this.#kept.set(path, promise);
    if (!known) promise.then((bitmap) => this.#weigh(path, bitmap), () => this.#kept.delete(path));
    return promise;
  }

  /** Forget what was fetched of a frame: it was keyed again. */
  forget(frame) {
    for (const path of this.#kept.keys()) if (path.includes(`/frames/${frame}/`)) this.#drop(path);
  }

  close() {
    for (const path of [...this.#kept.keys()]) this.#drop(path);
  }

  #weigh(path, bitmap) {
    const size = bitmap.width * bitmap.height * 4;
    this.#sizes.set(path, size);
    this.#bytes += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES || oldest === path) break;
      this.#drop(oldest);
    }
  }

  #drop(path) {
    const promise = this.#kept.get(path);
    this.#kept.delete(path);
    this.#bytes -= this.#sizes.get(path) ?? 0;
    this.#sizes.delete(path);
    promise?.then((bitmap) => bitmap.close?.(), () => {});
  }
}
