/** Builds elements; every text goes in as text, so that a shot's name can never become markup. */

/**
 * Return a new element.
 * @param {string} tag
 * @param {Object} [made] `class`, `text`, `on` (event → listener), `data`; anything else is an attribute. null and false leave it out.
 * @param {...(Node|string|null)} children
 */
export function el(tag, made = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(made)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set text only where it differs: a live region must not speak the same words again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show a sentence at the top until it is dismissed or `seconds` have passed. */
export function notice(text, { kind = "problem", seconds = 12 } = {}) {
  const place = document.getElementById("notices");
  const close = () => box.remove();
  const box = el("div", { class: `notice ${kind}` }, el("p", { text }),
    el("button", { type: "button", "aria-label": "Dismiss", text: "×", on: { click: close } }));
  for (const other of place.children) if (other.firstChild.textContent === text) other.remove();
  place.append(box);
  setTimeout(close, seconds * 1000);
}

/** Run what a person asked for; what fails is told as a sentence. */
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    notice(error.message);
    return undefined;
  }
}

/**
 * A row of buttons of which exactly one is pressed.
 * @param {string} label for people who cannot see it
 * @param {Array<[string, string, string?]>} choices value, words, key
 * @param {(value: string) => void} chosen
 */
export function choice(label, choices, chosen) {
  const buttons = choices.map(([value, words, key]) =>
    el("button", { type: "button", data: { value }, "aria-pressed": "false", "aria-keyshortcuts": key ?? null,
      title: key ? `${words} (${key.toUpperCase()})` : null, on: { click: () => chosen(value) } }, words));
  const node = el("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
  const show = (value) => buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.value === value)));
  return { node, show, buttons };
}
