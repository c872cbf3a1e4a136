// Pieces that several screens share.

import { button, count, dbm, h, s, shortName } from "./dom.js";

const BARS = 5; // beacons shown while recording: one look, while walking
const LOUD_DBM = -45; // a full bar
const FAINT_DBM = -100; // an empty one
const RING = 2 * Math.PI * 52; // its length in the drawing's units

/** A screen's title with a way back. */
export function subHead(app, title, back) {
  return h("div", { class: "panel-head" }, button(app, "", () => app.go(back), { kind: "quiet square", icon: "back", name: "Back" }), h("h2", {}, title));
}

/** The button that takes back the last change of the site, if there is one. */
export function undoButton(app, state) {
  if (!state.undo) return null;
  const undo = async () => {
    const { what } = app.state.undo;
    await app.change("POST", "/undo", undefined, `Taken back: ${what}`);
  };
  return button(app, `Undo: ${state.undo.what}`, undo, { kind: "quiet wide", icon: "undo", id: "undo" });
}

/** The way between the three kinds of recording. */
export function kindTabs(app, current) {
  const kinds = [["record", "At points"], ["walk", "Walk"], ["unlabelled", "Unlabelled"]];
  const links = kinds.map(([name, label]) => {
    const link = h("button", { type: "button", class: "segment", "aria-pressed": String(name === current), "data-kind": name }, label);
    link.addEventListener("click", () => app.go(name));
    return link;
  });
  return h("div", { class: "segments", role: "group", "aria-label": "What to record" }, links);
}

/** A ring that fills until `goal_s`; `set` shows the time and what is heard. */
export function ring(goal_s) {
  const full = s("circle", { class: "ring-full", cx: 60, cy: 60, r: 52, "stroke-dasharray": `0 ${RING}`, transform: "rotate(-90 60 60)" });
  const time = s("text", { class: "ring-time", x: 60, y: 64, "text-anchor": "middle" }, "0");
  const unit = s("text", { class: "ring-unit", x: 60, y: 84, "text-anchor": "middle" }, "seconds");
  const element = s("svg", { class: "ring", viewBox: "0 0 120 120", role: "img" }, s("circle", { class: "ring-rest", cx: 60, cy: 60, r: 52 }), full, time, unit);
  const set = ({ elapsed_s }, ready) => {
    const share = goal_s === null ? 1 : Math.min(1, elapsed_s / goal_s);
    full.setAttribute("stroke-dasharray", `${share * RING} ${RING}`);
    time.textContent = elapsed_s < 600 ? String(Math.floor(elapsed_s)) : `${Math.floor(elapsed_s / 60)}`;
    unit.textContent = elapsed_s < 600 ? "seconds" : "minutes";
    element.classList.toggle("ready", ready);
    element.setAttribute("aria-label", `${Math.floor(elapsed_s)} seconds recorded`);
  };
  return { element, set };
}

/** What is heard now, as bars, loudest first. */
export function heardBars(heard, most = BARS) {
  const rows = heard.slice(0, most).map((one) => {
    const share = Math.min(1, Math.max(0.02, (one.median_dbm - FAINT_DBM) / (LOUD_DBM - FAINT_DBM)));
    const bar = h("span", { class: "bar" });
    bar.style.width = `${100 * share}%`;
    return h("li", {}, h("span", { class: "name" }, shortName(one.beacon)), h("span", { class: "track" }, bar), h("span", { class: "level" }, dbm(one.median_dbm)));
  });
  const more = heard.length > most ? h("li", { class: "muted" }, `and ${count(heard.length - most, "more", "more")}`) : null;
  return h("ul", { class: "heard" }, rows, more);
}

/** Whether somebody may leave: the findings with what to do. */
export function findings(quality) {
  if (!quality) return h("p", { class: "verdict wait" }, "Listening…");
  if (quality.ok) return h("p", { class: "verdict good" }, "Good: you can finish and go on.");
  return findingsList(quality.findings);
}

/** What was found, each with what to do. */
export function findingsList(found) {
  return h("ul", { class: "findings" }, found.map((one) => h("li", {}, h("strong", {}, sentence(one.words)), h("span", {}, sentence(one.advice)))));
}

export function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Finish and discard, in reach of the thumb. */
export function endButtons(app, { finished, discarded }) {
  const finish = button(app, "Finish", finished, { kind: "primary huge", icon: "check", id: "finish" });
  const discard = button(app, "Discard", discarded, { kind: "danger-quiet", icon: "trash", id: "discard" });
  return { element: h("div", { class: "row ends" }, discard, finish), finish };
}

/** The session that records; null after showing how to begin one. */
export function openSession(state) {
  return state.session === null ? null : (state.sessions.find((one) => one.id === state.session) ?? null);
}

/** What a recording is called on the screen. */
export function recordingName(state, recording, nameOf) {
  if (recording.kind === "walk") return "Walk";
  if (recording.kind === "unlabelled") return "Unlabelled";
  const point = state.points.find((one) => one.id === recording.point);
  return `Point ${point ? nameOf(point) : recording.point}`;
}
