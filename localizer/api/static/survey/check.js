// Check walk: stand at known places while the bundle says where it takes you to be.

import { button, count, fill, h, s } from "./dom.js";
import { subHead } from "./parts.js";
import { drawFloor, drawPin, drawPoints } from "./scene.js";

const LOOK_AGAIN_MS = 2_000; // fixes come about once a second

export function openCheck(app) {
  const screen = new CheckScreen(app);
  return { draw: (...given) => screen.draw(...given), tap: (...given) => screen.tap(...given), leave: () => clearInterval(screen.timer) };
}

class CheckScreen {
  constructor(app) {
    this.app = app;
    this.id = app.more;
    this.place = null; // tapped, not stood at
    this.report = null;
    this.timer = setInterval(() => this.look(), LOOK_AGAIN_MS);
    this.look();
  }

  draw(state, floor) {
    [this.state, this.floor] = [state, floor];
    drawFloor(this.app.map, state, floor);
    drawPoints(this.app.map, state, floor, { text: () => null });
    this.paint();
    this.fillPanel();
  }

  paint() {
    const { map } = this.app;
    const layer = map.layers.draft.clear();
    for (const one of this.report?.points ?? []) {
      const [truth, mean] = [[one.x_m, one.y_m], one.mean_m];
      if (one.floor !== this.floor.id) continue;
      if (mean) layer.path([truth, mean], "check-arrow", { closed: false });
      layer.mark(truth, s("circle", { class: "check-truth", r: 8 }), { label: one.mean_error_m === null ? "?" : `${one.mean_error_m.toFixed(1)} m`, rank: 6 });
      if (mean) layer.mark(mean, s("path", { class: "check-end", d: "M0 -8L8 6H-8Z" }));
    }
    drawPin(map, this.place && [this.place.x_m, this.place.y_m]);
    this.app.hint(this.id && !this.place ? "Tap where you stand" : null);
  }

  tap([x, y], hit) {
    if (!this.id) return;
    const point = hit?.kind === "point" && this.state.points.find((one) => one.id === hit.id);
    this.place = { floor: this.floor.id, x_m: point ? point.x_m : Math.round(x * 100) / 100, y_m: point ? point.y_m : Math.round(y * 100) / 100 };
    this.paint();
    this.fillPanel();
  }

  async begin() {
    const { id } = await this.app.store.call("POST", "/checks", {});
    this.app.go("check", this.floor.id, id);
  }

  async stand() {
    await this.app.store.call("POST", `/checks/${encodeURIComponent(this.id)}/points`, this.place);
    this.place = null;
    this.paint();
    await this.look();
  }

  async look() {
    if (!this.id || this.app.store.awaySince !== null) return;
    try {
      this.report = await this.app.store.get(`/checks/${encodeURIComponent(this.id)}`);
    } catch (error) {
      if (this.app.name !== "check") return;
      if (error.status === 404) this.app.go("check", this.floor.id);
      return this.app.report(error);
    }
    if (this.app.name !== "check") return;
    this.paint();
    this.fillPanel();
  }

  fillPanel() {
    fill(this.app.panel, subHead(this.app, "Check walk", "more"), this.state.bundle === null ? noBundle() : this.id ? this.walking() : this.invitation());
  }

  invitation() {
    return [
      h("p", {}, `Bundle: ${this.state.bundle}. Walk to places that you know well, best some that were not surveyed, and stand at each for about 10 s.`),
      button(this.app, "Begin the check walk", () => this.begin(), { kind: "primary huge wide", icon: "walk", id: "check-begin" }),
    ];
  }

  walking() {
    const { report, place } = this;
    return [
      place && button(this.app, "I stand here now", () => this.stand(), { kind: "primary huge wide", icon: "target", id: "check-stand" }),
      report?.trouble && h("p", { class: "refused", role: "alert" }, report.trouble),
      standing(report),
      report?.n ? figures(report) : null,
      report?.n ? h("p", { class: "muted" }, `At ${count(report.points.length, "place")}. All figures are of the fixes that had a position; ${share(report.no_position_share)} had none, ${share(report.wrong_floor_share)} were on another floor.`) : null,
    ];
  }
}

function standing(report) {
  const now = report?.standing;
  if (now && now.fixes < now.wanted) return h("p", { class: "verdict wait", id: "check-standing" }, `Stay: ${now.fixes} of ${count(now.wanted, "fix", "fixes")}.`);
  if (now || report?.n) return h("p", { class: "verdict good", id: "check-standing" }, "Good: go to the next place and tap it.");
  return h("p", { class: "muted" }, "Tap the place where you stand.");
}

function share(value) {
  return `${Math.round(100 * (value ?? 0))} %`;
}

function noBundle() {
  return [
    h("p", {}, "There is no bundle yet. Download the survey file, train with it, then start this app with what came out:"),
    h("p", { class: "mono" }, "python -m training fit site.survey"),
    h("p", { class: "mono" }, "localizer survey site.survey --source … --bundle …"),
  ];
}

function figures(report) {
  const length = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(2)} m`);
  const rows = [["n", "Fixes", report.n], ["mean", "Mean", length(report.mean)], ["median", "Median", length(report.median)], ["p75", "p75", length(report.p75)], ["p95", "p95", length(report.p95)]];
  return h("dl", { class: "figures" }, rows.map(([name, label, value]) => h("div", {}, h("dt", {}, label), h("dd", { "data-figure": name }, String(value)))));
}
