// Walk: tap where you start and every place you pass; in between you walk straight and evenly.

import { sheet } from "./dialogs.js";
import { button, buzz, count, fill, fillOnce, h, seconds } from "./dom.js";
import { endButtons, findingsList, heardBars, kindTabs, openSession, ring } from "./parts.js";
import { cutOff } from "./recordings.js";
import { drawBeacons, drawFloor, drawPin, drawPoints, drawWalk, showHeard } from "./scene.js";
import { beginSession } from "./sessions_form.js";

export function openWalk(app) {
  const screen = new WalkScreen(app);
  return { draw: (...given) => screen.draw(...given), live: (status) => screen.live(status), tap: (at) => screen.tap(at), leave: () => (app.resumesWalk = null) };
}

class WalkScreen {
  constructor(app) {
    this.app = app;
    this.start = null; // {floor, x_m, y_m}: tapped, not begun
    this.open = null;
    this.pending = 0;
  }

  recording() {
    return this.app.recording("walk");
  }

  /** Said with each change, so that a tap never goes into a walk of another phone. */
  current() {
    return `?recording=${encodeURIComponent(this.open?.id ?? this.recording().id)}`;
  }

  draw(state, floor) {
    [this.state, this.floor] = [state, floor];
    drawFloor(this.app.map, state, floor);
    drawBeacons(this.app.map, state, floor, { labels: false });
    drawPoints(this.app.map, state, floor);
    this.paint();
    this.fillPanel();
    this.app.store.coverage(floor.id).then((coverage) => this.floor === floor && this.app.name === "walk" && drawPoints(this.app.map, state, floor, { coverage }), (error) => this.app.report(error));
  }

  paint() {
    const recording = this.recording();
    if (recording) drawWalk(this.app.map, recording.waypoints, this.floor);
    else drawPin(this.app.map, this.start && this.start.floor === this.floor.id ? [this.start.x_m, this.start.y_m] : null);
    this.app.hint(recording ? "Tap each place as you pass it" : openSession(this.state) ? "Tap where you stand now" : null);
  }

  tap([x, y]) {
    const at = { floor: this.floor.id, x_m: Math.round(x * 100) / 100, y_m: Math.round(y * 100) / 100 };
    if (this.recording()) return this.waypoint(at);
    if (!openSession(this.state)) return;
    this.start = at;
    this.paint();
    this.fillPanel();
  }

  /** Two quick taps are two waypoints, in their order. */
  waypoint(at) {
    buzz();
    this.sent = (this.sent ?? Promise.resolve()).then(() => this.app.store.call("POST", `/recordings/current/waypoints${this.current()}`, at)).catch((error) => this.app.report(error));
  }

  live(status) {
    showHeard(this.app.map, status.heard);
    const recording = this.recording();
    const key = recording ? `${recording.id} ${recording.waypoints.length} ${this.floor.id}` : null;
    if (key !== this.painted) {
      this.painted = key;
      this.paint();
      this.fillPanel();
    }
    if (recording && this.open) this.show(recording, status);
  }

  fillPanel() {
    const { app, state } = this;
    const recording = this.recording();
    if (recording) {
      if (this.open?.id !== recording.id) this.beginPanel(recording);
      return this.show(recording, app.status);
    }
    this.open = null;
    if (!openSession(state)) return fillOnce(app.panel, ["begin", state.version], () => [kindTabs(app, "walk"), cutOff(app, state, { most: 1, kind: "walk" }), beginSession(app, state)]);
    fillOnce(app.panel, [state.version, this.start, app.resumesWalk ?? null], () => [
      kindTabs(app, "walk"),
      cutOff(app, state, { most: 1, kind: "walk" }),
      h("h2", {}, this.start ? "Ready to walk" : "Tap where you stand"),
      h("p", { class: "muted" }, "Walk straight and evenly from tap to tap; tap at every turn and every 5 to 10 m."),
      this.start && button(app, app.resumesWalk ? "Go on with the walk" : "Start the walk", () => this.begin(), { kind: "primary huge wide", icon: "walk", id: "start" }),
    ]);
  }

  async begin() {
    const body = { kind: "walk", at: this.start };
    if (this.app.resumesWalk) body.resumes = this.app.resumesWalk;
    await this.app.change("POST", "/recordings", body);
    buzz();
    this.app.resumesWalk = null;
    this.start = null;
  }

  beginPanel(recording) {
    const { app } = this;
    const ends = endButtons(app, { finished: () => this.finish(), discarded: () => this.discard() });
    const undo = button(app, "Undo last tap", () => app.change("DELETE", `/recordings/current/waypoints/last${this.current()}`, undefined, "The last tap is taken back"), { icon: "undo", kind: "wide", id: "undo-tap" });
    this.open = { id: recording.id, ring: ring(null), numbers: h("p", { class: "numbers", id: "numbers" }), taps: h("p", { class: "big-number", id: "taps" }), bars: h("div", {}), undo };
    const { open } = this;
    fill(app.panel, h("div", { class: "ring-row" }, open.ring.element, h("div", { class: "ring-words" }, open.taps, open.numbers, open.bars)), undo, ends.element);
  }

  show(recording, { heard }) {
    const { open } = this;
    open.ring.set(recording, true);
    open.taps.textContent = count(recording.waypoints.length, "waypoint");
    open.numbers.textContent = `${count(recording.adverts, "packet")}, ${count(recording.beacons, "beacon")}`;
    fill(open.bars, heardBars(heard, 2));
    open.undo.disabled = recording.waypoints.length < 2;
  }

  async finish() {
    const { elapsed_s = 0, waypoints = [] } = this.recording() ?? {};
    const { findings } = await this.app.end(this.open.id, "finish");
    this.ended(`The walk is saved: ${count(waypoints.length, "waypoint")} in ${seconds(elapsed_s)}`);
    if (findings.length) sheet(this.app, "Look at this walk", findingsList(findings));
  }

  async discard() {
    if (!(await this.app.ask("Discard the walk?", "Neither training nor coverage reads it then.", "Discard"))) return;
    await this.app.end(this.open.id, "discard");
    this.ended("The walk is discarded");
  }

  ended(words) {
    this.app.say(words);
    this.open = null;
    this.app.draw(); // whatever is shown by now
  }
}
