// Record at points: go to the one that is suggested, stand, and leave when it is good.

import { button, buzz, choice, count, fill, fillOnce, h, metres, pointName, seconds } from "./dom.js";
import { drawFloor, drawBeacons, drawPoints, POINT_STATES, showHeard } from "./scene.js";
import { endButtons, findings, heardBars, kindTabs, openSession, ring } from "./parts.js";
import { cutOff } from "./recordings.js";
import { beginSession } from "./sessions_form.js";

const HEADINGS = [[null, "Any", "any way"], [90, "↑", "up on the map"], [0, "→", "right on the map"], [270, "↓", "down on the map"], [180, "←", "left on the map"]];

export function openRecord(app) {
  const screen = new RecordScreen(app);
  return { draw: (...given) => screen.draw(...given), live: (status) => screen.live(status), tap: (...given) => screen.tap(...given) };
}

class RecordScreen {
  constructor(app) {
    this.app = app;
    this.chosen = app.wantedPoint ?? null;
    app.wantedPoint = null;
    this.heading = null;
    this.coverage = null;
    this.next = null;
    this.open = null; // parts of the panel while recording
    this.wasReady = false;
    this.painted = null; // the suggestion that is drawn
  }

  draw(state, floor) {
    [this.state, this.floor] = [state, floor];
    if (!state.points.some((one) => one.id === this.chosen && one.floor === floor.id)) this.chosen = null;
    this.paint();
    this.fillPanel();
    this.look();
  }

  /** Ask what is done, and where to go from the last place. */
  async look() {
    const { app, state, floor } = this;
    const from = this.point() ?? state.points.find((one) => one.id === this.lastPlace());
    const where = from ? `?floor=${encodeURIComponent(from.floor)}&x_m=${from.x_m}&y_m=${from.y_m}` : "";
    try {
      const [coverage, next] = await Promise.all([app.store.coverage(floor.id), app.store.get(`/points/next${where}`)]);
      if (app.name !== "record" || this.state !== state || this.floor !== floor) return;
      [this.coverage, this.next, this.nextVersion] = [coverage, next, state.version];
    } catch (error) {
      return app.report(error);
    }
    this.paint();
    this.fillPanel();
  }

  lastPlace() {
    return this.state.recordings.filter((one) => one.kind === "point" && one.status !== "discarded").at(-1)?.point;
  }

  point() {
    return this.state.points.find((one) => one.id === this.chosen) ?? null;
  }

  target() {
    return this.point() ?? this.suggestion()?.point ?? null;
  }

  /** Where to go, unless something has been recorded since it was asked. */
  suggestion() {
    return this.nextVersion === this.app.status?.version ? this.next : null;
  }

  recording() {
    return this.app.recording("point");
  }

