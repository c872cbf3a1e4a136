// Sessions: begun, gone on with, ended, described, expired, deleted.

import { sheet } from "./dialogs.js";
import { button, count, day, field, fill, form, h } from "./dom.js";
import { subHead } from "./parts.js";
import { cutOff } from "./recordings.js";
import { drawFloor, drawPoints } from "./scene.js";
import { beginSession, resume } from "./sessions_form.js";

export function openSessions(app) {
  const draw = (state, floor) => {
    drawFloor(app.map, state, floor);
    drawPoints(app.map, state, floor, { text: () => null });
    const newest = [...state.sessions].reverse();
    fill(app.panel, subHead(app, "Sessions", "more"), cutOff(app, state, { most: Infinity }), newest.map((session) => card(app, state, session)), state.session === null && beginSession(app, state));
  };
  return { draw };
}

function card(app, state, session) {
  const path = `/sessions/${encodeURIComponent(session.id)}`;
  const current = session.id === state.session;
  const recordings = state.recordings.filter((one) => one.session === session.id && one.status !== "discarded").length;
  const words = [session.person, session.note, session.role === "sealed" ? "final test only" : null].filter(Boolean).join(" · ");
  const end = () => app.change("POST", `${path}/end`, undefined, "The session has ended");
  return h("div", { class: current ? "card current" : "card", "data-session": session.id },
    h("p", {}, h("strong", {}, session.device), current && h("span", { class: "badge" }, "now"), session.expired && h("span", { class: "badge warn" }, "expired"), h("br"), day(session.started_utc)),
    words && h("p", {}, words),
    h("p", { class: "muted" }, `${count(recordings, "recording")}, ${count(session.fingerprints, "fingerprint")}${session.expires_on ? `; nobody reads it from ${session.expires_on} on` : ""}`),
    h("div", { class: "row wrap" },
      current && button(app, "End", end, { icon: "stop" }),
      !current && state.session === null && !session.expired && button(app, "Go on", () => resume(app, session), { kind: "primary" }),
      button(app, "Describe", () => describe(app, session), { icon: "pen" }),
      button(app, "Delete", () => remove(app, path, session), { kind: "danger-quiet", icon: "trash" })),
  );
}

function describe(app, session) {
  const submit = async ({ device, person, note, expires_on }) => {
    const body = { device: device.trim() || session.device, person: person.trim() || null, note: note.trim(), expires_on: expires_on || null };
    await app.change("PATCH", `/sessions/${encodeURIComponent(session.id)}`, body, "Saved");
    app.dialog.close();
  };
  sheet(app, "Session", form(app, [
    field("Receiver", "device", { value: session.device, maxlength: 200 }),
    field("Person, optional", "person", { value: session.person ?? "", maxlength: 200 }, "Leave empty to erase the name."),
    field("Note", "note", { value: session.note, maxlength: 1000 }),
    field("Nobody reads it from", "expires_on", { type: "date", value: session.expires_on ?? "" }, "Empty: never. Its data leaves the next training set on that day."),
  ], "Save", submit, { id: "describe-form" }));
}

async function remove(app, path, session) {
  const words = `${count(session.fingerprints, "fingerprint")} of ${day(session.started_utc)} leave the survey file and the next training set. This cannot be undone.`;
  if (!(await app.ask("Delete the session?", words, "Delete for ever"))) return;
  await app.change("DELETE", path, undefined, "The session is deleted");
}
