// How a session begins: nothing is recorded without one.

import { button, choice, day, field, form, h } from "./dom.js";

/** What stands in the panel while no session is open. */
export function beginSession(app, state) {
  const last = state.sessions.at(-1);
  const submit = async ({ device, person, note, role }) => {
    const body = { device: device.trim(), note: note.trim(), role, utc_offset_s: -60 * new Date().getTimezoneOffset() };
    if (person.trim()) body.person = person.trim();
    if (!body.device) throw new Error("A session needs the name of the receiver, such as \"Pi 4, antenna on the lid\": readings of two receivers differ.");
    await app.change("POST", "/sessions", body, "The session has begun");
  };
  const rest = state.sessions.filter((one) => one.state === "open" && !one.expired);
  return [
    h("h2", {}, "Begin a session"),
    h("p", { class: "muted" }, "One session is one go through the building with one receiver. Nothing is recorded without one."),
    rest.length > 0 && h("div", { class: "stack" }, rest.slice(-3).reverse().map((one) => button(app, `Go on: ${one.device}, ${day(one.started_utc)}`, () => resume(app, one), { kind: "wide" }))),
    form(app, [
      field("Receiver", "device", { value: last?.device ?? "", placeholder: "Raspberry Pi 4", maxlength: 200 }),
      h("details", {}, h("summary", {}, "Person, note, use"),
        field("Person, optional", "person", { maxlength: 200 }, "Can be erased later."),
        field("Note", "note", { maxlength: 1000, placeholder: "Shelves full, doors open" }),
        choice("Used for", "role", [["development", "Training"], ["sealed", "Final test only"]], { value: "development" })),
    ], "Begin the session", submit, { id: "session-form" }),
  ];
}

export async function resume(app, session) {
  await app.change("POST", `/sessions/${encodeURIComponent(session.id)}/resume`, undefined, "The session goes on");
}
