// Unlabelled: one button that collects scans without positions, for the augmentation.

import { button, buzz, count, fill, fillOnce, h, seconds } from "./dom.js";
import { endButtons, heardBars, kindTabs, openSession, ring } from "./parts.js";
import { cutOff } from "./recordings.js";
import { drawBeacons, drawFloor, showHeard } from "./scene.js";
import { beginSession } from "./sessions_form.js";

export function openUnlabelled(app) {
  let open = null;
  const recording = () => app.recording("unlabelled");
  const draw = (state, floor) => {
    drawFloor(app.map, state, floor);
    drawBeacons(app.map, state, floor);
    fillPanel(state);
  };
  const live = (status) => {
    showHeard(app.map, status.heard);
    if ((recording()?.id ?? null) !== (open?.id ?? null)) fillPanel(app.state);
    else if (open) show(open, recording(), status);
  };
  const fillPanel = (state) => {
    const now = recording();
    if (now) {
      open = open?.id === now.id ? open : beginPanel(app, now);
      return show(open, now, app.status);
    }
    open = null;
    if (!openSession(state)) return fillOnce(app.panel, ["begin", state.version], () => [kindTabs(app, "unlabelled"), cutOff(app, state, { most: 1, kind: "unlabelled" }), beginSession(app, state)]);
    const start = async () => {
      await app.change("POST", "/recordings", { kind: "unlabelled" });
      buzz();
    };
    fillOnce(app.panel, [state.version], () => [
      kindTabs(app, "unlabelled"),
      cutOff(app, state, { most: 1, kind: "unlabelled" }),
      h("h2", {}, "Without positions"),
      h("p", { class: "muted" }, "Carry the receiver through the building as people do: where you are is not asked. Training uses these scans to make more of the labelled ones."),
      button(app, "Start", start, { kind: "primary huge wide", icon: "record", id: "start" }),
    ]);
  };
  return { draw, live };
}

function beginPanel(app, recording) {
  const finished = async () => {
    const { elapsed_s = 0, adverts = 0 } = app.recording("unlabelled") ?? {};
    await app.end(recording.id, "finish");
    app.say(`Saved: ${seconds(elapsed_s)}, ${count(adverts, "packet")}`);
  };
  const discarded = async () => {
    if (!(await app.ask("Discard what was heard?", "Neither training nor coverage reads it then.", "Discard"))) return;
    await app.end(recording.id, "discard");
    app.say("Discarded");
  };
  const open = { id: recording.id, ring: ring(null), numbers: h("p", { class: "numbers", id: "numbers" }), bars: h("div", {}) };
  fill(app.panel, h("h2", { class: "standing" }, "Walk about as people do"), h("div", { class: "ring-row" }, open.ring.element, h("div", { class: "ring-words" }, open.numbers, open.bars)), endButtons(app, { finished, discarded }).element);
  return open;
}

function show(open, recording, { heard }) {
  open.ring.set(recording, true);
  open.numbers.textContent = `${count(recording.adverts, "packet")}, ${count(recording.beacons, "beacon")}, ${count(recording.scans, "scan")}`;
  fill(open.bars, heardBars(heard, 4));
}
