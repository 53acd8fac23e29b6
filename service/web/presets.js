/** Presets: choices about a key under a name, the same ones as in the panel; used, saved, removed, carried as one file. */

import { getPresets, removePreset, savePreset, takePresets } from "./api.js";
import { attempt, el, notice } from "./dom.js";

/**
 * @param {{use: (settings: object) => void, said: () => object}} does
 *   `use` takes up what a preset says, `said` tells what one made of the controls would say.
 */
export function presets({ use, said }) {
  let list = [];
  const select = el("select", { id: "preset", on: { change: () => { offer(); const found = chosen(); if (found) use(found.settings); } } });
  const name = el("input", { type: "text", id: "preset-name", maxlength: 80, placeholder: "Name", "aria-label": "Name of the preset", autocomplete: "off" });
  const save = el("button", { type: "submit", text: "Save" });
  const remove = el("button", { type: "button", text: "Remove", disabled: true, on: { click: () => attempt(removeChosen) } });
  const file = el("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "File of presets", on: { change: () => attempt(take) } });
  const node = el("div", { class: "presets" },
    el("div", { class: "setting row" }, el("label", { for: "preset", text: "Preset" }), select),
    el("form", { class: "row", on: { submit: (event) => { event.preventDefault(); attempt(saveNamed); } } }, name, save, remove),
    el("div", { class: "buttons" }, el("button", { type: "button", text: "Export", on: { click: exportAll } }),
      el("button", { type: "button", text: "Import", on: { click: () => file.click() } }), file));

  const chosen = () => list.find((preset) => preset.name === select.value);
  const offer = () => { remove.disabled = !chosen() || chosen().comes_with_dropkey; };

  function show(told, wanted = "") {
    list = told.presets;
    select.replaceChildren(el("option", { value: "", text: "None" }), ...list.map((preset) => el("option", { value: preset.name, text: preset.name })));
    select.value = list.some((preset) => preset.name === wanted) ? wanted : "";
    offer();
  }

  async function saveNamed() {
    const wanted = name.value.trim();
    if (!wanted) { name.focus(); return; }
    show(await savePreset(wanted, said()), wanted);
    name.value = "";
    notice(`The preset “${wanted}” is kept; the panel has it after its next Refresh.`, { kind: "good", seconds: 6 });
  }

  async function removeChosen() {
    show(await removePreset(chosen().name));
  }

  /** All but those that every DropKey has. */
  function exportAll() {
    const own = list.filter((preset) => !preset.comes_with_dropkey).map(({ name: called, settings }) => ({ name: called, settings }));
    const content = new Blob([`${JSON.stringify({ schema_version: 1, presets: own }, null, 1)}\n`], { type: "application/json" });
    const link = el("a", { href: URL.createObjectURL(content), download: "dropkey-presets.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function take() {
    const text = await file.files[0].text();
    file.value = "";
    let content;
    try {
      content = JSON.parse(text);
    } catch {
      throw new Error("That file holds no presets: it is not JSON.");
    }
    show(await takePresets(content), select.value);
  }

  return {
    node,
    begin: async () => { const told = await getPresets().catch(() => null); if (told) show(told, select.value); },
    none: () => { select.value = ""; offer(); },
  };
}
