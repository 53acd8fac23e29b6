/** What an empty queue says to somebody who has never keyed a shot here: where to drop one, and how to choose settings. */

import { getRoots } from "./api.js";
import { el, notice, say } from "./dom.js";

const SIDECAR = `{
  "frames": "1001-1100",
  "settings": { "despill": 0.8 }
}`;

/** Return `{node, hidden, look}`; `look` asks once where the drop folder is. */
export function firstSteps() {
  const folder = el("code", { class: "path", text: "…" });
  const where = el("div", { class: "copied" }, folder, copyButton("Copy the folder's path", () => folder.textContent));
  const none = el("p", { class: "hint", hidden: true, text: "No drop folder is watched." });
  const node = el("section", { class: "first", "aria-labelledby": "first-title", hidden: true },
    el("h2", { id: "first-title", text: "Key your first shot" }),
    el("p", { text: "Drop a folder of pictures (PNG, EXR, TIFF, DPX, JPEG) or a movie into the drop folder:" }), where, none,
    el("p", { text: "It starts when no more files come; or press “Key a shot” for plates that lie elsewhere." }),
    el("p", {}, "To choose frames or settings, put a file ", el("code", { text: "<shot>.dropkey.json" }), " beside the shot, for example:"),
    el("div", { class: "copied" }, el("pre", { text: SIDECAR }), copyButton("Copy this file's text", () => SIDECAR)));
  let asked = false;

  async function look() {
    if (asked) return;
    asked = true;
    const found = await getRoots().catch(() => { asked = false; return null; });
    const watched = found?.roots.find((root) => root.watched);
    if (!found) return;
    where.hidden = !watched;
    none.hidden = Boolean(watched);
    if (watched) say(folder, watched.path);
  }

  return { node, look, get hidden() { return node.hidden; }, set hidden(is) { node.hidden = is; } };
}

function copyButton(label, text) {
  return el("button", { type: "button", "aria-label": label, text: "Copy", on: { click: async () => {
    try {
      await navigator.clipboard.writeText(text());
      notice("Copied.", { kind: "good", seconds: 3 });
    } catch {
      notice("This browser does not let the page copy; select the text and copy it yourself.");
    }
  } } });
}
