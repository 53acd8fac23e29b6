/** Fetches frames once and keeps the latest ones; a picture that cannot be had is a sentence, not a crash. */

import { picture, picturePath } from "./api.js";

const KEPT_BYTES = 768 * 2 ** 20;

export class Pictures {
  #kept = new Map(); // path → promise of an ImageBitmap; oldest first
  #coming = new Map(); // path → AbortController, while it is on its way
  #sizes = new Map();
  #bytes = 0;

  /** Return a pass at full size of the frame at `place`, `view` = {exposure, gamma, over}. Rejects with a Refusal. */
  get(place, pass, view) {
    const path = picturePath(place, pass, view);
    const known = this.#kept.get(path);
    this.#kept.delete(path);
    const promise = known ?? this.#fetch(path);
    this.#kept.set(path, promise);
    const isKept = () => this.#kept.get(path) === promise; // and was not forgotten meanwhile
    if (!known) promise.then((bitmap) => isKept() && this.#weigh(path, bitmap), () => isKept() && this.#kept.delete(path));
    return promise;
  }

  /** Give up what is on its way of other frames than those at `places`. */
  only(places) {
    for (const path of [...this.#coming.keys()]) if (!places.some((place) => path.startsWith(`${place}/`))) this.#drop(path);
  }

  /** Forget what was fetched of the frame at `place`. */
  forget(place) {
    for (const path of [...this.#kept.keys()]) if (path.startsWith(`${place}/`)) this.#drop(path);
  }

  close() {
    for (const path of [...this.#kept.keys()]) this.#drop(path);
  }

  #fetch(path) {
    const control = new AbortController();
    this.#coming.set(path, control);
    return picture(path, control.signal).finally(() => this.#coming.get(path) === control && this.#coming.delete(path));
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
    this.#coming.get(path)?.abort();
    this.#coming.delete(path);
    this.#bytes -= this.#sizes.get(path) ?? 0;
    this.#sizes.delete(path);
    promise?.then((bitmap) => bitmap.close?.(), () => {});
  }
}
