/** Says states, times, sizes and colors in words. */

export const STATES = {
  waiting_input: "Arriving",
  queued: "Queued",
  running: "Keying",
  paused: "Paused",
  root_offline: "Folder offline",
  needs_attention: "Needs attention",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** Which states a filter shows. */
export const FILTERS = {
  all: Object.keys(STATES),
  active: ["waiting_input", "queued", "running", "paused", "root_offline"],
  attention: ["needs_attention", "failed", "root_offline"],
  done: ["done"],
  cancelled: ["cancelled"],
};

/** What may be done with a job in a state: verb of the API → words. */
export const ACTIONS = {
  waiting_input: { pause: "Pause", cancel: "Cancel" },
  queued: { pause: "Pause", cancel: "Cancel" },
  running: { pause: "Pause", cancel: "Cancel" },
  paused: { resume: "Resume", cancel: "Cancel" },
  root_offline: { cancel: "Cancel" },
  needs_attention: { retry: "Retry", accept: "Accept", cancel: "Cancel" },
  done: {},
  failed: { retry: "Retry" },
  cancelled: { retry: "Retry" },
};

/** `1 frame`, `2 frames` */
export const counted = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

/** What is wrong with a job and what to do; of a result that somebody accepted, only what is wrong. */
export function troubleOf({ problem, state }) {
  if (!problem) return "";
  return state === "done" ? `Accepted as it is: ${problem.message}` : [problem.message, problem.fix].filter(Boolean).join(" ");
}

/** `v001` */
export const version = (number) => `v${String(number).padStart(3, "0")}`;

/** Seconds as `42 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How long ago, in words. */
export function ago(moment) {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  return seconds < 10 ? "just now" : seconds < 86400 ? `${duration(seconds).replace(/ \d+ (s|min)$/, "")} ago`
    : new Date(moment).toLocaleDateString();
}

/** Bytes in GiB or MiB. */
export const bytes = (count) => count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;

/** A linear value with enough digits to tell floats apart, and no more. */
export function float(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e-4 || value === 0 ? value.toFixed(5) : value.toExponential(2);
}

/** sRGB decoding and encoding (IEC 61966-2-1). */
export const decode = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
export const encode = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);

/** Linear color → `#rrggbb`. */
export const toHex = (color) => `#${color.map((v) => Math.round(255 * encode(Math.min(1, Math.max(0, v)))).toString(16).padStart(2, "0")).join("")}`;

/** `#rrggbb` → linear color. */
export const fromHex = (hex) => [1, 3, 5].map((at) => Number(decode(parseInt(hex.slice(at, at + 2), 16) / 255).toFixed(5)));
