// One map: metres (or a plan's pixels) in, screen out; panned with a thumb, zoomed with two fingers.

import { s } from "./dom.js";

const REACH_PX = 26; // a fingertip: what lies nearer than this to a tap is meant
const MOVED_PX = 9; // a finger that lies still trembles by less
const FREE_PX = { left: 26, right: 68, top: 60, bottom: 44 }; // for words and buttons, where all is shown
const HELD_PX = 90; // by which the panel may grow and shrink without anything on the map moving: a button, a line
const SCALES = [0.02, 4000]; // screen pixels in a unit
const LABEL_PX = { letter: 8.4, height: 17 };

class Layer {
  constructor(map, name) {
    this.map = map;
    this.group = s("g", { class: `layer-${name}` });
    this.items = [];
  }

  clear() {
    this.group.replaceChildren();
    this.items = [];
    return this;
  }

  add(element, place, item = {}) {
    this.group.append(element);
    this.items.push(Object.assign(item, { element, place }));
    this.map.soon();
    return element;
  }

  /** A polygon or polyline through points of the world. */
  path(points, kind, { closed = true } = {}) {
    const element = s(closed ? "polygon" : "polyline", { class: kind });
    return this.add(element, (to) => element.setAttribute("points", points.map((point) => to(point).join(",")).join(" ")));
  }

  /** An image of `size` pixels that `matrix` (a, b, c, d, e, f) puts into the world. */
  image(url, [width, height], [a, b, c, d, e, f]) {
    const element = s("image", { href: url, width, height, class: "plan", preserveAspectRatio: "none" });
    const place = (to, view) => {
      const [x, y] = to([e, f]);
      const [k, l] = [view.scale, view.scale * this.map.up];
      element.setAttribute("transform", `matrix(${a * k} ${b * l} ${c * k} ${d * l} ${x} ${y})`);
    };
    return this.add(element, place);
  }

  /** Something of constant size at a place; `hit` is what a tap or drag there means. */
  mark(at, element, { hit = null, drag = false, label = null, rank = 0, offset = [0, 0], reach = REACH_PX } = {}) {
    const item = { at, hit, drag, offset, reach, label: null, rank };
    if (label !== null) {
      item.label = s("text", { class: "label", y: -15, "text-anchor": "middle" }, label);
      item.width = label.length * LABEL_PX.letter;
      element.append(item.label);
    }
    const place = (to) => {
      item.screen = to(item.at);
      element.setAttribute("transform", `translate(${item.screen[0]} ${item.screen[1]})`);
    };
    this.add(element, place, item);
    return item;
  }
}

export class MapView {
  /** `names`: layers from the ground up. */
  constructor(svg, names) {
    this.svg = svg;
    this.layers = Object.fromEntries(names.map((name) => [name, new Layer(this, name)]));
    this.scale = s("g", { class: "scale" });
    svg.replaceChildren(hatch(), ...names.map((name) => this.layers[name].group), this.scale);
    this.views = new Map();
    this.key = null;
    this.held = 0; // pixels by which the height has changed since all was placed
    this.up = -1; // metres count upwards, pixels downwards
    this.bounds = [0, 0, 10, 10];
    this.view = null; // {x, y}: the world's point in the middle; scale: pixels in a unit
    this.pointers = new Map();
    this.onTap = () => {};
    this.onDrag = () => {};
    this.listen();
    new ResizeObserver(() => this.resize()).observe(svg);
  }

  /** Show a world; each keeps where one has looked. */
  show(key, bounds, { upwards = true } = {}) {
    const grown = key === this.key && String(bounds) !== String(this.bounds) && !this.touched;
    [this.bounds, this.up] = [bounds, upwards ? -1 : 1];
    if (key !== this.key) {
      this.key = key;
      this.touched = this.views.has(key);
      this.view = this.views.get(key) ?? this.wholeView();
    } else if (grown) this.view = this.wholeView();
    this.soon();
  }

