/** Asks before results go: off the list only, or from disk too. */

import { removeJobs } from "./api.js";
import { attempt, el, notice } from "./dom.js";
import { counted, version } from "./words.js";

/** States of jobs that may go. */
export const REMOVABLE = ["done", "failed", "cancelled", "needs_attention"];

/**
 * Ask, then remove.
 * @param {Array<{id: string, shot: string, version: number, output: string}>} jobs
 * @param {() => void} removed
 */
export function askToRemove(jobs, removed) {
  const files = el("input", { type: "checkbox", id: "remove-files" });
  const go = el("button", { type: "submit", class: "primary", text: "Take off the list" });
  files.addEventListener("change", () => { go.textContent = files.checked ? "Delete from disk" : "Take off the list"; });
  const what = jobs.length === 1 ? `${jobs[0].shot} ${version(jobs[0].version)}` : counted(jobs.length, "job");
  const dialog = el("dialog", { class: "removing", "aria-labelledby": "removing-title" },
    el("form", { method: "dialog", on: { submit: (event) => { event.preventDefault(); attempt(run); } } },
      el("header", {}, el("h2", { id: "removing-title", text: `Remove ${what}?` })),
      el("label", { class: "check", for: "remove-files" }, files, " Delete the results from disk, too"),
      el("ul", { class: "places" }, ...jobs.slice(0, 6).map(({ output }) => el("li", { text: output })), ...(jobs.length > 6 ? [el("li", { text: `and ${jobs.length - 6} more` })] : [])),
      el("p", { class: "hint", text: "Plates are never touched. A shot that lies in a drop folder is not keyed again by itself." }),
      el("footer", { class: "buttons" }, el("button", { type: "button", text: "Keep", on: { click: () => dialog.close() } }), go)));

  async function run() {
    const told = await removeJobs(jobs.map(({ id }) => id), files.checked);
    dialog.close();
    for (const { message, fix } of Object.values(told.refused)) notice([message, fix].filter(Boolean).join(" "));
    if (told.removed.length) removed(told.removed);
  }

  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Put words on the clipboard, and say so. */
export async function copy(words) {
  if (navigator.clipboard) await navigator.clipboard.writeText(words);
  else {
    // A page that did not come by a secure line has no clipboard of its own.
    const field = el("textarea", { class: "hidden", "aria-hidden": "true" });
    field.value = words;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  notice(`Copied: ${words}`, { kind: "good", seconds: 4 });
}
