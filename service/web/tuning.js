/** Settings of the key to try on the frame at hand, and to key the shot with again. */

import { el } from "./dom.js";
import { presets } from "./presets.js";
import { fromHex, toHex } from "./words.js";

const SLIDERS = [
  ["despill", "Despill", 0, 1, 0.05],
  ["restore_luminance", "Restore luminance", 0, 1, 0.05],
  ["alpha_floor", "Alpha floor", 0, 0.49, 0.01],
  ["alpha_ceiling", "Alpha ceiling", 0.51, 1, 0.01],
  ["choke", "Choke (below 0: spread)", -5, 5, 0.05],
  ["soften", "Soften edges", 0, 20, 0.1],
  ["edge_extend", "Extend edges", 0, 50, 1],
  ["grain_match", "Match grain", 0, 1, 0.05],
];
const COLORS = [
  ["despill_bias", "Keep a hue (bias)", [0.5, 0.32, 0.25]],
  ["spill_replacement", "Replace spill", [0.2, 0.2, 0.2]],
];
const CHECKS = [
  // name, words, value when checked, value when not, default
  ["despill_where", "Take spill off edges only", "edges", "all", "all"],
  ["temporal", "Steady over time", "auto", "off", "auto"],
];
const SPACES = ["linear", "ACEScg", "ACES2065-1", "Linear Rec.2020", "Linear P3-D65"];
const LAYERS = ["alpha", "clean_plate", "screen_removed", "spill", "doubt"];
const MOVIES = [["none", "None"], ["prores4444", "ProRes 4444"], ["h264", "H.264"]];
const REST_MS = 160; // a slider that is being dragged asks once it rests this long

/** A value that is between the slider's steps keeps its digits. */
const told = (value) => (Number(value.toFixed(2)) === value ? value.toFixed(2) : String(Number(value.toPrecision(3))));

/**
 * @param {{tried: () => void}} does `tried`: the settings are others now.
 */
