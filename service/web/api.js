/** All that this page asks of the service over HTTP; errors come back as sentences. */

let called = "dropkey";
fetch("/health/live").then((reply) => reply.json()).then((said) => { called = said.command ?? called; }, () => {});

/** What a person types to call DropKey, as far as the service told this machine. */
export const command = () => called;

/** An answer that says no: `status`, `kind` and a sentence for people. */
export class Refusal extends Error {
  constructor(status, said = {}) {
    const plain = status === 0 ? "The service does not answer." : status === 401
      ? `You are not signed in. Run “${called} open” on the service's machine: it opens a fresh link.`
      : status === 404 && !said.type?.startsWith("urn:") ? "This service does not offer that yet." : `The service answered ${status}.`;
    const detail = status === 401 ? plain : said.detail && said.type !== "about:blank" ? said.detail : plain;
    // What the service says of a missing token is for programs.
    super([detail, status === 401 ? null : said.fix].filter(Boolean).join(" "));
    this.status = status;
    this.kind = said.type ?? "";
  }
}

async function ask(path, { method = "GET", body, signal, headers = {} } = {}) {
  let reply;
  try {
    reply = await fetch(path, { method, signal, credentials: "same-origin", cache: "no-store",
      headers: { ...headers, ...(method === "GET" ? {} : { "X-DropKey": "1" }), ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0);
  }
  if (reply.ok) return reply;
  const isProblem = reply.headers.get("content-type")?.includes("problem+json");
  throw new Refusal(reply.status, isProblem ? await reply.json().catch(() => ({})) : {});
}

const json = async (path, more) => (await ask(path, more)).json();
const query = (asked) => {
  const given = Object.entries(asked).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
    .filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};
const at = (id) => `/jobs/${encodeURIComponent(id)}`;

/** A page of jobs, newest first; `asked` may hold `state` (one or several), `search`, `client`, `cursor`. */
export const listJobs = (asked = {}) => json(`/jobs${query({ limit: 100, ...asked })}`);
export const getJob = (id) => json(at(id));
export const getFrames = async (id) => (await json(`${at(id)}/frames`)).frames;
export const getQuality = (id) => json(`${at(id)}/quality`);
export const act = (id, verb) => json(`${at(id)}/${verb}`, { method: "POST" });
/** Take jobs off the list, with what they left on disk (`files`) or without: `{removed: [ids], refused: {id: problem}}`. */
export const removeJobs = (jobs, files) => json("/removals", { method: "POST", body: { jobs, files } });
export const getManifest = (id) => json(`${at(id)}/manifest`);
export const zipPath = (id) => `${at(id)}/result.zip`;
export const setPriority = (id, priority) => json(at(id), { method: "PATCH", body: { priority } });
export const submitJob = (request) => json("/jobs", { method: "POST", body: request });
export const getRoots = () => json("/roots");
export const browse = (root, path) => json(`/browse${query({ root, path })}`);
const presetAt = (name) => `/presets/${encodeURIComponent(name)}`;
export const getPresets = () => json("/presets");
export const savePreset = (name, settings) => json(presetAt(name), { method: "PUT", body: settings });
export const removePreset = (name) => json(presetAt(name), { method: "DELETE" });
export const takePresets = (file) => json("/presets", { method: "POST", body: file });
export const getWelcome = () => json("/welcome");
export const putPanel = () => json("/welcome/panel", { method: "POST" });
export const dropSample = () => json("/welcome/sample", { method: "POST" });
export const getWorkers = () => json("/workers");
export const drainWorker = (name, drained) =>
  json(`/workers/${encodeURIComponent(name)}/${drained ? "drain" : "take-back"}`, { method: "POST" });

/** Readiness with its checks; not being ready is an answer here, not an error. */
export async function getReadiness() {
  const reply = await fetch("/health/ready", { cache: "no-store" }).catch(() => { throw new Refusal(0); });
  return reply.json();
}

/** Where the pictures and pixels of a frame on disk are. */
export const frameAt = (id, frame) => `${at(id)}/frames/${frame}`;

/** Address of a pass as PNG; exposure in stops and gamma are applied to the floats by the service. */
export const picturePath = (place, pass, view = {}) => `${place}/${pass}.png${query(view)}`;

/** Why a picture that an `img` did not get is not to be had: a Refusal, or null where it is there now. */
export const refusalOf = (path) => ask(path).then(() => null, (error) => error);

/** A picture's pixels as they are in the file; `null` where the service has no such picture (yet). */
export async function picture(path, signal) {
  const reply = await ask(path, { signal });
  return pixels(await reply.blob());
}

/** Decode without any color management or multiplication by alpha. */
export const pixels = (blob) => createImageBitmap(blob, { premultiplyAlpha: "none", colorSpaceConversion: "none" });

/** The linear values of a pixel, `{values: {R, G, B, A}}`, unclamped. */
export const readPixel = (place, { name, over }, x, y, signal) => json(`${place}/${name}/pixel${query({ x, y, over })}`, { signal });

const MOST_ASKED = 10;

/** Key one frame with other settings and strokes; the job's result stays as it is. Answers once it is done, with where its pictures and pixels are. */
export async function preview(id, frame, { settings, corrections }, signal) {
  let made = await json("/preview", { method: "POST", signal, body: { job_id: id, frame, settings, corrections, floats: true } });
  for (let asked = 0; made.state === "working" && asked < MOST_ASKED; asked++) {
    made = await json(`/preview/${made.id}${query({ wait_seconds: 30 })}`, { signal });
  }
  if (made.state === "working") throw new Refusal(503, { type: "urn:late", detail: "The preview takes too long." });
  return `/preview/${made.id}`;
}
