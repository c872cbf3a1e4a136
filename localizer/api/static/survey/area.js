// The walkable outline and the blocked areas: corners that are dragged, areas drawn by tapping.

import { button, fill, h, s } from "./dom.js";
import { Draft } from "./draft.js";
import { subHead, undoButton } from "./parts.js";
import { drawFloor, isScaled, planCorners } from "./scene.js";

const DRAFT_REACH_PX = 15; // less than a fingertip, so that small areas can be drawn at all

export function openArea(app) {
  const screen = new AreaScreen(app);
  return { draw: (...given) => screen.draw(...given), tap: (...given) => screen.tap(...given), drag: (...given) => screen.drag(...given) };
}

class AreaScreen {
  constructor(app) {
    this.app = app;
    this.chosen = "outline"; // or the number of a blocked area
    this.corner = null; // of the chosen one
    this.draft = null; // {what, corners}: not saved yet
    this.kept = null; // the phone's copy of it
  }

  draw(state, floor) {
    if (this.floor?.id !== floor.id) {
      this.kept = new Draft(this.app, "area", floor.id);
      this.draft = this.kept.read();
    }
    [this.state, this.floor] = [state, floor];
    if (this.chosen !== "outline" && !floor.blocked[this.chosen]) this.chosen = "outline";
    this.corners = [...(this.chosen === "outline" ? floor.outline : floor.blocked[this.chosen])];
    if (this.corner >= this.corners.length) this.corner = null;
    drawFloor(this.app.map, state, floor, { quiet: true });
    if (this.chosen !== "outline") this.app.map.layers.floor.path(floor.outline, "f-outline");
    this.paint();
    this.fillPanel();
  }

  paint() {
    const { map } = this.app;
    const layer = map.layers.draft.clear();
    const marks = map.layers.live.clear();
    if (this.draft) return this.paintDraft(layer, marks);
    layer.path(this.corners, this.chosen === "outline" ? "edit-outline" : "edit-blocked");
    this.corners.forEach((at, number) => {
      const next = this.corners[(number + 1) % this.corners.length];
      const middle = [(at[0] + next[0]) / 2, (at[1] + next[1]) / 2];
      marks.mark(middle, s("g", { class: "middle" }, s("circle", { r: 6 })), { hit: { kind: "middle", number }, drag: true });
    });
    this.corners.forEach((at, number) => {
      const shape = s("g", { class: number === this.corner ? "corner chosen" : "corner" }, s("circle", { r: 11 }));
      marks.mark(at, shape, { hit: { kind: "corner", number }, drag: true });
    });
    this.app.hint(this.corner === null ? "Drag a corner; drag the middle of an edge to add one" : "Drag the corner, or delete it below");
  }

  paintDraft(layer, marks) {
    const { corners } = this.draft;
    if (corners.length > 1) layer.path(corners, this.draft.what === "outline" ? "edit-outline" : "edit-blocked", { closed: corners.length > 2 });
    corners.forEach((at, number) => marks.mark(at, s("g", { class: number === 0 ? "corner first" : "corner" }, s("circle", { r: 11 })), { hit: { kind: "corner", number }, drag: true, reach: DRAFT_REACH_PX }));
    this.app.hint(corners.length < 3 ? "Tap the corners one after the other" : "Tap the first corner again, or Close, to end");
  }

  tap(at, hit) {
    if (this.draft) {
      if (hit?.kind === "corner" && hit.number === 0 && this.draft.corners.length > 2) return this.attempt(() => this.close());
      this.draft.corners.push(at);
      this.kept.keep(this.draft);
    } else if (hit?.kind === "corner") {
      this.corner = hit.number;
    } else {
      const blocked = this.floor.blocked.findIndex((corners) => inside(at, corners));
      this.chosen = blocked < 0 ? "outline" : blocked;
      this.corner = null;
      return this.draw(this.state, this.floor);
    }
    this.paint();
    this.fillPanel();
  }

  drag(hit, at, done) {
    const corners = this.draft ? this.draft.corners : this.corners;
    if (hit.kind === "middle") {
      corners.splice(hit.number + 1, 0, at);
      Object.assign(hit, { kind: "corner", number: hit.number + 1 });
    }
    corners[hit.number] = at;
    const layer = this.app.map.layers.draft.clear();
    layer.path(corners, this.chosen === "outline" && this.draft?.what !== "blocked" ? "edit-outline" : "edit-blocked", { closed: corners.length > 2 });
    if (!done) return;
    this.corner = hit.number;
    if (this.draft) {
      this.kept.keep(this.draft);
      this.paint();
    } else this.attempt(() => this.save(corners));
  }

