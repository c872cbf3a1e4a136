// More: sessions, upkeep, the check walk, and what can be downloaded.

import { button, count, fill, h, iconOf } from "./dom.js";
import { drawBeacons, drawFloor, drawPoints } from "./scene.js";

const EXPORTS = [["survey", "Survey file", "everything; what training takes"], ["jsonl", "JSON Lines", "fingerprints, one a line"], ["csv", "CSV", "for a spreadsheet"], ["report", "Report", "one HTML page"]];

export function openMore(app) {
  const draw = (state, floor) => {
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor, { labels: false });
    drawPoints(app.map, state, floor, { text: () => null });
    const waiting = state.recordings.filter((one) => one.status === "incomplete").length;
    fill(app.panel,
      h("ul", { class: "list" },
        entry(app, "sessions", "Sessions", [count(state.sessions.length, "session"), waiting ? `${count(waiting, "recording")} cut off` : null].filter(Boolean).join(", ")),
        entry(app, "upkeep", "Upkeep of beacons", "replace one, or say that it was moved"),
        entry(app, "check", "Check walk", state.bundle ? `by ${state.bundle}` : "after training: with a bundle")),
      h("h3", {}, "Download"),
      h("ul", { class: "list" }, EXPORTS.map(([kind, label, words]) => h("li", {}, h("a", { class: "list-button", href: `/v1/survey/export/${kind}`, download: true, "data-export": kind }, h("strong", {}, label), h("span", {}, words), iconOf("download"))))),
    );
  };
  return { draw };
}

function entry(app, name, label, words) {
  return h("li", {}, h("button", { type: "button", class: "list-button", "data-go": name, onclick: () => app.go(name) }, h("strong", {}, label), h("span", {}, words), iconOf("go")));
}
