// The live map: reads /v1/site and /v1/health, follows /v1/stream, and says what it knows.

import { FloorView } from "/floor.js";
import { causeText, showError, showFix, showHealth, showSite, showStatus } from "/panels.js";

const HEALTH_EVERY_MS = 3000;
const HEALTH_TIMEOUT_MS = 4000; // a service that takes longer is not there
const RETRY_MS = 1500;

const view = new FloorView(document.getElementById("floor"));
const state = { connected: false, health: null, fix: null, site: "", errors: 0, count: 0, dirty: false };

async function get(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function forget() {
  Object.assign(state, { fix: null, errors: 0, count: 0 });
  view.reset();
}

async function loadSite(bundle) {
  if (state.site === bundle) return;
  const site = await get("/v1/site");
  state.site = bundle;
  forget();
  showSite(site);
  view.setSite(site);
}

function render() {
  state.dirty = false;
  const { fix, health, connected } = state;
  const source = health?.source;
  if (!connected) showStatus(health || fix ? "reconnecting" : "connecting", "no connection to the service");
  else if (health && source === null) showStatus("none", "this service answers /v1/locate only");
  else if (source?.state === "failed") showStatus("failed", source.detail);
  else if (source?.state === "ended") showStatus("ended", "the last position is from its end");
  else if (fix) showStatus(fix.status, causeText(fix.cause));
  else showStatus("no_signal", causeText("starting"));
  showFix(connected ? fix : null, connected);
  const now = connected && fix?.status === "ok" ? fix.error_m : null;
  showError(now, state.errors / state.count, state.count);
  if (connected && fix) view.show();
  else view.lose();
}

function later() {
  // A reconnect brings hundreds of fixes at once: draw the last of them.
  if (!state.dirty) requestAnimationFrame(render);
  state.dirty = true;
  if (document.hidden) render();
}

function take(fix) {
  if (state.fix && fix.seq < state.fix.seq) forget();
  state.fix = fix;
  if (fix.error_m !== null) {
    state.errors += fix.error_m;
    state.count += 1;
  }
  view.take(fix, true);
  later();
}

function follow() {
  const events = new EventSource("/v1/stream?after=0");
  events.onmessage = (event) => {
    state.connected = true;
    take(JSON.parse(event.data));
  };
  events.onopen = () => check();
  events.onerror = () => {
    check();
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS);
  };
}

let checking = null;

/** Ask how the service is; one question at a time. */
function check() {
  checking ??= ask().finally(() => (checking = null));
  return checking;
}

async function ask() {
  try {
    const health = await get("/v1/health");
    await loadSite(health.bundle.id);
    state.health = health;
    state.connected = true;
    showHealth(health);
  } catch (error) {
    console.info("no answer from the service:", error.message);
    state.connected = false;
  }
  later();
}

async function start() {
  await check();
  follow();
  setInterval(check, HEALTH_EVERY_MS);
}

start();
