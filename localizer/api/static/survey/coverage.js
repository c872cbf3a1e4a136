// Coverage: what is done, how well visits agree, and what is heard where.

import { button, count, fill, h, pointName, s, shortName } from "./dom.js";
import { drawBeacons, drawFloor, drawPoints, pointShape, POINT_STATES } from "./scene.js";

const CELL_M = 3;
const ENOUGH_BEACONS = 4; // in a cell: with fewer, several places sound alike
const FULL_BEACONS = 10; // the darkest shade
const VIEWS = [["points", "Points"], ["scans", "Scans"], ["cells", "Beacons"]];

export function openCoverage(app) {
  let view = "points";
  let chosen = null;
  let coverage = null;
  const draw = (state, floor) => {
    paint(state, floor);
    app.store.coverage(floor.id, CELL_M).then((read) => {
      if (app.floor !== floor || app.name !== "coverage" || read === coverage) return;
      coverage = read;
      paint(state, floor);
    }, (error) => app.report(error));
  };
  const paint = (state, floor) => {
    app.map.layers.cells.clear();
    drawFloor(app.map, state, floor);
    if (view === "cells") app.map.layers.beacons.clear();
    else drawBeacons(app.map, state, floor, { labels: false });
    if (view === "cells") app.map.layers.points.clear();
    if (view === "cells" && coverage) drawCells(app.map, coverage.cells);
    if (view !== "cells") drawPoints(app.map, state, floor, { coverage, chosen, text: view === "scans" ? (_, one) => `${one?.scans ?? 0}` : null });
    fill(app.panel, segments(), coverage ? [numbers(coverage), legend(view, coverage), point(state)] : h("p", { class: "muted" }, "Counting…"));
  };
  const segments = () =>
    h("div", { class: "segments", role: "group", "aria-label": "What the map shows" }, VIEWS.map(([name, label]) => h("button", { type: "button", class: "segment", "aria-pressed": String(name === view), "data-view": name, onclick: () => choose(name) }, label)));
  const choose = (name) => {
    view = name;
    paint(app.state, app.floor);
  };
  const point = (state) => {
    const found = state.points.find((one) => one.id === chosen);
    const one = coverage.points.find((other) => other.id === chosen);
    if (!found || !one) return null;
    const record = () => {
      app.wantedPoint = found.id;
      app.go("record");
    };
    return h("div", { class: "card", id: "point-detail" }, h("p", {}, h("strong", {}, `Point ${pointName(found)}: ${POINT_STATES[one.state].word}.`), ` ${count(one.visits, "visit")}, ${count(one.scans, "scan")}, ${count(one.adverts, "packet")}, ${count(one.beacons, "beacon")}.`), one.changed?.length > 0 && h("p", {}, `Heard otherwise than before: ${one.changed.map(shortName).join(", ")}. Was one moved or replaced?`), button(app, "Record here", record, { icon: "record" }));
  };
  const tap = (at, hit) => {
    chosen = hit?.kind === "point" ? hit.id : null;
    paint(app.state, app.floor);
    app.panel.querySelector("#point-detail")?.scrollIntoView({ block: "nearest" });
  };
  return { draw, tap };
}

function numbers({ done, total, minutes_left }) {
  const left = minutes_left === null || minutes_left === undefined ? "–" : minutes_left < 1 ? "< 1" : String(Math.round(minutes_left));
  const share = total ? done / total : 0;
  const bar = h("span", { class: "bar" });
  bar.style.width = `${100 * share}%`;
  return [
    h("dl", { class: "figures" }, h("div", {}, h("dt", {}, "Points done"), h("dd", { id: "done" }, `${done} of ${total}`)), h("div", {}, h("dt", {}, "Minutes left"), h("dd", { id: "minutes-left" }, total && done === total ? "0" : left))),
    h("div", { class: "track", "aria-hidden": "true" }, bar),
  ];
}

function legend(view, { points, cells }) {
  if (view === "cells") return h("p", { class: "muted" }, cells.length ? `The number is how many beacons are heard in a cell of ${CELL_M} m. A dashed cell has fewer than ${ENOUGH_BEACONS}: places there sound alike.` : "Nothing is recorded on this floor yet.");
  const many = (state) => points.filter((one) => one.state === state).length;
  const rows = Object.entries(POINT_STATES).filter(([state]) => state !== "done" || many(state)).map(([state, { word }]) =>
    h("li", {}, s("svg", { class: "legend-icon", viewBox: "-15 -15 30 30", "aria-hidden": "true" }, pointShape(state)), h("span", {}, word), h("strong", {}, String(many(state)))),
  );
  return [h("ul", { class: "legend" }, rows), view === "scans" && h("p", { class: "muted" }, "The number at a point is how many scans it has.")];
}

function drawCells(map, cells) {
  const layer = map.layers.cells.clear();
  for (const { x_m, y_m, beacons } of cells) {
    const half = CELL_M / 2;
    const shape = layer.path([[x_m - half, y_m - half], [x_m + half, y_m - half], [x_m + half, y_m + half], [x_m - half, y_m + half]], `cell${beacons < ENOUGH_BEACONS ? " few" : ""}`);
    shape.style.fillOpacity = String(0.08 + 0.5 * Math.min(1, beacons / FULL_BEACONS));
    layer.mark([x_m, y_m], s("text", { class: "cell-number", y: 5, "text-anchor": "middle" }, String(beacons)));
  }
}
