// Upkeep: a beacon that was replaced at its place, or that hangs elsewhere since.

import { pick } from "./dialogs.js";
import { button, dbm, fill, h, shortName } from "./dom.js";
import { subHead, undoButton } from "./parts.js";
import { drawBeacons, drawFloor, drawPin, showHeard } from "./scene.js";

export function openUpkeep(app) {
  let chosen = null;
  let moving = false;
  const draw = (state, floor) => {
    const beacon = state.site.beacons.find((one) => one.id === chosen && one.floor === floor.id);
    if (!beacon) [chosen, moving] = [null, false];
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor, { chosen });
    app.hint(moving ? "Tap where it hangs now" : beacon ? null : "Tap the beacon");
    fill(app.panel, subHead(app, beacon ? shortName(chosen) : "Upkeep of beacons", "more"), beacon ? actions(app, beacon, moving, (on) => ((moving = on), draw(state, floor))) : list(app, state, floor, choose), undoButton(app, state));
    if (app.status) live(app.status);
  };
  const choose = (id) => {
    [chosen, moving] = [id, false];
    draw(app.state, app.floor);
  };
  const live = ({ heard }) => showHeard(app.map, heard);
  const tap = async (at, hit) => {
    if (moving) return move(app, chosen, at, () => (moving = false)).catch((error) => app.report(error));
    choose(hit?.kind === "beacon" ? hit.id : null);
  };
  return { draw, live, tap };
}

function list(app, state, floor, choose) {
  const heard = new Map((app.status?.heard ?? []).map((one) => [one.beacon, one]));
  const here = state.site.beacons.filter((one) => one.floor === floor.id);
  if (!here.length) return h("p", { class: "muted" }, "No beacon hangs on this floor.");
  return h("ul", { class: "list" }, here.map((one) => h("li", {}, h("button", { type: "button", class: "list-button", "data-value": one.id, onclick: () => choose(one.id) }, h("strong", {}, shortName(one.id)), h("span", {}, heard.has(one.id) ? dbm(heard.get(one.id).median_dbm) : "not heard now")))));
}

function actions(app, beacon, moving, setMoving) {
  if (moving) return [h("p", {}, "Tap on the map where it hangs now. What was heard of it before leaves the training."), button(app, "Cancel", () => setMoving(false), { kind: "wide" })];
  return [
    h("p", { class: "mono" }, beacon.id),
    h("p", { class: "muted" }, "Replaced: another beacon hangs at the same place; what was surveyed stays good. Moved: what was heard of it until today is not used any more."),
    h("div", { class: "row equal" }, button(app, "Replaced by…", () => replace(app, beacon), { id: "replace", icon: "beacon" }), button(app, "Moved to…", () => setMoving(true), { id: "move", icon: "target" })),
  ];
}

function replace(app, beacon) {
  const known = new Set(app.state.site.beacons.map((one) => one.id));
  const options = (app.status?.heard ?? []).filter((one) => !known.has(one.beacon)).map((one) => ({ value: one.beacon, text: shortName(one.beacon), more: `${dbm(one.median_dbm)}, new here` }));
  const take = async (replacement) => {
    if (!replacement) throw new Error("The new beacon must have an id; type the one printed by `localizer scan`.");
    await app.change("POST", `/beacons/${encodeURIComponent(beacon.id)}/replace`, { replacement }, `${shortName(replacement)} hangs there now`);
  };
  pick(app, `What hangs in place of ${shortName(beacon.id)}?`, options, { typed: "Another id", empty: "No unknown beacon is heard now.", take });
}

async function move(app, id, at, moved) {
  drawPin(app.map, at);
  const place = { floor: app.floor.id, x_m: Math.round(at[0] * 100) / 100, y_m: Math.round(at[1] * 100) / 100 };
  if (await app.ask(`Moved to ${place.x_m}, ${place.y_m} m?`, "Readings of it from before today are not used any more.", "Yes, it was moved")) {
    await app.change("POST", `/beacons/${encodeURIComponent(id)}/move`, place, "The new place is saved");
    moved();
  }
  app.map.layers.live.clear();
}
