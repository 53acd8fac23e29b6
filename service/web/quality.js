/** What the figures of a frame are called, how they read, and which frames stand out. */

import { float as precise } from "./words.js";

const float = (v) => (v === 0 ? "0" : precise(v));

const percent = (v) => `${(100 * v).toFixed(v < 0.1 ? 2 : 1)} %`;

/** In the order of interest; docs/quality.md defines them. `stands`: more is worse, so its curve starts at 0. */
export const FIGURES = [
  { name: "edge_spill", words: "Spill at edges", tell: float, stands: true },
  { name: "flicker", words: "Flicker", tell: float, stands: true },
  { name: "pops", words: "Pops", tell: percent, stands: true },
  { name: "screen_noise", words: "Noise in the screen", tell: float, stands: true },
  { name: "core_noise", words: "Noise in the core", tell: float, stands: true },
  { name: "soft_share", words: "Soft pixels", tell: percent, stands: true },
  { name: "doubtful", words: "Doubtful pixels", tell: percent, stands: true },
  { name: "nan_repaired", words: "NaN repaired", tell: (v) => String(v), stands: true },
  { name: "screen_share", words: "Screen", tell: percent },
  { name: "core_share", words: "Core", tell: percent },
];
const NAMED = new Map(FIGURES.map((figure) => [figure.name, figure]));

/** Frame → its figures; `report` is the service's, null where it has none. */
export function measuredOf(frames, report) {
  const found = new Map(frames.filter(({ notes }) => notes).map(({ frame, notes }) => [frame, notes]));
  for (const figures of report?.frames ?? []) found.set(figures.frame, { ...found.get(figures.frame), ...figures });
  return found;
}

const ratio = (value, usual) => {
  const times = usual > 0 ? value / usual : Infinity;
  if (!Number.isFinite(times) || times >= 10) return "many times the usual";
  return times >= 1.75 ? `${["two", "three", "four", "five", "six", "seven", "eight", "nine"][Math.round(times) - 2] ?? "many"} times the usual` : "above the usual";
};

/** One grade of the whole shot in words: what stands out most, how far, and from which frame to which. */
export function graded(frames, report) {
  const failed = frames.filter(({ state }) => state === "failed").length;
  const worst = report?.shot.worst ?? [];
  const parts = failed ? [`${failed} of ${frames.length} frames failed`] : [];
  for (const figure of [...new Set(worst.map((one) => one.figure))].slice(0, 2)) {
    const all = worst.filter((one) => one.figure === figure).sort((a, b) => a.frame - b.frame);
    const top = all.reduce((a, b) => (b.value > a.value ? b : a));
    let [first, last] = [top.frame, top.frame];
    while (all.some(({ frame }) => frame === first - 1)) first--;
    while (all.some(({ frame }) => frame === last + 1)) last++;
    const named = NAMED.get(figure)?.words ?? figure;
    const words = named.startsWith("NaN") ? named : named.toLowerCase();
    parts.push(`${words} ${ratio(top.value, top.usual)} ${first === last ? `at ${first}` : `from ${first} to ${last}`}`);
  }
  if (!parts.length) return report?.shot.measured ? "Even from the first frame to the last: nothing stands out." : "";
  const said = parts.join("; ");
  return `${said[0].toUpperCase()}${said.slice(1)}.`;
}

/** Frames to look at first: failed ones, those that stand out from the shot, those with a warning; `[{frame, words}]`. */
export function standouts(frames, report) {
  const found = new Map();
  const add = (frame, words) => found.set(frame, found.has(frame) ? `${found.get(frame)} · ${words}` : words);
  for (const { frame, state, problem } of frames) if (state === "failed") add(frame, problem?.message ?? "Failed");
  for (const { frame, figure, value, usual } of report?.shot.worst ?? []) {
    const { words, tell } = NAMED.get(figure) ?? { words: figure, tell: float };
    add(frame, `${words} ${tell(value)}, usually ${tell(usual)}`);
  }
  for (const { frame, notes } of frames) for (const words of notes?.warnings ?? []) add(frame, words);
  return [...found].map(([frame, words]) => ({ frame, words }));
}
