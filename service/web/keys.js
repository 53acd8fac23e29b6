/** Keyboard: which key does what in the view at hand, and the overlay that says so. */

import { el } from "./dom.js";

let bound = [];

/**
 * Make these the keys of the view.
 * @param {Array<{keys: string, words: string, group: string, run: (event: KeyboardEvent) => void}>} table
 *   `keys` as in `ArrowLeft`, `Shift+E`, several split by a space.
 */
export function bind(table) {
  bound = [...table, { keys: "?", words: "These shortcuts", group: "Everywhere", run: help }];
}

const named = (event) => {
  const key = event.key.length === 1 && /[a-z]/i.test(event.key) ? event.key.toUpperCase() : event.key === " " ? "Space" : event.key;
  const shifted = event.shiftKey && (key.length > 1 || /[A-Z]/.test(key));
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shifted ? "Shift+" : ""}${key}`;
};

/** Keys that a focused control needs for itself. */
function taken(event) {
  const target = event.target;
  if (document.querySelector("dialog[open]")) return true;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  if (target.matches("input")) {
    if (["range", "color", "checkbox"].includes(target.type)) return event.key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown", " "].includes(event.key);
    return true;
  }
  return target.matches("button, a, summary") && [" ", "Enter"].includes(event.key);
}

document.addEventListener("keydown", (event) => {
  if (taken(event)) return;
  const entry = bound.find(({ keys }) => keys.split(" ").includes(named(event)));
  if (!entry) return;
  event.preventDefault();
  entry.run(event);
});

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", PageUp: "Page ↑", PageDown: "Page ↓", Escape: "Esc" };
const shown = (keys) => keys.split(" ").flatMap((combination, index) => [
  ...(index ? [" "] : []), el("kbd", { text: combination.split("+").filter(Boolean).map((k) => SHOWN[k] ?? k).join(" ") || "+" })]);

/** Show all keys of the view at hand. */
export function help() {
  const groups = new Map();
  for (const entry of bound) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  const dialog = el("dialog", { class: "help", "aria-labelledby": "help-title" },
    el("header", {}, el("h2", { id: "help-title", text: "Keyboard shortcuts" }),
      el("button", { type: "button", text: "Close", on: { click: () => dialog.close() } })),
    el("div", { class: "groups" }, ...[...groups].map(([group, entries]) => el("section", {}, el("h3", { text: group }),
      el("dl", {}, ...entries.map((entry) => el("div", {}, el("dt", {}, ...shown(entry.keys)), el("dd", { text: entry.words }))))))));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