  resize() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (width === this.width && height === this.height) return;
    const grown = width === this.width ? height - this.height : Infinity;
    [this.width, this.height] = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.held += grown;
    if (this.view && Math.abs(this.held) <= HELD_PX) {
      this.view.y += grown / 2 / (this.view.scale * this.up);
    } else {
      this.held = 0;
      if (!this.touched) this.view = this.wholeView();
    }
    this.soon();
  }

  /** Show the whole world again. */
  fit() {
    this.touched = false;
    this.view = this.wholeView();
    this.views.delete(this.key);
    this.soon();
  }

  /** The view of the whole world; null before the page is laid out. */
  wholeView() {
    return this.width && this.height ? whole(this.bounds, this.width, this.height, this.up) : null;
  }

  zoom(factor) {
    this.around([this.width / 2, this.height / 2], factor);
  }

  /** Move so that a place is in sight, without zooming. */
  reveal(at) {
    if (!this.view) return;
    const [x, y] = this.toScreen(at);
    if (x > 40 && x < this.width - 40 && y > 40 && y < this.height - 40) return;
    [this.view.x, this.view.y] = at;
    this.soon();
  }

  toScreen([x, y]) {
    const { view } = this;
    return [this.width / 2 + (x - view.x) * view.scale, this.height / 2 + (y - view.y) * view.scale * this.up];
  }

  toWorld([x, y]) {
    const { view } = this;
    return [view.x + (x - this.width / 2) / view.scale, view.y + (y - this.height / 2) / (view.scale * this.up)];
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.place();
    });
  }

  place() {
    if (!this.view) return;
    const to = (point) => this.toScreen(point);
    for (const layer of Object.values(this.layers)) for (const item of layer.items) item.place(to, this.view);
    this.drawScale();
    if (this.pointers.size === 0) this.separateLabels();
  }

  /** Hide the labels that would lie on others; those of higher rank stay. */
  separateLabels() {
    const items = Object.values(this.layers).flatMap((layer) => layer.items).filter((item) => item.at);
    const taken = [];
    for (const item of items.filter((one) => one.label).sort((a, b) => b.rank - a.rank)) {
      const [x, y] = item.screen;
      const box = [x - item.width / 2, y - 15 - LABEL_PX.height, x + item.width / 2, y - 13];
      const free = !taken.some((one) => box[0] < one[2] && one[0] < box[2] && box[1] < one[3] && one[1] < box[3]);
      item.label.setAttribute("visibility", free ? "inherit" : "hidden");
      if (free) taken.push(box);
    }
  }

  drawScale() {
    if (this.up === 1) return this.scale.replaceChildren(); // pixels have no length yet
    const length = niceLength(90 / this.view.scale);
    const width = length * this.view.scale;
    const [x, y] = [14, this.height - 12];
    this.scale.replaceChildren(
      s("path", { class: "scale-bar", d: `M${x} ${y - 6}V${y}H${x + width}V${y - 6}` }),
      s("text", { class: "label", x: x + width / 2, y: y - 5, "text-anchor": "middle" }, `${Number(length.toFixed(2))} m`),
    );
  }

  /** Return the mark nearest to a place on the screen, within a fingertip. */
  markAt([x, y], { drag = false } = {}) {
    let [best, least] = [null, Infinity];
    for (const layer of Object.values(this.layers)) {
      for (const item of layer.items) {
        if (!item.at || item.hit === null || (drag && !item.drag)) continue;
        const [dx, dy] = [item.screen[0] - x, item.screen[1] - y];
        const apart = Math.min(Math.hypot(dx, dy), Math.hypot(dx + item.offset[0], dy + item.offset[1]));
        if (apart <= Math.min(least, item.reach)) [best, least] = [item, apart];
      }
    }
    return best;
  }

  listen() {
    const { svg } = this;
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", (event) => this.release(event, true));
    svg.addEventListener("pointercancel", (event) => this.release(event, false));
    svg.addEventListener("click", () => this.click());
    const wheel = (event) => {
      event.preventDefault();
      this.around(this.local(event), Math.exp(-event.deltaY / 400));
    };
    svg.addEventListener("wheel", wheel, { passive: false });
  }

  /** A tap counts when its click comes: one that opened a dialog before would close it again. */
  click() {
    const at = this.tapped;
    this.tapped = null;
    if (at) this.onTap(this.toWorld(at), this.markAt(at)?.hit ?? null);
  }

  local(event) {
    const { left, top } = this.svg.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  press(event) {
    if (event.button !== 0 || !this.view) return;
    this.svg.setPointerCapture(event.pointerId);
    this.tapped = null;
    const at = this.local(event);
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 1) {
      const mark = this.markAt(at, { drag: true });
      this.gesture = { from: at, last: at, moved: false, mark, grip: mark && [mark.screen[0] - at[0], mark.screen[1] - at[1]] };
    } else if (this.gesture) {
      this.endDrag();
      Object.assign(this.gesture, { moved: true, mark: null });
    }
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const at = this.local(event);
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) return this.pinch(before, [...this.pointers.values()]);
    const { gesture } = this;
    if (this.pointers.size > 2 || !gesture) return;
    if (!gesture.moved && Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) < MOVED_PX) return;
    gesture.moved = true;
    if (gesture.mark) this.drag(gesture, at);
    else this.pan(at[0] - gesture.last[0], at[1] - gesture.last[1]);
    gesture.last = at;
  }

  drag(gesture, at) {
    gesture.dragged = true;
    gesture.mark.at = this.toWorld([at[0] + gesture.grip[0], at[1] + gesture.grip[1]]);
    this.onDrag(gesture.mark.hit, gesture.mark.at, false);
    this.soon();
  }

  pan(dx, dy) {
    this.touched = true;
    this.view.x -= dx / this.view.scale;
    this.view.y -= dy / (this.view.scale * this.up);
    this.keep();
  }

  pinch([a, b], [c, d]) {
    const middle = [(c[0] + d[0]) / 2, (c[1] + d[1]) / 2];
    const apart = (p, q) => Math.max(20, Math.hypot(p[0] - q[0], p[1] - q[1]));
    this.pan(middle[0] - (a[0] + b[0]) / 2, middle[1] - (a[1] + b[1]) / 2);
    this.around(middle, apart(c, d) / apart(a, b));
  }

  around(at, factor) {
    if (!this.view) return;
    this.touched = true;
    const before = this.toWorld(at);
    this.view.scale = Math.min(SCALES[1], Math.max(SCALES[0], this.view.scale * factor));
    const after = this.toWorld(at);
    this.view.x += before[0] - after[0];
    this.view.y += before[1] - after[1];
    this.keep();
  }

  keep() {
    this.views.set(this.key, this.view);
    this.soon();
  }

  endDrag() {
    const { gesture } = this;
    if (gesture?.dragged) this.onDrag(gesture.mark.hit, gesture.mark.at, true);
    if (gesture) gesture.dragged = false;
  }

  release(event, sound) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { gesture } = this;
    if (this.pointers.size === 1) {
      const [left] = this.pointers.values();
      Object.assign(gesture, { last: left, moved: true, mark: null });
      return;
    }
    if (this.pointers.size > 0 || !gesture) return;
    this.gesture = null;
    if (gesture.dragged) this.onDrag(gesture.mark.hit, gesture.mark.at, true);
    else if (sound && !gesture.moved) this.tapped = gesture.from;
    this.soon();
  }
}

function whole([x0, y0, x1, y1], width, height, up) {
  const room = [Math.max(60, width - FREE_PX.left - FREE_PX.right), Math.max(60, height - FREE_PX.top - FREE_PX.bottom)];
  const scale = Math.min(room[0] / Math.max(1e-6, x1 - x0), room[1] / Math.max(1e-6, y1 - y0));
  const aside = [(FREE_PX.right - FREE_PX.left) / 2 / scale, ((FREE_PX.bottom - FREE_PX.top) / 2 / scale) * up];
  return { x: (x0 + x1) / 2 + aside[0], y: (y0 + y1) / 2 + aside[1], scale };
}

/** The largest of 1, 2, 5, 10, … that is not more than twice `length`. */
function niceLength(length) {
  const power = 10 ** Math.floor(Math.log10(length));
  return [1, 2, 5, 10].find((factor) => factor * power >= length * 0.7) * power;
}

function hatch() {
  const pattern = s("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(s("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 8 }));
  return s("defs", {}, pattern);
}
