// The floor as SVG: metres in, pixels out. The site's frame is right-handed, so y is flipped here
// and nowhere else.

const SVG = "http://www.w3.org/2000/svg";
const TRAIL_MS = 60_000; // a minute of history
const TRAIL_STEPS = 20; // shades of its fading
const MARGIN_PX = { left: 30, right: 16, top: 16, bottom: 40 };
const LOUD_DBM = -45; // full glow
const FAINT_DBM = -100; // none
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Share of full strength, 0 to 1, of a level in dBm. */
export function strength(dbm) {
  return Math.min(1, Math.max(0, (dbm - FAINT_DBM) / (LOUD_DBM - FAINT_DBM)));
}

/** What tells beacons apart for people: the end of the id. */
export function shortName(id) {
  const parts = id.split(":");
  if (parts[0] === "ibeacon") return parts.slice(2).join(":");
  const last = parts[parts.length - 1];
  return last.length > 12 ? `…${last.slice(-8)}` : last;
}

function make(tag, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

export class FloorView {
  constructor(svg) {
    this.svg = svg;
    this.beacons = new Map();
    this.trail = []; // {x, y, at} in metres and ms; null where the position was lost
    this.shown = { dot: null, truth: null };
    this.goal = { dot: null, truth: null };
    this.lost = true;
    this.radius = null;
    this.heard = new Map();
    this.site = null;
    new ResizeObserver(() => this.site && this.draw()).observe(svg);
  }

  setSite(site) {
    this.site = site;
    this.floor = site.floors.find((floor) => floor.id === site.floor);
    const [x0, y0, x1, y1] = this.floor.bounds;
    this.svg.style.setProperty("--aspect", String((y1 - y0) / (x1 - x0)));
    this.reset();
    this.draw();
  }

  reset() {
    this.trail = [];
    this.shown = { dot: null, truth: null };
    this.goal = { dot: null, truth: null };
    this.lost = true;
    this.radius = null;
    this.heard = new Map();
    if (this.layers) this.paint();
  }

  draw() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (width < 50 || height < 50) return;
    this.project = projection(this.floor.bounds, width, height);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.layers = {};
    const layers = ["ground", "glow", "beacons", "trail", "error", "dot"];
    this.svg.replaceChildren(hatch(), ...layers.map((name) => (this.layers[name] = make("g", { class: `layer-${name}` }))));
    drawGround(this.layers.ground, this.floor, this.project, width, height);
    this.drawBeacons();
    this.drawMarkers();
    this.showHeard(this.heard);
    this.paint();
  }

  drawBeacons() {
    this.beacons.clear();
    for (const beacon of this.site.beacons) {
      if (beacon.floor !== this.floor.id) continue;
      const [x, y] = this.project.point(beacon.x_m, beacon.y_m);
      const glow = make("circle", { class: "b-glow", cx: x, cy: y, r: 6 });
      const group = make("g", { class: beacon.used ? "beacon" : "beacon unused", "data-beacon": beacon.id });
      group.append(
        make("title", {}, beacon.id),
        make("circle", { class: "b-core", cx: x, cy: y, r: 4.5 }),
        make("text", { class: "b-name", x, y: y - 10 }, shortName(beacon.id)),
      );
      this.layers.glow.append(glow);
      this.layers.beacons.append(group);
      this.beacons.set(beacon.id, { glow, group });
    }
  }

  drawMarkers() {
    const { error, dot } = this.layers;
    this.errorLine = make("line", { class: "error-line", visibility: "hidden" });
    this.truth = make("circle", { class: "truth", r: 8, visibility: "hidden" });
    error.append(this.errorLine, this.truth);
    this.spread = make("circle", { class: "spread", id: "spread", visibility: "hidden" });
    this.halo = make("circle", { class: "halo", r: 24 });
    this.dot = make("circle", { class: "dot", id: "dot", r: 9 });
    this.lastSeen = make("text", { class: "last-seen", y: 26 }, "last known place");
    dot.append(this.spread, this.halo, this.dot, this.lastSeen);
  }

  /** Take one fix; `quiet` for those of the past, which need no animation. */
  take(fix, quiet) {
    const at = Date.parse(fix.time_utc);
    const ok = fix.status === "ok";
    if (ok) {
      this.goal.dot = [fix.x_m, fix.y_m];
      this.trail.push({ x: fix.x_m, y: fix.y_m, at });
    } else if (this.trail.at(-1) !== null) {
      this.trail.push(null);
    }
    this.now = at;
    this.lost = !ok;
    this.radius = ok ? fix.r68_m : null; // metres; null from a locator that does not say
    this.goal.truth = fix.truth ? [fix.truth.x_m, fix.truth.y_m] : null;
    this.heard = new Map(fix.heard.map((one) => [one.beacon, one.rssi_dbm]));
    while (this.trail.length && (this.trail[0] === null || at - this.trail[0].at > TRAIL_MS)) this.trail.shift();
    if (!quiet) this.show();
  }

  /** The position can no longer be trusted: the connection or the source has gone. */
  lose() {
    this.lost = true;
    this.radius = null;
    this.heard = new Map();
    this.goal.truth = null;
    this.show();
  }

  show() {
    if (!this.layers) return;
    this.showHeard(this.heard);
    const from = structuredClone(this.shown);
    const started = performance.now();
    const still = STILL.matches || document.hidden || this.lost || from.dot === null;
    const length = still ? 0 : 600;
    cancelAnimationFrame(this.frame);
    const step = (time) => {
      const share = length ? Math.min(1, Math.max(0, time - started) / length) : 1;
      this.shown.dot = between(from.dot, this.goal.dot, share);
      this.shown.truth = between(from.truth, this.goal.truth, share);
      this.paint();
      if (share < 1) this.frame = requestAnimationFrame(step);
    };
    step(started);
  }

  showHeard(heard) {
    for (const [id, { glow, group }] of this.beacons) {
      const level = heard.has(id) ? strength(heard.get(id)) : 0;
      set(glow, { r: 6 + 26 * level });
      glow.style.opacity = String(0.55 * level);
      group.classList.toggle("heard-now", heard.has(id));
    }
  }

  paint() {
    const { dot, truth } = this.shown;
    this.layers.dot.setAttribute("visibility", dot ? "visible" : "hidden");
    this.layers.dot.classList.toggle("lost", this.lost);
    if (dot) {
      const [x, y] = this.project.point(...dot);
      this.layers.dot.setAttribute("transform", `translate(${x} ${y})`);
      set(this.dot, { "data-x": dot[0].toFixed(3), "data-y": dot[1].toFixed(3) });
      const known = typeof this.radius === "number";
      this.spread.setAttribute("visibility", known ? "inherit" : "hidden");
      if (known) set(this.spread, { r: this.radius * this.project.scale, "data-r": this.radius.toFixed(3) });
    }
    this.truth.setAttribute("visibility", truth ? "visible" : "hidden");
    const apart = truth && dot && !this.lost;
    this.errorLine.setAttribute("visibility", apart ? "visible" : "hidden");
    if (truth) {
      const [x, y] = this.project.point(...truth);
      set(this.truth, { cx: x, cy: y });
      if (apart) {
        const [x2, y2] = this.project.point(...dot);
        set(this.errorLine, { x1: x, y1: y, x2, y2 });
      }
    }
    this.paintTrail();
  }

  paintTrail() {
    const lines = [];
    let line = null;
    for (let i = 1; i < this.trail.length; i += 1) {
      const [a, b] = [this.trail[i - 1], this.trail[i]];
      if (a === null || b === null) {
        line = null;
        continue;
      }
      // The newest stretch ends where the dot is, not where it is going.
      const end = i === this.trail.length - 1 && this.shown.dot && !this.lost ? this.shown.dot : [b.x, b.y];
      const step = Math.min(TRAIL_STEPS, Math.floor(((this.now - b.at) / TRAIL_MS) * TRAIL_STEPS));
      if (line?.step !== step) lines.push((line = { step, points: [this.project.point(a.x, a.y)] }));
      line.points.push(this.project.point(...end));
    }
    this.layers.trail.replaceChildren(
      ...lines.map(({ step, points }) => {
        const opacity = (0.65 * (1 - step / TRAIL_STEPS) ** 1.5).toFixed(3);
        return make("polyline", { points: points.map((point) => point.join(",")).join(" "), opacity });
      }),
    );
  }
}