export function tuning({ tried }) {
  let original = {};
  let more = {}; // what a preset says of settings that have no control here
  let found = [0, 0.5, 0];
  let picked = false; // whether the artist has chosen a screen color
  let timer = null;
  const controls = SLIDERS.map(([name, words, min, max, step]) => {
    const output = el("output", { for: `set-${name}` });
    const input = el("input", { type: "range", id: `set-${name}`, name, min, max, step, on: { input: () => { show(); changed(); } } });
    let kept; // what the job has
    let place; // where the slider put that
    const value = () => (input.value === place ? kept : Number(input.value));
    const show = () => { output.textContent = told(value() ?? 0); };
    const fill = (given) => {
      kept = given;
      input.value = given ?? 0;
      place = input.value;
      show();
    };
    return { name, value, fill, node: el("div", { class: "setting" }, el("label", { for: `set-${name}`, text: words }), output, input) };
  });
  controls.push(...COLORS.map(colorOf), ...CHECKS.map(checkOf), delivery());
  const refine = el("input", { type: "checkbox", id: "set-refine", on: { change: () => changed() } });
  const auto = el("input", { type: "checkbox", id: "set-auto", on: { change: () => { color.disabled = auto.checked; changed(); } } });
  const color = el("input", { type: "color", id: "set-color", on: { input: () => { picked = true; changed(); } } });
  const kept = presets({ use, said });
  const node = el("section", { class: "tuning", "aria-labelledby": "tuning-title" }, el("h2", { id: "tuning-title", text: "Try settings" }), kept.node,
    ...controls.map((control) => control.node),
    el("label", { class: "check", for: "set-refine" }, refine, " Refine edges"),
    el("label", { class: "check", for: "set-auto" }, auto, " Find the screen color"),
    el("div", { class: "setting row" }, el("label", { for: "set-color", text: "Screen color" }), color));

  /** A color that may be left out. */
  function colorOf([name, words, first]) {
    const input = el("input", { type: "color", id: `set-${name}`, "aria-label": `Color: ${words}`, on: { input: () => changed() } });
    const on = el("input", { type: "checkbox", id: `set-${name}-on`, on: { change: () => { input.disabled = !on.checked; changed(); } } });
    let kept; // what the job has
    const value = () => (!on.checked ? "none" : Array.isArray(kept) && input.value === toHex(kept) ? kept : fromHex(input.value));
    const fill = (given) => {
      kept = given;
      on.checked = Array.isArray(given);
      input.value = toHex(on.checked ? given : first);
      input.disabled = !on.checked;
    };
    const node = el("div", { class: "setting row" }, el("label", { class: "check", for: `set-${name}-on` }, on, ` ${words}`), input);
    return { name, value, fill, node };
  }

  /** What the next version is written as; nothing of it shows on trial. */
  function delivery() {
    let kept = {};
    const space = el("select", { id: "set-space", on: { change: () => changed() } });
    const movie = el("select", { id: "set-movie", on: { change: () => changed() } }, ...MOVIES.map(([value, text]) => el("option", { value, text })));
    const half = el("input", { type: "checkbox", id: "set-half", on: { change: () => changed() } });
    const layers = el("input", { type: "checkbox", id: "set-layers", on: { change: () => changed() } });
    const value = () => ({ ...kept, color_space: space.value, movie: movie.value, depth: half.checked ? "half" : "float", layers: layers.checked ? (kept.layers?.length ? kept.layers : LAYERS) : [] });
    const fill = (given) => {
      kept = given ?? {};
      const chosen = kept.color_space ?? SPACES[0];
      space.replaceChildren(...(SPACES.includes(chosen) ? SPACES : [...SPACES, chosen]).map((name) => el("option", { value: name, text: name })));
      space.value = chosen;
      movie.value = kept.movie ?? "none";
      half.checked = kept.depth === "half";
      layers.checked = Boolean(kept.layers?.length);
    };
    const node = el("div", {},
      el("div", { class: "setting row" }, el("label", { for: "set-space", text: "Working space" }), space),
      el("div", { class: "setting row" }, el("label", { for: "set-movie", text: "Movie" }), movie),
      el("label", { class: "check", for: "set-half" }, half, " Half floats"),
      el("label", { class: "check", for: "set-layers" }, layers, " All layers in one EXR"));
    return { name: "delivery", value, fill, node };
  }

  /** A setting of two values. */
  function checkOf([name, words, on, off, usual]) {
    const input = el("input", { type: "checkbox", id: `set-${name}`, on: { change: () => changed() } });
    const node = el("label", { class: "check", for: `set-${name}` }, input, ` ${words}`);
    return { name, value: () => (input.checked ? on : off), fill: (given) => { input.checked = (given ?? usual) === on; }, node };
  }

  function fill() {
    for (const control of controls) control.fill(original[control.name]);
    picked = false;
    more = {};
    refine.checked = original.refine_edges ?? true;
    auto.checked = (original.screen_color ?? "auto") === "auto";
    color.value = toHex(auto.checked ? found : original.screen_color);
    color.disabled = auto.checked;
  }

  /** A color that has more digits than its control shows, where it is the one that is shown. */
  const exactly = (known) => (Array.isArray(known) && color.value === toHex(known) ? known : undefined);

  function settings() {
    const chosen = Object.fromEntries(controls.map(({ name, value }) => [name, value()]));
    const screen = auto.checked ? "auto" : exactly(more.screen_color) ?? exactly(original.screen_color) ?? fromHex(color.value);
    const keyed = Object.entries({ ...original.over_time, ...more.over_time }).filter(([name]) => chosen[name] === undefined || JSON.stringify(chosen[name]) === JSON.stringify(more[name] ?? original[name]));
    return { ...original, ...more, ...chosen, over_time: Object.fromEntries(keyed), refine_edges: refine.checked, screen_color: screen };
  }

  /** Take up what a preset says; the rest goes back to what the job has. */
  function use(settings) {
    fill();
    more = Object.fromEntries(Object.entries(settings).filter(([name]) => !["refine_edges", "screen_color", ...controls.map((control) => control.name)].includes(name)));
    for (const control of controls) if (control.name in settings) control.fill(settings[control.name]);
    refine.checked = settings.refine_edges ?? refine.checked;
    if (settings.screen_color !== undefined) {
      auto.checked = settings.screen_color === "auto";
      picked = !auto.checked;
      if (picked) {
        color.value = toHex(settings.screen_color);
        more.screen_color = settings.screen_color;
      }
      color.disabled = auto.checked;
    }
    changed();
  }

  /** What a preset of these controls says: not which screen is found, but one that was picked. */
  function said() {
    const { refine_edges, screen_color, ...now } = settings();
    const chosen = Object.fromEntries(controls.map(({ name }) => [name, now[name]]));
    return { ...more, ...chosen, refine_edges, ...(auto.checked ? {} : { screen_color }) };
  }

  const differs = () => Object.entries(settings()).some(([name, value]) => JSON.stringify(value) !== JSON.stringify(original[name]));

  function changed() {
    clearTimeout(timer);
    timer = setTimeout(tried, REST_MS);
  }

  return {
    node,
    settings,
    differs,
    reset() { clearTimeout(timer); fill(); kept.none(); },
    /** Start from a job's settings and the screen that its survey found. */
    begin(job) {
      original = job.request?.settings ?? {};
      found = job.screen?.color ?? found;
      fill();
      kept.begin();
    },
    /** The survey has found a screen since. */
    learn(job) {
      found = job.screen?.color ?? found;
      // Who looks for the color by hand and has chosen none yet should begin with the one that was found.
      if (!picked && (original.screen_color ?? "auto") === "auto") color.value = toHex(found);
    },
    close: () => clearTimeout(timer),
  };
}
