/** A frame keyed with settings that nobody has decided on yet: asked for once, shown in every way that frames are shown. */

import { preview, previewPath, picture } from "./api.js";
import { over, pattern, pixelsOf, relit } from "./compositing.js";

export class Trial {
  #views = new Map();

  constructor(made) {
    this.made = made;
  }

  /** Ask the service to key `frame` of job `id` so. Rejects with a Refusal. */
  static async of(id, frame, settings) {
    return new Trial(await preview(id, frame, settings));
  }

  #view(name) {
    if (!this.#views.has(name)) this.#views.set(name, picture(previewPath(this.made.id, name)).then((bitmap) => pixelsOf(bitmap)));
    return this.#views.get(name);
  }

  /** ImageData of a pass. Previews come as 8-bit pictures, so exposure cannot reveal what they have clipped. */
  async picture(name, { exposure = 0, gamma = 1, over: behind } = {}) {
    if (name === "alpha") return relit(await this.#view("alpha"), { exposure, gamma, light: false });
    if (name === "foreground") return relit(await this.#view("foreground"), { exposure, gamma });
    if (behind === "grey") return relit(await this.#view("grey"), { exposure, gamma });
    const [foreground, alpha] = await Promise.all([this.picture("foreground", { exposure, gamma }), this.#view("alpha")]);
    return over(foreground, alpha, pattern(behind, foreground), { exposure, gamma, straight: false });
  }
}