  paint() {
    const { app, state, floor, coverage } = this;
    const standing = this.recording()?.point ?? null;
    const target = standing ?? this.target()?.id ?? null;
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor, { labels: false });
    const way = app.map.layers.draft.clear();
    const suggested = (this.painted = this.suggestion());
    if (!standing && !this.chosen && suggested?.way_m.length > 1) way.path(suggested.way_m, "way", { closed: false });
    drawPoints(app.map, state, floor, { coverage, chosen: standing ?? this.chosen, next: target });
    app.map.svg.classList.toggle("recording", standing !== null);
    const point = state.points.find((one) => one.id === target);
    if (point) app.map.reveal([point.x_m, point.y_m]);
    app.hint(standing || !state.points.length ? null : "Tap a point to choose it");
    if (app.status) showHeard(app.map, app.status.heard);
  }

  tap(at, hit) {
    if (this.recording()) return;
    this.chosen = hit?.kind === "point" ? hit.id : null;
    this.paint();
    this.fillPanel();
    if (this.chosen === null) this.look();
  }

  live(status) {
    showHeard(this.app.map, status.heard);
    const recording = this.recording();
    if ((recording?.id ?? null) !== (this.open?.id ?? null) || this.suggestion() !== this.painted) {
      if (recording?.id !== this.open?.id) this.app.panel.scrollTop = 0;
      this.paint();
      this.fillPanel();
    }
    if (recording) this.show(recording, status);
  }

  fillPanel() {
    const { app, state } = this;
    const recording = this.recording();
    if (recording) {
      if (this.open?.id !== recording.id) this.beginPanel(recording);
      return this.show(recording, app.status);
    }
    this.open = null;
    const key = [state.version, this.chosen, this.heading, this.suggestion(), this.coverage?.done];
    if (!openSession(state)) return fillOnce(app.panel, ["begin", state.version], () => [kindTabs(app, "record"), cutOff(app, state, { most: 1, kind: "point" }), beginSession(app, state)]);
    fillOnce(app.panel, key, () => [kindTabs(app, "record"), cutOff(app, state, { most: 1, kind: "point" }), this.targetPanel()]);
  }

  targetPanel() {
    const { app, state, coverage } = this;
    const next = this.suggestion();
    if (!state.points.some((one) => one.floor === this.floor.id)) {
      const elsewhere = next?.point ? this.toFloor(next.point.floor, "wide") : null;
      return [h("h2", {}, "No points on this floor"), h("p", {}, "Lay a grid, or tap points."), button(app, "To the points", () => app.go("points"), { kind: "primary wide", icon: "points" }), elsewhere];
    }
    const point = this.target();
    if (!point) return [h("h2", { id: "target" }, next ? nothingLeft(next) : "Looking for the next point…"), this.pointChoice()];
    if (point.floor !== this.floor.id) return [h("h2", { id: "target" }, "This floor is done"), this.toFloor(point.floor, "primary huge wide"), this.pointChoice()];
    const suggested = point.id === next?.point?.id;
    const known = coverage?.points.find((one) => one.id === point.id);
    const words = [suggested && next.distance_m !== null ? `${metres(next.distance_m)} to walk` : null, known ? POINT_STATES[known.state].word : null, known?.visits ? count(known.visits, "visit") : null];
    return [
      h("div", { class: "target" }, h("h2", { id: "target", "data-point": point.id }, `${suggested && !this.chosen ? "Next: " : ""}Point ${pointName(point)}`), h("p", {}, words.filter(Boolean).join(", "))),
      button(app, `Stand there and start`, () => this.start(point), { kind: "primary huge wide", icon: "record", id: "start", name: `Start recording at point ${pointName(point)}` }),
      h("details", { class: "more-row" }, h("summary", {}, this.heading === null ? "Heading, other point" : `Heading: ${HEADINGS.find(([deg]) => deg === this.heading)[2]}`), this.headings(point), this.pointChoice()),
    ];
  }

  toFloor(id, kind) {
    return button(this.app, `Next: ${floorName(this.state, id)}`, () => this.app.go("record", id), { kind, icon: "go", id: "to-floor" });
  }

  pointChoice() {
    const here = this.state.points.filter((one) => one.floor === this.floor.id);
    const element = choice("Point", "point", [["", "the one suggested"], ...here.map((one) => [one.id, pointName(one)])], { value: this.chosen ?? "" });
    element.querySelector("select").addEventListener("change", (event) => {
      this.chosen = event.target.value || null;
      this.paint();
      this.fillPanel();
    });
    return element;
  }

  /** Where the receiver faces: those recorded at the point already have a tick. */
  headings(point) {
    const done = new Set(this.state.recordings.filter((one) => one.point === point.id && one.status === "complete").map((one) => one.heading_deg));
    const choose = (deg) => {
      this.heading = deg;
      this.fillPanel();
      this.app.panel.querySelector("details.more-row").open = true;
    };
    const buttons = HEADINGS.map(([deg, sign, words]) =>
      h("button", { type: "button", class: "segment", "aria-pressed": String(deg === this.heading), "aria-label": `Facing ${words}${done.has(deg) ? ", recorded" : ""}`, "data-heading": String(deg), onclick: () => choose(deg) }, sign, done.has(deg) && h("small", {}, "✓")),
    );
    return h("div", { class: "field" }, h("span", { class: "field-name" }, "Where the receiver faces, if you record four headings"), h("div", { class: "segments", role: "group", "aria-label": "Heading" }, buttons));
  }

  async start(point) {
    const body = { kind: "point", point: point.id };
    if (this.heading !== null) body.heading_deg = this.heading;
    await this.app.change("POST", "/recordings", body);
    buzz();
  }

  beginPanel(recording) {
    const { app, state } = this;
    const point = state.points.find((one) => one.id === recording.point);
    const name = point ? pointName(point) : recording.point;
    const ends = endButtons(app, { finished: () => this.finish(name), discarded: () => this.discard(name) });
    this.open = { id: recording.id, ring: ring(recording.wanted_s), numbers: h("p", { class: "numbers", id: "numbers" }), verdict: h("div", { class: "verdict-box", id: "verdict", "aria-live": "polite" }), bars: h("div", {}), finish: ends.finish };
    const { open } = this;
    fill(app.panel, h("h2", { class: "standing" }, `Stand still at point ${name}${headingWords(recording.heading_deg)}`), h("div", { class: "ring-row" }, open.ring.element, h("div", { class: "ring-words" }, open.numbers, open.bars)), open.verdict, ends.element);
    this.wasReady = false;
  }

  show(recording, { heard, quality }) {
    const { open } = this;
    const ready = Boolean(quality?.ok); // also as to its length: the map counts the point as done by the same rule
    open.ring.set(recording, ready);
    open.numbers.textContent = `${count(recording.adverts, "packet")}, ${count(recording.beacons, "beacon")}, ${count(recording.scans, "scan")}`;
    fill(open.bars, heardBars(heard, 4));
    fillOnce(open.verdict, [quality ?? null], () => findings(quality));
    open.finish.querySelector("span").textContent = quality && !quality.ok ? "Finish anyway" : "Finish";
    open.finish.classList.toggle("ready", ready);
    if (ready && !this.wasReady) buzz([40, 60, 40]);
    this.wasReady = ready;
  }

  async finish(name) {
    const { elapsed_s = 0, adverts = 0 } = this.recording() ?? {};
    await this.app.end(this.open.id, "finish");
    this.ended(`Point ${name} is saved: ${seconds(elapsed_s)}, ${count(adverts, "packet")}`);
  }

  async discard(name) {
    await this.app.end(this.open.id, "discard");
    this.ended(`Point ${name} is discarded`);
  }

  ended(words) {
    this.app.say(words);
    [this.chosen, this.open] = [null, null];
    this.app.draw(); // whatever is shown by now
  }
}

function headingWords(deg) {
  const found = HEADINGS.find(([one]) => one === deg);
  return deg === null || !found ? "" : `, facing ${found[1]}`;
}

function floorName(state, id) {
  return state.site.floors.find((floor) => floor.id === id)?.name ?? id;
}

function nothingLeft({ reason, unreachable }) {
  if (reason === "all_done") return "All points are done";
  if (reason === "unreachable") return `${count(unreachable.length, "point")} left, but no way leads there: check walls and outline`;
  return "No points on this floor";
}
