// The scale of a plan: two measured distances, then where (0, 0) lies and which way x runs.

import { button, field, fill, form, h, s } from "./dom.js";
import { Draft } from "./draft.js";
import { subHead } from "./parts.js";
import { isPicture } from "./scene.js";

const GRIP_PX = 46; // the grip hangs this far below its cross, so that no finger covers the place
const HINTS = [
  "Tap one end of a wall whose length you have measured",
  "Tap its other end",
  "Tap one end of a second wall, across the first",
  "Tap its other end",
  "Tap where x = 0, y = 0 shall be",
  "Tap a place further along the x axis",
];
const NAMES = ["A", "B", "C", "D", "0", "x"];

export function openScale(app) {
  const screen = new ScaleScreen(app);
  return { draw: (...given) => screen.draw(...given), tap: (at) => screen.tap(at), drag: (...given) => screen.drag(...given), ownSpace: () => true };
}

class ScaleScreen {
  constructor(app) {
    this.app = app;
    this.places = null; // up to six, in the plan's pixels
    this.lengths = ["", ""];
    this.refused = null;
  }

  draw(state, floor) {
    const plan = state.plans[floor.id];
    if (!isPicture(plan)) return this.app.go("site");
    const [width, height] = plan.size_px;
    if (this.floorId !== floor.id) this.begin(plan, floor.id);
    this.plan = plan;
    this.app.map.show(`px ${floor.id} ${plan.url}`, [0, 0, width, height], { upwards: false });
    for (const name of ["beacons", "points", "cells", "floor"]) this.app.map.layers[name].clear();
    this.app.map.layers.plan.clear().image(plan.url, plan.size_px, [1, 0, 0, 1, 0, 0]);
    this.paint();
    this.fillPanel();
  }

  begin(plan, floorId) {
    this.floorId = floorId;
    const [first, second] = plan.distances ?? [];
    this.places = first && second ? [first.from_px, first.to_px, second.from_px, second.to_px] : [];
    this.lengths = first && second ? [String(first.length_m), String(second.length_m)] : ["", ""];
    if (this.places.length && typeof plan.m_per_px === "number") this.places.push(...axisOf(plan));
    this.refused = null;
    this.kept = new Draft(this.app, "scale", floorId, plan.url);
    Object.assign(this, this.kept.read() ?? {});
  }

  /** Keep what is marked and typed until it is saved. */
  keep() {
    const { places, lengths } = this;
    this.kept.keep({ places, lengths });
  }

  tap(at) {
    if (this.places.length >= 6) return;
    this.places.push(at);
    this.keep();
    this.paint();
    this.fillPanel();
    if (this.places.length === 2 || this.places.length === 4) this.app.panel.querySelector(`[name=length${this.places.length / 2}]`).focus();
  }

  drag(hit, at, done) {
    this.places[hit.number] = at;
    this.refused = null;
    if (!done) return this.paintLines();
    this.keep();
    this.paint();
    this.fillPanel();
  }

  paint() {
    const layer = this.app.map.layers.live.clear();
    this.places.forEach((at, number) => layer.mark(at, handle(number), { hit: { kind: "handle", number }, drag: true, offset: [0, GRIP_PX] }));
    this.paintLines();
    this.app.hint(HINTS[this.places.length] ?? "Drag a grip to correct its place");
  }

  paintLines() {
    const layer = this.app.map.layers.draft.clear();
    for (const [a, b, kind] of [[0, 1, "measure"], [2, 3, "measure"], [4, 5, "axis"]]) {
      if (this.places[b]) layer.path([this.places[a], this.places[b]], kind, { closed: false });
    }
  }

  fillPanel() {
    const { app } = this;
    const { length } = this.places;
    const lengthField = (number) => {
      const input = field(`Length ${NAMES[2 * number - 2]}–${NAMES[2 * number - 1]}, metres`, `length${number}`, { type: "number", inputmode: "decimal", step: "any", min: "0", value: this.lengths[number - 1] });
      input.addEventListener("input", (event) => {
        this.lengths[number - 1] = event.target.value;
        this.keep();
        this.refused = null;
        this.app.panel.querySelector("#scale-refused")?.remove();
      });
      return input;
    };
    const rows = [
      length < 2 && h("p", {}, "Measure two distances in the building, in different directions: along one long wall and across it. They show whether the plan is stretched."),
      h("div", { class: "row equal" }, length >= 2 && lengthField(1), length >= 4 && lengthField(2)),
      length >= 4 && h("p", { class: "muted" }, length >= 6 ? "x runs from 0 to the x mark; y is 90° to its left." : "Origin and x axis: tap both, or leave them out: then (0, 0) is the lower left corner of the plan and x runs to the right."),
      this.refused && h("p", { class: "refused", role: "alert", id: "scale-refused" }, this.refused),
    ];
    const back = length ? button(app, "Take back last tap", () => this.back(), { icon: "undo", kind: "quiet", id: "scale-back" }) : null;
    const panel = length >= 4 ? form(app, rows, "Save the scale", () => this.save(), { id: "scale-form", under: back }) : h("div", { class: "form" }, rows, back);
    fill(app.panel, subHead(app, "Scale of the plan", "site"), panel);
  }

  back() {
    this.places.pop();
    this.keep();
    this.refused = null;
    this.paint();
    this.fillPanel();
  }

  async save() {
    const { app, places, lengths, plan } = this;
    const body = {
      distances: [0, 1].map((i) => ({ from_px: places[2 * i], to_px: places[2 * i + 1], length_m: Number(lengths[i]) })),
      origin_px: places[4] ?? [0, plan.size_px[1]],
      rotation_deg: places[5] ? rotation(places[4], places[5]) : 0,
    };
    try {
      await app.change("POST", `/plans/${encodeURIComponent(this.floorId)}/scale`, body, "The scale is saved");
    } catch (error) {
      this.refused = error.message;
      this.fillPanel();
      app.panel.querySelector("#scale-refused").scrollIntoView({ block: "nearest" });
      return;
    }
    this.kept.drop();
    app.go("area");
  }
}

function rotation([x0, y0], [x1, y1]) {
  return (Math.atan2(y0 - y1, x1 - x0) * 180) / Math.PI;
}

function axisOf({ origin_px: [x, y], rotation_deg, size_px: [width] }) {
  const turn = (rotation_deg * Math.PI) / 180;
  return [[x, y], [x + (width / 3) * Math.cos(turn), y - (width / 3) * Math.sin(turn)]];
}

function handle(number) {
  const axis = number >= 4 ? " axis" : "";
  return s("g", { class: `handle${axis}` },
    s("path", { class: "handle-under", d: "M-13 0H13M0 -13V13" }), s("path", { class: "handle-cross", d: "M-13 0H13M0 -13V13" }),
    s("path", { class: "handle-stem", d: `M0 14V${GRIP_PX - 15}` }), s("circle", { class: "handle-grip", cy: GRIP_PX, r: 16 }),
    s("text", { y: GRIP_PX + 5, "text-anchor": "middle" }, NAMES[number]),
  );
}
