// Questions and lists that lie over the screen for a moment.

import { fill, h, once } from "./dom.js";

/** Show a sheet; returns a function that closes it. */
export function sheet(app, title, content) {
  const { dialog } = app;
  const close = () => dialog.close();
  const head = h("div", { class: "sheet-head" }, h("h2", { id: "sheet-title" }, title), h("button", { type: "button", class: "button quiet", onclick: close }, "Close"));
  fill(dialog, head, h("div", { class: "sheet-body" }, content));
  dialog.setAttribute("aria-labelledby", "sheet-title");
  dialog.onclick = (event) => {
    if (event.target === dialog) close(); // beside the sheet
  };
  if (!dialog.open) dialog.showModal();
  return close;
}

/** Ask before something is lost; resolves to true or false. */
export function askYes(app, title, words, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const reply = (value) => {
      answer = value;
      app.dialog.close();
    };
    const no = h("button", { type: "button", class: "button", onclick: () => reply(false) }, h("span", {}, "No, keep it"));
    const sure = h("button", { type: "button", class: "button danger", id: "yes", onclick: () => reply(true) }, h("span", {}, yes));
    sheet(app, title, [h("p", {}, words), h("div", { class: "row equal" }, no, sure)]);
    app.dialog.addEventListener("close", () => resolve(answer), { once: true });
  });
}

/** Let somebody choose one of many, or type another; `take` gets the value and may refuse it. */
export function pick(app, title, options, { typed = null, empty, take }) {
  const chosen = async (element, value) => {
    await once(app, element, async () => {
      await take(value);
      app.dialog.close();
    });
  };
  const rows = options.map(({ value, text, more }) =>
    h("li", {}, h("button", { type: "button", class: "list-button", "data-value": value, onclick: (event) => chosen(event.currentTarget, value) }, h("strong", {}, text), h("span", {}, more))),
  );
  const other = typed && typedRow(app, typed, chosen);
  sheet(app, title, [rows.length ? h("ul", { class: "list" }, rows) : h("p", { class: "muted" }, empty), other]);
}

function typedRow(app, label, chosen) {
  const input = h("input", { name: "typed", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const send = h("button", { type: "submit", class: "button" }, h("span", {}, "Take this id"));
  const element = h("form", { class: "form", novalidate: true }, h("label", { class: "field" }, h("span", { class: "field-name" }, label), input), send);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    chosen(send, input.value.trim());
  });
  return element;
}