  /** What is refused is drawn again as it is saved. */
  async attempt(action) {
    try {
      await action();
    } catch (error) {
      this.app.report(error);
      this.draw(this.state, this.floor);
    }
  }

  async save(corners) {
    const rounded = corners.map(([x, y]) => [tidy(x), tidy(y)]);
    if (this.chosen === "outline") await this.put({ outline: rounded });
    else await this.put({ blocked: this.floor.blocked.map((one, i) => (i === this.chosen ? rounded : one)) });
  }

  dropDraft() {
    [this.draft, this.corner] = [null, null];
    this.kept.drop();
    this.app.draw();
  }

  put(changed, said = "Saved") {
    return this.app.change("PUT", `/floors/${encodeURIComponent(this.floor.id)}`, { ...this.floor, ...changed }, said);
  }

  async close() {
    const { what, corners } = this.draft;
    const rounded = corners.map(([x, y]) => [tidy(x), tidy(y)]);
    const blocked = what === "blocked" ? [...this.floor.blocked, rounded] : this.floor.blocked;
    // Drawn on until it is saved: what is refused can be put right, and what did not arrive sent again.
    await this.put(what === "outline" ? { outline: rounded } : { blocked });
    this.chosen = what === "outline" ? "outline" : blocked.length - 1;
    this.dropDraft();
  }

  begin(what) {
    this.draft = { what, corners: [] };
    this.corner = null;
    this.kept.keep(this.draft);
    this.paint();
    this.fillPanel();
  }

  async deleteCorner() {
    if (this.corners.length <= 3) throw new Error("An area must have at least 3 corners; delete the area, or drag its corners.");
    const corners = this.corners.filter((_, number) => number !== this.corner);
    this.corner = null;
    await this.save(corners);
  }

  fillPanel() {
    fill(this.app.panel, subHead(this.app, this.draft ? drawing(this.draft) : "Outline and blocked areas", "site"), this.draft ? this.draftButtons() : this.buttons());
  }

  draftButtons() {
    const { app, draft } = this;
    const back = () => {
      draft.corners.pop();
      this.kept.keep(draft);
      this.paint();
      this.fillPanel();
    };
    return [
      h("div", { class: "row equal" }, button(app, "Cancel", () => this.dropDraft(), { id: "area-cancel" }), draft.corners.length > 0 && button(app, "Last corner", back, { icon: "undo", id: "area-back" })),
      draft.corners.length > 2 && button(app, "Close the area", () => this.attempt(() => this.close()), { kind: "primary wide", icon: "check", id: "area-close" }),
    ];
  }

  buttons() {
    const { app, state, floor } = this;
    const plan = state.plans[floor.id];
    const whole = () => this.put({ outline: planCorners(plan).map(([x, y]) => [tidy(x), tidy(y)]) }, "The outline is the plan's edge now");
    const remove = () => this.put({ blocked: floor.blocked.filter((_, i) => i !== this.chosen) }, "The blocked area is deleted");
    return [
      h("p", { class: "muted" }, this.chosen === "outline" ? "Chosen: the walkable outline. Tap into a blocked area to choose that." : `Chosen: blocked area ${this.chosen + 1}. Tap elsewhere to choose the outline.`),
      h("div", { class: "row wrap" },
        button(app, "New outline", () => this.begin("outline"), { icon: "pen", id: "new-outline" }),
        button(app, "New blocked area", () => this.begin("blocked"), { icon: "plus", id: "new-blocked" }),
        isScaled(plan) && button(app, "Outline = plan", whole, { icon: "fit", id: "outline-plan" }),
        this.corner !== null && button(app, "Delete corner", () => this.deleteCorner(), { kind: "danger-quiet", icon: "trash", id: "corner-delete" }),
        this.chosen !== "outline" && button(app, "Delete this area", remove, { kind: "danger-quiet", icon: "trash", id: "area-delete" }),
      ),
      undoButton(app, state),
    ];
  }
}

function drawing({ what }) {
  return what === "outline" ? "Draw the outline" : "Draw a blocked area";
}

function tidy(value) {
  return Math.round(value * 100) / 100;
}

function inside([x, y], corners) {
  let is = false;
  corners.forEach(([x1, y1], i) => {
    const [x2, y2] = corners[(i + 1) % corners.length];
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) is = !is;
  });
  return is;
}