function between(from, to, share) {
  if (from === null || to === null) return to;
  const ease = share * (2 - share);
  return from.map((value, i) => value + (to[i] - value) * ease);
}

function projection([x0, y0, x1, y1], width, height) {
  const room = [width - MARGIN_PX.left - MARGIN_PX.right, height - MARGIN_PX.top - MARGIN_PX.bottom];
  const scale = Math.min(room[0] / (x1 - x0), room[1] / (y1 - y0));
  const left = MARGIN_PX.left + (room[0] - scale * (x1 - x0)) / 2;
  const bottom = MARGIN_PX.top + (room[1] + scale * (y1 - y0)) / 2;
  return { scale, left, bottom, point: (x, y) => [left + (x - x0) * scale, bottom - (y - y0) * scale] };
}

function hatch() {
  const defs = make("defs");
  const pattern = make("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(make("line", { class: "f-hatch", x1: 0, y1: 0, x2: 0, y2: 7 }));
  defs.append(pattern);
  return defs;
}

function drawGround(layer, floor, project, width, height) {
  const path = (corners) => corners.map(([x, y]) => project.point(x, y).join(",")).join(" ");
  const line = (kind, a, b) => {
    const [[x1, y1], [x2, y2]] = [project.point(...a), project.point(...b)];
    return make("line", { class: kind, x1, y1, x2, y2 });
  };
  layer.append(make("polygon", { class: "f-outline", points: path(floor.outline) }));
  drawTicks(layer, floor, project, line);
  layer.append(...floor.blocked.map((corners) => make("polygon", { class: "f-blocked", points: path(corners) })));
  layer.append(...floor.walls.map(([a, b]) => line("f-wall", a, b)));
  const outline = make("polygon", { class: "f-outline", points: path(floor.outline) });
  outline.style.fill = "none";
  layer.append(outline, scaleBar(project, width, height));
}

function drawTicks(layer, { bounds: [x0, y0, x1, y1] }, project, line) {
  const step = niceLength(50 / project.scale);
  for (let x = Math.ceil(x0 / step) * step; x <= x1 + 1e-9; x += step) {
    const [px] = project.point(x, y0);
    layer.append(line("f-grid", [x, y0], [x, y1]));
    layer.append(make("text", { class: "f-tick", x: px, y: project.bottom + 14, "text-anchor": "middle" }, tidy(x)));
  }
  for (let y = Math.ceil(y0 / step) * step; y <= y1 + 1e-9; y += step) {
    const [, py] = project.point(x0, y);
    layer.append(line("f-grid", [x0, y], [x1, y]));
    layer.append(make("text", { class: "f-tick", x: project.left - 6, y: py + 3.5, "text-anchor": "end" }, tidy(y)));
  }
}

function scaleBar(project, width, height) {
  const metres = niceLength(70 / project.scale);
  const group = make("g", { class: "scale" });
  const [right, y] = [width - MARGIN_PX.right, height - 8];
  const left = right - metres * project.scale;
  group.append(
    make("path", { class: "f-scale", d: `M${left} ${y - 5}V${y}H${right}V${y - 5}` }),
    make("text", { x: left - 6, y, "text-anchor": "end" }, `${tidy(metres)} m`),
  );
  return group;
}

/** The largest of 1, 2, 5, 10, … that is not more than twice `metres`. */
function niceLength(metres) {
  const power = 10 ** Math.floor(Math.log10(metres));
  return [1, 2, 5, 10].find((factor) => factor * power >= metres) * power;
}

function tidy(value) {
  return String(Number(value.toFixed(2)));
}
