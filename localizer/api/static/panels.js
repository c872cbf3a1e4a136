// Everything around the floor: status, figures, beacons heard, the locator. Text only, never markup.

import { shortName, strength } from "/floor.js";

const byId = (id) => document.getElementById(id);

const LABELS = {
  ok: "Live",
  no_signal: "No signal",
  stale: "Stale",
  out_of_area: "Out of area",
  reconnecting: "Reconnecting…",
  connecting: "Connecting…",
  ended: "Source ended",
  failed: "Source failed",
  none: "No live source",
};

const CAUSES = {
  starting: "listening for the first window",
  nothing_heard: "nothing heard",
  no_known_beacon: "only beacons heard that the locator does not know",
  too_few_beacons: "too few beacons heard",
  outside_floor: "what is heard fits no place on this floor",
  not_a_number: "the locator gave no number",
  source_silent: "nothing has come from the source for a while",
  source_ended: "the source has nothing more to give",
  source_failed: "the source has failed",
};

function say(id, text) {
  const element = byId(id);
  // Unchanged text stays untouched, so that a screen reader is not told the same every second.
  if (element.textContent !== text) element.textContent = text;
}

export function causeText(cause) {
  return cause ? (CAUSES[cause] ?? cause.replaceAll("_", " ")) : "";
}

export function showStatus(state, cause) {
  byId("status").dataset.state = state;
  say("status-label", LABELS[state] ?? state);
  say("status-cause", cause ? cause[0].toUpperCase() + cause.slice(1) : "");
}

export function showSite(site) {
  const floor = site.floors.find((one) => one.id === site.floor);
  say("site", site.name);
  say("floor-name", floor.name);
  installed = site.beacons.filter((beacon) => beacon.used).length;
  document.title = `${site.name}: live map`;
}

export function showFix(fix, connected) {
  const ok = fix !== null && fix.status === "ok";
  say("x", ok ? fix.x_m.toFixed(2) : "–");
  say("y", ok ? fix.y_m.toFixed(2) : "–");
  const spread = ok && fix.r68_m !== null;
  byId("spread-words").hidden = !spread;
  byId("legend-spread").hidden = !spread;
  if (spread) {
    say("r68", metres(fix.r68_m));
    say("r95", metres(fix.r95_m));
  }
  showHeard(fix === null ? [] : fix.heard);
  const waiting = connected ? "Waiting for the first fix." : "Waiting for the service.";
  say("heard-none", fix === null ? waiting : "Nothing heard.");
}

export function showError(now, mean, count) {
  byId("error").hidden = count === 0;
  byId("legend-truth").hidden = count === 0;
  say("error-now", now === null ? "–" : `${now.toFixed(2)} m`);
  say("error-mean", count ? `${mean.toFixed(2)} m` : "–");
  say("error-count", String(count));
}

const rows = new Map();
let installed = 0;

function row(id) {
  if (!rows.has(id)) {
    const item = document.createElement("li");
    const [name, track, bar, level] = ["span", "div", "div", "span"].map((tag) => document.createElement(tag));
    [name.className, track.className, bar.className, level.className] = ["name", "track", "bar", "level"];
    name.textContent = shortName(id);
    name.title = id;
    item.dataset.beacon = id;
    track.append(bar);
    item.append(name, track, level);
    rows.set(id, { item, bar, level });
  }
  return rows.get(id);
}

function showHeard(heard) {
  const items = heard.map(({ beacon, rssi_dbm: dbm }) => {
    const { item, bar, level } = row(beacon);
    bar.style.width = `${Math.round(100 * strength(dbm))}%`;
    level.textContent = `${dbm.toFixed(1).replace("-", "−")} dBm`;
    return item;
  });
  byId("heard").replaceChildren(...items);
  byId("heard-none").hidden = items.length > 0;
  say("heard-count", items.length ? `${items.length} of ${installed}` : "");
}

export function showHealth(health) {
  const { bundle, source, versions } = health;
  const method = plain(bundle.method);
  say("method", bundle.is_baseline ? `Baseline: ${method}` : capital(method));
  byId("baseline").hidden = !bundle.is_baseline;
  say("baseline", "No trained network was better in cross-validation: this simple method is what runs.");
  showMetrics(bundle.metrics, bundle.method);
  say("metrics-note", bundle.metrics_note);
  say("bundle", bundle.id);
  say("source", source === null ? "none" : `${source.name} (${source.state})`);
  say("service", `Localizer ${versions.localizer}, up ${duration(health.uptime_s)}`);
}

function showMetrics(metrics, method) {
  byId("metrics").hidden = metrics.length === 0;
  const lines = metrics.map((one) => {
    const line = document.createElement("tr");
    const remarks = [`n = ${one.n}`, one.honest ? "" : "flatters"];
    if (one.baseline !== method) remarks.push(`${plain(one.baseline)}: ${metres(one.baseline_mean_m)}`);
    const spread = `${one.ci_low_m.toFixed(2)} to ${one.ci_high_m.toFixed(2)}`;
    line.append(
      cell(one.split, remarks.filter(Boolean).join(", ")),
      cell(metres(one.mean_m), spread),
      cell(metres(one.median_m)),
      cell(metres(one.p95_m)),
    );
    return line;
  });
  document.querySelector("#metrics tbody").replaceChildren(...lines);
}

function cell(text, remark = "") {
  const [made, small] = [document.createElement("td"), document.createElement("small")];
  small.textContent = remark;
  made.append(text, small);
  return made;
}

function metres(value) {
  return `${value.toFixed(2)} m`;
}

function plain(name) {
  return name.replaceAll(/[-_]/g, " ");
}

function capital(text) {
  return /^(dnn|cnn)$/.test(text) ? text.toUpperCase() : text[0].toUpperCase() + text.slice(1);
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
