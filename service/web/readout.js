/** The floats under the pointer, as they are in the file or keyed on trial: linear, unclamped, whatever exposure the view has. */

import { readPixel } from "./api.js";
import { el, say } from "./dom.js";
import { float } from "./words.js";

const REST_MS = 40;

export function readout({ looking, viewer }) {
  let place = null;
  let pinned = false;
  let timer = null;
  let asked = null;
  const where = el("span", { class: "where" });
  const values = ["R", "G", "B", "A"].map((name) => {
    const value = el("output", { data: { channel: name } });
    return { name, value, node: el("span", { class: `value ${name}` }, el("b", { text: name }), value) };
  });
  const note = el("span", { class: "note" });
  say(where, "Point at a pixel, or press P");
  const node = el("div", { class: "readout", role: "group", "aria-label": "Pixel values, linear" }, where, ...values.map((v) => v.node), note);

  function ask() {
    clearTimeout(timer);
    timer = setTimeout(read, REST_MS);
  }

  async function read() {
    asked?.abort();
    asked = new AbortController();
    if (!place || looking.at === null) return;
    const { pass, place: from, tried } = looking.source;
    say(where, `${pass.name}  x ${place.x}  y ${place.y}`);
    try {
      const { values: told } = await readPixel(from, pass, place.x, place.y, asked.signal);
      for (const { name, value } of values) say(value, float(told[name]));
      say(note, tried ? "of the settings on trial" : "");
    } catch (error) {
      if (error.name === "AbortError") return;
      for (const { value } of values) say(value, "–");
      say(note, error.message);
    }
  }

  looking.addEventListener("change", () => place && ask());
  return {
    node,
    get pinned() { return pinned ? place : null; },
    /** The pointer is at a pixel; a pinned probe stays where it is. */
    at(x, y) {
      if (pinned || (place?.x === x && place?.y === y)) return;
      place = { x, y };
      ask();
    },
    away() {},
    /** Another frame or pass: the same place reads anew. */
    refresh: () => place && ask(),
    /** Pin a probe in the picture's middle, or take it off. */
    pin() {
      const size = viewer.size;
      pinned = !pinned && size !== null;
      if (pinned) place ??= { x: size.width >> 1, y: size.height >> 1 };
      viewer.mark(pinned ? place : null);
      if (pinned) ask();
    },
    /** Move the probe by pixels; false when there is none. */
    move(x, y) {
      const size = viewer.size;
      if (!pinned || !size) return false;
      place = { x: Math.min(size.width - 1, Math.max(0, place.x + x)), y: Math.min(size.height - 1, Math.max(0, place.y + y)) };
      viewer.mark(place);
      ask();
      return true;
    },
  };
}
