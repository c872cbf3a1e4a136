// What lies on the map: floor, plan, beacons, points. A shape says the same as its colour.

import { pointName, s, shortName } from "./dom.js";

export const LAYERS = ["plan", "floor", "cells", "beacons", "points", "draft", "live"];

/** Words, sign and shape of what is known about a point. */
export const POINT_STATES = {
  todo: { word: "to do", sign: "" },
  thin: { word: "thin: few scans", sign: "–" },
  done: { word: "done", sign: "✓" },
  agrees: { word: "visits agree", sign: "✓" },
  one_visit: { word: "one visit", sign: "1" },
  contradicts: { word: "visits contradict", sign: "!" },
};

/** From a plan's pixels to metres, as SVG's (a, b, c, d, e, f). */
export function planMatrix({ m_per_px, origin_px: [ox, oy], rotation_deg }) {
  const turn = (rotation_deg * Math.PI) / 180;
  const [cos, sin] = [m_per_px * Math.cos(turn), m_per_px * Math.sin(turn)];
  const [a, b, c, d] = [cos, -sin, -sin, -cos];
  return [a, b, c, d, -(a * ox + c * oy), -(b * ox + d * oy)];
}

/** A plan's corners in metres. */
export function planCorners(plan) {
  const [a, b, c, d, e, f] = planMatrix(plan);
  const [w, h] = plan.size_px;
  return [[0, h], [w, h], [w, 0], [0, 0]].map(([x, y]) => [a * x + c * y + e, b * x + d * y + f]);
}

export function isPicture(plan) {
  return Boolean(plan?.size_px);
}

export function isScaled(plan) {
  return isPicture(plan) && typeof plan.m_per_px === "number";
}

/** x_min, y_min, x_max, y_max in metres of all that a floor shows. */
export function floorBounds(state, floor) {
  const plan = state.plans[floor.id];
  const spots = [...floor.outline, ...(isScaled(plan) ? planCorners(plan) : [])];
  for (const one of [...state.site.beacons, ...state.points]) if (one.floor === floor.id) spots.push([one.x_m, one.y_m]);
  return boundsOf(spots.length ? spots : [[0, 0], [10, 10]]);
}

function boundsOf(spots) {
  const [xs, ys] = [spots.map(([x]) => x), spots.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Draw plan, outline, what is blocked, walls and the origin. */
export function drawFloor(map, state, floor, { quiet = false } = {}) {
  const plan = state.plans[floor.id];
  const { plan: under, floor: ground } = map.layers;
  under.clear();
  ground.clear();
  const scaled = isScaled(plan);
  if (!scaled) ground.path(floor.outline, "f-ground");
  if (scaled) under.image(planUrl(plan), plan.size_px, planMatrix(plan));
  for (const corners of floor.blocked) ground.path(corners, "f-blocked");
  for (const wall of floor.walls) ground.path(wall, "f-wall", { closed: false });
  if (!quiet) ground.path(floor.outline, "f-outline");
  ground.mark([0, 0], origin());
}

function planUrl(plan) {
  return plan.url;
}

function origin() {
  return s("g", { class: "origin" }, s("path", { d: "M0 0H22M17 -4L22 0L17 4M0 0V-22M-4 -17L0 -22L4 -17" }), s("text", { x: 26, y: 5 }, "x"), s("text", { x: -4, y: -28 }, "y"));
}

/** Draw the beacons of a floor; those heard now are filled. */
export function drawBeacons(map, state, floor, { drag = null, labels = true, chosen = null } = {}) {
  const layer = map.layers.beacons.clear();
  for (const beacon of state.site.beacons) {
    if (beacon.floor !== floor.id) continue;
    const mine = beacon.id === chosen;
    const shape = s("g", { class: `beacon${mine ? " chosen" : ""}`, "data-beacon": beacon.id }, s("path", { class: "beacon-core", d: "M0 -7L7 0L0 7L-7 0Z" }));
    layer.mark([beacon.x_m, beacon.y_m], shape, {
      hit: { kind: "beacon", id: beacon.id },
      drag: beacon.id === drag,
      label: labels || mine ? shortName(beacon.id) : null,
      rank: mine ? 3 : 0,
    });
  }
}

export function showHeard(map, heard) {
  const now = new Set(heard.map((one) => one.beacon));
  for (const item of map.layers.beacons.items) item.element.classList.toggle("heard-now", now.has(item.hit.id));
}

/** One point's shape; the state says it by form, sign and colour. */
export function pointShape(state, { chosen = false, next = false, id = null } = {}) {
  const { sign } = POINT_STATES[state];
  const body = state === "contradicts" ? s("path", { class: "point-core", d: "M0 -13L13 0L0 13L-13 0Z" }) : s("circle", { class: "point-core", r: state === "todo" ? 8 : 11 });
  const group = s("g", { class: `point ${state}${chosen ? " chosen" : ""}${next ? " next" : ""}`, "data-point": id, "data-state": state });
  if (chosen || next) group.append(s("circle", { class: "point-ring", r: 18 }));
  group.append(body, s("text", { class: "point-sign", y: 5, "text-anchor": "middle" }, sign));
  return group;
}

/** Draw the points of a floor. `text` gives a label in place of the name. */
export function drawPoints(map, state, floor, { coverage = null, chosen = null, next = null, text = null } = {}) {
  const layer = map.layers.points.clear();
  const known = new Map((coverage?.points ?? []).map((one) => [one.id, one]));
  for (const point of state.points) {
    if (point.floor !== floor.id) continue;
    const one = known.get(point.id);
    const mine = { chosen: point.id === chosen, next: point.id === next, id: point.id };
    const shape = pointShape(one?.state ?? "todo", mine);
    layer.mark([point.x_m, point.y_m], shape, {
      hit: { kind: "point", id: point.id },
      label: text ? text(point, one) : pointName(point),
      rank: mine.chosen ? 5 : mine.next ? 4 : 1,
    });
  }
}

/** Draw a walk: its way and its numbered waypoints. */
export function drawWalk(map, waypoints, floor) {
  const layer = map.layers.live.clear();
  const here = waypoints.filter((one) => one.floor === floor.id).map((one) => [one.x_m, one.y_m]);
  if (here.length > 1) layer.path(here, "walk-way", { closed: false });
  here.forEach((at, number) => {
    const last = number === here.length - 1;
    const shape = s("g", { class: `waypoint${last ? " last" : ""}` }, s("circle", { r: 11 }), s("text", { y: 5, "text-anchor": "middle" }, String(number + 1)));
    layer.mark(at, shape);
  });
}

/** A pin where somebody has tapped. */
export function drawPin(map, at) {
  const layer = map.layers.live.clear();
  if (at) layer.mark(at, s("g", { class: "pin" }, s("circle", { r: 15 }), s("path", { d: "M-22 0H-7M7 0H22M0 -22V-7M0 7V22" })));
}
