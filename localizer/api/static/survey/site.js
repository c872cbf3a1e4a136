// Site: floors, the plan, and the way to outline, beacons and scale.

import { pick } from "./dialogs.js";
import { button, count, field, fileButton, fill, form, h } from "./dom.js";
import { sheet } from "./dialogs.js";
import { undoButton } from "./parts.js";
import { drawBeacons, drawFloor, drawPoints, isPicture, isScaled } from "./scene.js";

const PLAN_TYPES = ".png,.jpg,.jpeg,.svg,.geojson,.json,image/png,image/jpeg,image/svg+xml,application/geo+json";

export function openSite(app) {
  const draw = (state, floor) => {
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor, { labels: false });
    drawPoints(app.map, state, floor, { text: () => null });
    fill(app.panel, h("h2", {}, "Site"), steps(app, state, floor), floors(app, state, floor), undoButton(app, state));
  };
  return { draw };
}

function steps(app, state, floor) {
  const plan = state.plans[floor.id];
  const beacons = state.site.beacons.filter((one) => one.floor === floor.id).length;
  return h("ol", { class: "steps" },
    planStep(app, floor, plan),
    isPicture(plan) && step("Scale", isScaled(plan) ? `1 m is ${(1 / plan.m_per_px).toFixed(1)} pixels` : "not measured yet", isScaled(plan), [button(app, isScaled(plan) ? "Measure again" : "Measure", () => app.go("scale"), { icon: "ruler", kind: isScaled(plan) ? "" : "primary", id: "to-scale" })]),
    step("Outline", outlineWords(floor), true, [button(app, "Outline, blocked areas", () => app.go("area"), { icon: "area", id: "to-area" })]),
    step("Beacons", beacons ? `${count(beacons, "beacon")} on this floor` : "none on this floor yet", beacons > 0, [button(app, "Place beacons", () => app.go("beacons"), { icon: "beacon", id: "to-beacons" })]),
  );
}

function outlineWords(floor) {
  const [xs, ys] = [floor.outline.map(([x]) => x), floor.outline.map(([, y]) => y)];
  const size = `${(Math.max(...xs) - Math.min(...xs)).toFixed(1)} × ${(Math.max(...ys) - Math.min(...ys)).toFixed(1)} m`;
  return floor.blocked.length ? `${size}, ${count(floor.blocked.length, "blocked area")}` : size;
}

function step(title, words, done, actions) {
  return h("li", { class: done ? "step done" : "step" }, h("div", {}, h("h3", {}, title), h("p", {}, words)), h("div", { class: "step-actions" }, actions));
}

function planStep(app, floor, plan) {
  const upload = async (file) => {
    await app.change("PUT", `/plans/${encodeURIComponent(floor.id)}`, file, "The plan is saved", "application/octet-stream");
    app.map.fit();
    if (isPicture(app.state.plans[floor.id]) && !isScaled(app.state.plans[floor.id])) app.go("scale");
  };
  const remove = async () => {
    if (!(await app.ask("Remove the plan?", "Outline, beacons and points stay as they are.", "Remove the plan"))) return;
    await app.change("DELETE", `/plans/${encodeURIComponent(floor.id)}`, undefined, "The plan is removed");
  };
  const words = plan ? planWords(plan) : "PNG, JPG, SVG or GeoJSON; a photo of the fire escape plan will do";
  return step("Floor plan", words, Boolean(plan), [
    fileButton(app, plan ? "Replace" : "Upload", PLAN_TYPES, upload, { kind: plan ? "" : "primary", id: "plan-file" }),
    plan && button(app, "Remove", remove, { kind: "danger-quiet", icon: "trash", id: "plan-remove" }),
  ]);
}

function planWords(plan) {
  const kind = { "image/png": "PNG", "image/jpeg": "JPG", "image/svg+xml": "SVG", "application/geo+json": "GeoJSON" }[plan.media_type] ?? plan.media_type;
  return plan.size_px ? `${kind}, ${plan.size_px[0]} × ${plan.size_px[1]} pixels` : kind;
}

function floors(app, state, floor) {
  const change = () =>
    pick(app, "Floors", state.site.floors.map((one) => ({ value: one.id, text: one.name, more: one.id === floor.id ? "shown now" : "show" })), { empty: "", take: (id) => app.go("site", id) });
  return h("div", { class: "row wrap" },
    state.site.floors.length > 1 && button(app, `Floor: ${floor.name}`, change, { id: "floors" }),
    button(app, "Add a floor", () => addFloor(app, state), { icon: "plus", id: "add-floor" }),
    button(app, "Name, delete", () => editFloor(app, state, floor), { icon: "pen", id: "edit-floor" }),
  );
}

function addFloor(app, state) {
  const taken = state.site.floors.map((one) => one.id);
  const free = [...Array(taken.length + 1).keys()].map(String).find((id) => !taken.includes(id));
  const submit = async ({ name, width_m, depth_m }) => {
    const [w, d] = [Number(width_m), Number(depth_m)];
    if (!(w > 0 && d > 0)) throw new Error("Width and depth must be above 0 m; a guess is enough, the outline can be drawn afterwards.");
    await app.change("POST", "/floors", { id: free, name: name.trim() || `Floor ${free}`, outline: [[0, 0], [w, 0], [w, d], [0, d]], blocked: [], walls: [] }, "The floor is added");
    app.dialog.close();
    app.go("site", free);
  };
  sheet(app, "Add a floor", form(app, [
    field("Name", "name", { placeholder: `Floor ${free}` }),
    h("div", { class: "row equal" }, field("Width, m", "width_m", { type: "number", inputmode: "decimal", min: "1", step: "any", value: "20" }), field("Depth, m", "depth_m", { type: "number", inputmode: "decimal", min: "1", step: "any", value: "15" })),
  ], "Add the floor", submit, { id: "floor-form" }));
}

function editFloor(app, state, floor) {
  const path = `/floors/${encodeURIComponent(floor.id)}`;
  const rename = async ({ name }) => {
    await app.change("PUT", path, { ...floor, name: name.trim() || floor.name }, "The name is saved");
    app.dialog.close();
  };
  const remove = async () => {
    app.dialog.close();
    if (!(await app.ask(`Delete ${floor.name}?`, "Its plan, outline and beacons go with it. It can be undone.", "Delete the floor"))) return;
    await app.change("DELETE", path, undefined, "The floor is deleted");
    app.go("site", null);
  };
  const several = state.site.floors.length > 1;
  sheet(app, floor.name, [
    form(app, [field("Name", "name", { value: floor.name })], "Save the name", rename),
    several ? button(app, "Delete this floor", remove, { kind: "danger-quiet wide", icon: "trash", id: "delete-floor" }) : h("p", { class: "muted" }, "The only floor of a site cannot be deleted."),
  ]);
}
