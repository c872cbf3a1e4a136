// Beacons: tap where one hangs and choose it from those heard now, strongest first.

import { pick } from "./dialogs.js";
import { button, count, dbm, field, fileButton, fill, form, h, shortName } from "./dom.js";
import { subHead, undoButton } from "./parts.js";
import { drawBeacons, drawFloor, drawPin, showHeard } from "./scene.js";

export function openBeacons(app) {
  let chosen = null; // id
  const draw = (state, floor) => {
    if (!state.site.beacons.some((one) => one.id === chosen && one.floor === floor.id)) chosen = null;
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor, { drag: chosen, chosen });
    app.hint(chosen ? "Drag the beacon, or tap elsewhere for another" : "Tap where a beacon hangs");
    fill(app.panel, subHead(app, chosen ? shortName(chosen) : "Beacons", "site"), chosen ? edit(app, state, chosen) : overview(app, state, floor), undoButton(app, state));
    if (app.status) live(app.status);
  };
  const live = ({ heard }) => showHeard(app.map, heard);
  const tap = (at, hit) => {
    if (hit?.kind === "beacon") chosen = hit.id;
    else if (chosen) chosen = null;
    else return place(app, at);
    draw(app.state, app.floor);
  };
  const drag = (hit, at, done) => done && put(app, hit.id, at).catch((error) => app.report(error));
  return { draw, live, tap, drag };
}

function overview(app, state, floor) {
  const here = state.site.beacons.filter((one) => one.floor === floor.id).length;
  const loose = state.site.beacons.filter((one) => one.floor === null || one.floor === undefined);
  const take = (file) => app.change("POST", "/beacons/import", file, "The beacons are imported", "text/csv");
  return [
    h("p", {}, here ? `${count(here, "beacon")} on this floor.` : "Stand below a beacon and tap its place on the map: the one you hear loudest is offered first."),
    loose.length > 0 && h("p", { class: "muted" }, `${count(loose.length, "beacon")} without a place: ${loose.map((one) => shortName(one.id)).join(", ")}.`),
    h("div", { class: "row wrap" }, fileButton(app, "Import CSV", ".csv,text/csv", take, { id: "beacons-csv" })),
  ];
}

function edit(app, state, id) {
  const beacon = state.site.beacons.find((one) => one.id === id);
  const submit = ({ x_m, y_m }) => put(app, id, [Number(x_m), Number(y_m)]);
  const remove = async () => {
    if (!(await app.ask("Take the beacon off the map?", `${id} is no longer part of the site. It can be undone.`, "Take it off"))) return;
    await app.change("DELETE", `/beacons/${encodeURIComponent(id)}`, undefined, "The beacon is taken off");
  };
  const number = { type: "number", inputmode: "decimal", step: "any" };
  return [
    h("p", { class: "mono" }, id),
    form(app, [h("div", { class: "row equal" }, field("x, m", "x_m", { ...number, value: beacon.x_m.toFixed(2) }), field("y, m", "y_m", { ...number, value: beacon.y_m.toFixed(2) }))], "Save the place", submit),
    button(app, "Take off the map", remove, { kind: "danger-quiet wide", icon: "trash", id: "beacon-delete" }),
  ];
}

function place(app, at) {
  drawPin(app.map, at);
  const placed = new Set(app.state.site.beacons.filter((one) => one.floor !== null).map((one) => one.id));
  const heard = app.status?.heard ?? [];
  const options = [...heard.filter((one) => !placed.has(one.beacon)), ...heard.filter((one) => placed.has(one.beacon))].map((one) => ({
    value: one.beacon,
    text: shortName(one.beacon),
    more: `${dbm(one.median_dbm)}${placed.has(one.beacon) ? ", on the map already: moves here" : ""}`,
  }));
  pick(app, "Which beacon hangs here?", options, { typed: "Another id", empty: "No beacon is heard now. Type its id:", take: (id) => put(app, id, at) });
  app.dialog.addEventListener("close", () => app.map.layers.live.clear(), { once: true });
}

function put(app, id, [x, y]) {
  if (!id) throw new Error("A beacon must have an id, such as ibeacon:UUID:MAJOR:MINOR; type the one printed by `localizer scan`.");
  const body = { floor: app.floor.id, x_m: Math.round(x * 100) / 100, y_m: Math.round(y * 100) / 100 };
  return app.change("PUT", `/beacons/${encodeURIComponent(id)}`, body, `${shortName(id)} is at ${body.x_m}, ${body.y_m} m`);
}
