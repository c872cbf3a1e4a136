// Recordings that were cut off: go on with one, keep it, or discard it.

import { button, count, day, h, pointName, seconds } from "./dom.js";
import { recordingName } from "./parts.js";
import { resume } from "./sessions_form.js";

/** What stands in the panel for those that wait for somebody; null if there are none. */
export function cutOff(app, state, { most = 3, kind = null } = {}) {
  const waiting = state.recordings.filter((one) => one.status === "incomplete" && (kind === null || one.kind === kind));
  if (!waiting.length) return null;
  return h("section", { class: "cut-off" }, h("h3", {}, `${count(waiting.length, "recording")} cut off`), waiting.slice(0, most).map((one) => card(app, state, one)));
}

function card(app, state, recording) {
  const path = `/recordings/${encodeURIComponent(recording.id)}`;
  const name = recordingName(state, recording, pointName);
  const keep = () => app.change("POST", `${path}/complete`, undefined, `${name} is kept as it is`);
  const discard = async () => {
    if (!(await app.ask(`Discard ${name}?`, "Neither training nor coverage reads it then.", "Discard"))) return;
    await app.change("POST", `${path}/discard`, undefined, `${name} is discarded`);
  };
  const words = `${day(recording.started_utc)}: ${seconds(recording.duration_s ?? 0)}, ${count(recording.adverts, "packet")} kept`;
  return h("div", { class: "card", "data-recording": recording.id },
    h("p", {}, h("strong", {}, name), h("br"), words),
    h("div", { class: "row wrap" },
      button(app, "Go on", () => goOn(app, recording), { kind: "primary" }),
      button(app, "Keep", keep), button(app, "Discard", discard, { kind: "danger-quiet" })),
  );
}

async function goOn(app, recording) {
  if (app.state.session === null) await resume(app, { id: recording.session });
  const body = { kind: recording.kind, resumes: recording.id };
  if (recording.kind === "walk") {
    app.resumesWalk = recording.id;
    app.go("walk");
    return app.say("Tap where you stand now, then start");
  }
  if (recording.kind === "point") {
    body.point = recording.point;
    if (recording.heading_deg !== null) body.heading_deg = recording.heading_deg;
  }
  app.go(recording.kind === "point" ? "record" : "unlabelled");
  await app.change("POST", "/recordings", body);
}
