/** Asks for a shot to be keyed: a path that is typed, pasted or dragged in, or a folder found by browsing the roots. */

import { browse, getRoots, submitJob } from "./api.js";
import { el } from "./dom.js";
import { counted } from "./words.js";

/** Open the dialog; `path` fills it in, `words` say why there is none. `took` hears of the job once there is one. */
export function submitDialog({ path = "", words = "", took }) {
  const field = el("input", { id: "plate", name: "plate", type: "text", value: path, autocomplete: "off", spellcheck: "false",
    placeholder: "/shots/sc010/plate.####.exr", "aria-describedby": "plate-hint" });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const again = el("input", { type: "checkbox", id: "again" });
  const go = el("button", { type: "submit", class: "primary", text: "Key this shot" });

  async function send(event) {
    event.preventDefault();
    const plate = cleaned(field.value);
    if (!plate) return complain("Name a folder, a sequence or a movie.");
    go.disabled = true;
    try {
      const job = await submitJob({ plate, key_again: again.checked, client: "dashboard" });
      took(job);
      dialog.close();
    } catch (error) {
      complain(error.message);
    } finally {
      go.disabled = false;
    }
  }

  const complain = (words) => {
    trouble.hidden = false;
    trouble.textContent = words;
    field.focus();
  };

  const dialog = el("dialog", { class: "submit", "aria-labelledby": "submit-title" },
    el("form", { method: "dialog", on: { submit: send } },
      el("header", {}, el("h2", { id: "submit-title", text: "Key a shot" }),
        el("button", { type: "button", text: "Close", on: { click: () => dialog.close() } })),
      el("label", { for: "plate", text: "Plate" }), field,
      el("p", { id: "plate-hint", class: "hint", text: "A folder, a picture of a sequence, a pattern or a movie. Drag a path in, or browse below." }),
      browser((path) => { field.value = path; field.focus(); }),
      trouble,
      el("footer", {}, el("label", { for: "again", class: "check" }, again, " Make a new version even if nothing changed"), go)));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("dragover", (event) => event.preventDefault());
  dialog.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const dropped = droppedPath(event.dataTransfer);
    if (dropped.path) field.value = dropped.path; else complain(dropped.words);
  });
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  if (words) complain(words);
}

/** What was dragged in, as a path; browsers hide where a file lies unless it comes as text. */
export function droppedPath(transfer) {
  const text = (transfer.getData("text/uri-list") || transfer.getData("text/plain")).split(/\r?\n/).find((line) => line && !line.startsWith("#"));
  if (text) return { path: cleaned(text) };
  const name = transfer.files[0]?.name;
  return { words: name
    ? `The browser does not tell where “${name}” lies. Paste its path, or find it in the folders below.`
    : "That carried no path. Paste one, or find the shot in the folders below." };
}

/** Take quotes and `file://` off a pasted path. */
function cleaned(text) {
  const bare = text.trim().replace(/^(["'])(.*)\1$/, "$2");
  if (!bare.startsWith("file://")) return bare;
  // `file://server/share/x` is a share of another machine.
  const path = bare.slice(7).replace(/^localhost(?=\/)/i, "").replace(/^(?=[^/])(?![A-Za-z]:)/, "//");
  let decoded = path;
  try { decoded = decodeURIComponent(path); } catch { /* a lone % is no code */ }
  return /^\/[A-Za-z]:/.test(decoded) ? decoded.slice(1) : decoded;
}

/** Walk through the configured roots on the service's machine. */
function browser(chosen) {
  const where = el("p", { class: "where" });
  const list = el("ul", { class: "plain entries", "aria-label": "Folders and shots" });
  const entry = (words, kind, run, more) => el("li", {}, el("button", { type: "button", class: `entry to-${kind}`, on: { click: run } },
    el("span", { class: "glyph", "aria-hidden": "true", text: { folder: "▸", up: "↰", shot: "▦" }[kind] }), el("span", { text: words }),
    more ? el("small", { text: more }) : null));

  async function roots() {
    where.textContent = "Folders of this service";
    const found = await tried(getRoots);
    if (found) list.replaceChildren(...found.roots.map((root) => entry(root.path, "folder", () => folder(root, ""), root.online ? null : "offline")));
  }

  async function folder(root, path) {
    const found = await tried(() => browse(root.id, path));
    if (!found) return;
    where.textContent = [root.path, ...path.split("/").filter(Boolean)].join(" / ");
    const parent = path.split("/").slice(0, -1).join("/");
    list.replaceChildren(entry("Back", "up", () => (path ? folder(root, parent) : roots())),
      ...found.folders.map((inner) => entry(inner.name, "folder", () => folder(root, inner.path))),
      ...found.shots.map((shot) => entry(shot.name, "shot", () => chosen(`${root.path.replace(/[\\/]$/, "")}/${shot.plate}`), extent(shot))),
      ...(found.cut ? [el("li", { class: "hint", text: "There is more than is listed." })] : []));
    list.querySelector("button")?.focus();
  }

  async function tried(asked) {
    try {
      return await asked();
    } catch (error) {
      list.replaceChildren(el("li", { class: "hint", text: `Browsing is not possible: ${error.message}` }));
      return null;
    }
  }

  roots();
  return el("section", { class: "browser", "aria-label": "Browse" }, where, list);
}

function extent({ kind, frames, first_frame: first, last_frame: last, missing }) {
  if (kind === "movie") return "movie";
  return `${first}–${last} · ${counted(frames, "frame")}${missing ? ` · ${missing} missing` : ""}`;
}
