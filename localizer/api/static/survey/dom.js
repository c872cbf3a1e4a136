// Elements, words and numbers: what every screen draws with.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element; `on…` attributes are listeners, null and false leave one out. */
export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** Make an SVG element in the same way. */
export function s(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put children into an element in place of those it has. */
export function fill(element, ...children) {
  delete element.dataset.key;
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Fill an element only when `key` has changed since the last time, so that focus and typing stay. */
export function fillOnce(element, key, build) {
  const text = JSON.stringify(key);
  if (element.dataset.key === text) return;
  fill(element, build());
  element.dataset.key = text;
}

/** A button; the action runs once at a time and what goes wrong is said by `app.report`. */
export function button(app, label, action, { kind = "", icon = null, name = null, id = null } = {}) {
  const element = h("button", { type: "button", class: `button ${kind}`, "aria-label": name, id }, icon && iconOf(icon), h("span", {}, label));
  element.addEventListener("click", () => once(app, element, action));
  return element;
}

/** Run an action of an element, which is busy meanwhile. */
export async function once(app, element, action) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    await action();
  } catch (error) {
    app.report(error);
  } finally {
    element.removeAttribute("aria-busy");
  }
}

/** A form whose fields are labelled; `submit` gets its values as an object. */
export function form(app, fields, label, submit, { kind = "primary", id = null, under = null } = {}) {
  const send = h("button", { type: "submit", class: `button ${kind}` }, h("span", {}, label));
  const element = h("form", { class: "form", novalidate: true, id }, ...fields, under, send);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    once(app, send, () => submit(Object.fromEntries(new FormData(element)), element));
  });
  return element;
}

/** One labelled input of a form. */
export function field(label, name, attributes = {}, hint = null) {
  const input = h("input", { name, autocomplete: "off", ...attributes });
  return h("label", { class: "field" }, h("span", { class: "field-name" }, label), input, hint && h("span", { class: "hint" }, hint));
}

/** One labelled choice; options are [value, text]. */
export function choice(label, name, options, attributes = {}) {
  const { value, ...rest } = attributes;
  const select = h("select", { name, ...rest }, options.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));
  return h("label", { class: "field" }, h("span", { class: "field-name" }, label), select);
}

/** A labelled button that takes a file from the phone. */
export function fileButton(app, label, accept, take, { icon = "upload", kind = "", id = null } = {}) {
  const input = h("input", { type: "file", accept, class: "visually-hidden", id });
  const element = h("label", { class: `button ${kind}` }, iconOf(icon), h("span", {}, label), input);
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) await once(app, element, () => take(file));
    input.value = "";
  });
  return element;
}

const ICONS = {
  site: "M4 21V9l8-6 8 6v12h-6v-7h-4v7z",
  points: "M6 6h.01M12 6h.01M18 6h.01M6 12h.01M12 12h.01M18 12h.01M6 18h.01M12 18h.01M18 18h.01",
  record: "M12 12m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M5 5a9.9 9.9 0 0 0 0 14M19 5a9.9 9.9 0 0 1 0 14",
  coverage: "M3 6l6-2 6 2 6-2v14l-6 2-6-2-6 2zM9 4v14M15 6v14",
  more: "M5 7h14M5 12h14M5 17h14",
  undo: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  upload: "M12 16V4M7 9l5-5 5 5M4 20h16",
  download: "M12 4v12M7 11l5 5 5-5M4 20h16",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  back: "M15 5l-7 7 7 7",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  check: "M5 13l4 4L19 7",
  stop: "M7 7h10v10H7z",
  walk: "M5 19a2 2 0 1 0 .01 0M19 5a2 2 0 1 0 .01 0M7 18c8-1 1-10 10-12",
  pen: "M4 20l4-1L20 7l-3-3L5 16z",
  ruler: "M3 8h18v8H3zM7 8v4M11 8v4M15 8v4M19 8v4",
  beacon: "M12 12m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M8 8a6 6 0 0 0 0 8M16 8a6 6 0 0 1 0 8M12 14v7",
  area: "M4 5l15-1 1 14-9 2-7-4z",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  go: "M9 5l7 7-7 7",
  target: "M12 12m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M12 2v6M12 16v6M2 12h6M16 12h6",
};

/** An icon that means nothing to a screen reader. */
export function iconOf(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, s("path", { d: ICONS[name] }));
}

export function metres(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} m`;
}

export function dbm(value) {
  return `${Math.round(value)} dBm`.replace("-", "−");
}

export function seconds(value) {
  return value < 60 ? `${Math.floor(value)} s` : `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function day(utc) {
  return utc ? new Date(utc).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : "no date";
}

/** What tells beacons apart for people: the end of the id. */
export function shortName(id) {
  const parts = id.split(":");
  if (parts[0] === "ibeacon") return parts.slice(2).join(":");
  const last = parts[parts.length - 1];
  return last.length > 12 ? `…${last.slice(-8)}` : last;
}

/** What tells points apart: a name, or the number without its floor. */
export function pointName(point) {
  if (point.name) return point.name;
  const number = point.id.startsWith(`${point.floor}-`) ? point.id.slice(point.floor.length + 1) : point.id;
  return number.replace(/^0+(?=\d)/, "");
}

/** A short buzz, where the phone has one and somebody has touched the page. */
export function buzz(pattern = 30) {
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern);
}
