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
