/** What a result is: its size, rate and encoding, what keyed it, where it lies, and what may be done with it. */

import { getManifest, zipPath } from "./api.js";
import { attempt, el } from "./dom.js";
import { askToRemove, copy, REMOVABLE } from "./removing.js";
import { toHex, version } from "./words.js";

const RATES = { "24000/1001": "23.976", "30000/1001": "29.97", "48000/1001": "47.952", "60000/1001": "59.94", "120000/1001": "119.88" };
const rate = (fps) => (fps ? `${RATES[fps] ?? String(fps).replace(/\/1$/, "")} fps` : "unknown");

/** @param {{gone: () => void}} does `gone`: the job is off the list. */
export function info({ gone }) {
  const list = el("dl", { class: "facts" });
  const actions = el("div", { class: "buttons" });
  const node = el("section", { class: "info", "aria-labelledby": "info-title" }, el("h2", { id: "info-title", text: "Result" }), list, actions);
  const fact = (words, ...told) => el("div", {}, el("dt", { text: words }), el("dd", {}, ...told));

  /** Show a job, its summary in the list, and the manifest where there is one. */
  async function show(job, summary) {
    const manifest = job.manifest ? await getManifest(job.id).catch(() => null) : null;
    const { plate, keyer, screen } = manifest ?? {};
    const color = (screen ?? job.screen)?.color;
    const output = summary?.output ?? job.output;
    list.replaceChildren(...[
      plate?.width && fact("Size", `${plate.width} × ${plate.height}`),
      manifest && fact("Rate", rate(manifest.fps)),
      plate?.encoding && fact("Encoding", plate.encoding, ...(plate.encoding_reason ? [el("small", { text: ` ${plate.encoding_reason}` })] : [])),
      fact("Keyer", job.request.settings.keyer, ...(keyer ? [el("small", { text: ` DropKey ${keyer.dropkey} on ${keyer.device}` })] : [])),
      color && fact("Screen", swatch(color), ` ${color.map((v) => v.toFixed(3)).join("  ")}`),
      job.finished_at && fact("Keyed", new Date(job.finished_at).toLocaleString()),
      fact("Lies in", el("code", { text: output })),
    ].filter(Boolean));
    actions.replaceChildren(
      el("button", { type: "button", text: "Copy path", on: { click: () => attempt(() => copy(output)) } }),
      ...(manifest ? [el("a", { class: "button", href: zipPath(job.id), download: `${job.shot.name}_${version(job.version)}.zip`, text: "Download zip" })] : []),
      ...(REMOVABLE.includes(summary?.state ?? job.state)
        ? [el("button", { type: "button", text: "Remove…", on: { click: () => askToRemove([{ id: job.id, shot: job.shot.name, version: job.version, output }], gone) } })] : []));
  }

  function swatch(color) {
    const canvas = el("canvas", { class: "swatch", width: 16, height: 16, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    context.fillStyle = toHex(color);
    context.fillRect(0, 0, 16, 16);
    return canvas;
  }

  return { node, show };
}
