// Reference points: a grid, a tap, or a CSV.

import { button, count, field, fileButton, fill, form, h, pointName } from "./dom.js";
import { sentence, undoButton } from "./parts.js";
import { drawFloor, drawPoints, POINT_STATES } from "./scene.js";

const STEP_M = 2; // as the reference surveys have it

export function openPoints(app) {
  let chosen = null; // id
  let coverage = null;
  const draw = (state, floor) => {
    if (!state.points.some((one) => one.id === chosen && one.floor === floor.id)) chosen = null;
    drawFloor(app.map, state, floor);
    drawPoints(app.map, state, floor, { coverage, chosen });
    app.hint(chosen ? "Tap beside the point to let it go" : "Tap the map to add a point, a point to see it");
    const point = state.points.find((one) => one.id === chosen);
    fill(app.panel, point ? detail(app, point, coverage) : overview(app, state, floor), undoButton(app, state));
    app.store.coverage(floor.id).then((read) => {
      if (read === coverage || app.floor !== floor || app.name !== "points") return;
      coverage = read;
      draw(state, floor);
    }, (error) => app.report(error));
  };
  const tap = async (at, hit) => {
    if (hit?.kind === "point") chosen = hit.id;
    else if (chosen) chosen = null;
    else return add(app, at, "").catch((error) => app.report(error));
    draw(app.state, app.floor);
  };
  return { draw, tap };
}

async function add(app, [x, y], name) {
  await app.change("POST", "/points", { floor: app.floor.id, x_m: Math.round(x * 100) / 100, y_m: Math.round(y * 100) / 100, name }, "The point is added");
}

function overview(app, state, floor) {
  const here = state.points.filter((one) => one.floor === floor.id).length;
  const grid = ({ step_m }) => app.change("POST", "/points/grid", { floor: floor.id, step_m: Number(step_m) }, "The grid is laid");
  const take = (file) => app.change("POST", "/points/import", file, "The points are imported", "text/csv");
  const typed = ({ x_m, y_m, name }) => add(app, [Number(x_m), Number(y_m)], name.trim());
  const number = { type: "number", inputmode: "decimal", step: "any", required: true };
  return [
    h("h2", {}, here ? `${count(here, "point")} on this floor` : "No points yet"),
    form(app, [field("Grid over the walkable area, step in metres", "step_m", { ...number, min: "0.5", max: "20", value: STEP_M })], "Fill with a grid", grid, { id: "grid-form", kind: here ? "" : "primary" }),
    h("div", { class: "row wrap" }, fileButton(app, "Import CSV", ".csv,text/csv", take, { id: "points-csv" })),
    h("details", {}, h("summary", {}, "Type a point"), form(app, [h("div", { class: "row equal" }, field("x, m", "x_m", number), field("y, m", "y_m", number)), field("Name, optional", "name", {})], "Add the point", typed, { kind: "", id: "point-form" })),
  ];
}

function detail(app, point, coverage) {
  const one = coverage?.points.find((other) => other.id === point.id);
  const remove = () => app.change("DELETE", `/points/${encodeURIComponent(point.id)}`, undefined, `Point ${pointName(point)} is removed`);
  return [
    h("h2", {}, `Point ${pointName(point)}`),
    h("p", {}, `x ${point.x_m.toFixed(2)} m, y ${point.y_m.toFixed(2)} m. ${one ? sentence(`${POINT_STATES[one.state].word}, ${count(one.visits, "visit")}, ${count(one.scans, "scan")}`) : ""}`),
    h("div", { class: "row equal" }, button(app, "Remove", remove, { kind: "danger-quiet", icon: "trash", id: "point-remove" }), button(app, "Record here", () => recordHere(app, point), { kind: "primary", icon: "record", id: "point-record" })),
  ];
}

function recordHere(app, point) {
  app.wantedPoint = point.id;
  app.go("record");
}
