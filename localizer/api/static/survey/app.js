// The survey app: header, banners, tabs, and one screen at a time under the map.

import { askYes, sheet } from "./dialogs.js";
import { count, dbm, fill, fillOnce, h, iconOf, seconds, shortName } from "./dom.js";
import { MapView } from "./map.js";
import { floorBounds, LAYERS } from "./scene.js";
import { SCREENS, TABS } from "./screens.js";
import { Store } from "./store.js";

const TOAST_MS = 4_000; // long enough to read two lines while walking
const NEWS_MS = 30_000; // what went on meanwhile, where nothing is to be done about it
const KINDS = { point: "at point", walk: "of a walk", unlabelled: "without positions" };

class App {
  constructor() {
    this.store = new Store();
    this.map = new MapView(byId("map"), LAYERS);
    this.screen = null;
    this.dialog = byId("dialog");
    this.map.onTap = (at, hit) => this.screen?.tap?.(at, hit);
    this.map.onDrag = (hit, at, done) => this.screen?.drag?.(hit, at, done);
    this.store.listen((what) => this.changed(what));
    this.store.onError = (error) => this.report(error);
    window.addEventListener("hashchange", () => this.open());
    // The token is in a cookie now; in the address somebody would read it off the screen.
    if (location.search) history.replaceState(null, "", `/survey${location.hash}`);
    this.buildTools();
    this.buildTabs();
    this.store.start();
  }

  get state() {
    return this.store.state;
  }

  get status() {
    return this.store.status;
  }

  /** The floor that is looked at: in the address, so that a reload keeps it. */
  get floor() {
    const floors = this.state.site.floors;
    return floors.find((floor) => floor.id === this.wantedFloor) ?? floors[0] ?? null;
  }

  /** The open recording, if it is of this kind; not one that this phone has just ended. */
  recording(kind) {
    const recording = this.status?.recording ?? null;
    return recording?.kind === kind && recording.id !== this.endedId ? recording : null;
  }

  /** End the open recording; `how` is finish or discard. */
  async end(id, how) {
    const answer = await this.store.call("POST", `/recordings/current/${how}?recording=${encodeURIComponent(id)}`);
    this.endedId = id; // the next event says so, half a second later
    await this.store.refresh();
    return answer;
  }

  buildTools() {
    for (const [id, icon, action] of [["zoom-in", "plus", () => this.map.zoom(1.5)], ["zoom-out", "minus", () => this.map.zoom(1 / 1.5)], ["zoom-fit", "fit", () => this.map.fit()]]) {
      byId(id).append(iconOf(icon));
      byId(id).addEventListener("click", action);
    }
    byId("source").addEventListener("click", () => this.showSource());
    byId("floor").addEventListener("change", (event) => this.go(this.name, event.target.value));
  }

  buildTabs() {
    const links = TABS.map(([name, label]) => h("a", { href: `#${name}`, "data-tab": name }, iconOf(name), h("span", {}, label)));
    for (const link of links) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.go(link.dataset.tab);
      });
    }
    fill(byId("tabs"), links);
  }

  /** Show a screen, on another floor if one is given. */
  go(name, floor = this.wantedFloor, more = null) {
    const parts = more === null ? [name, floor] : [name, floor ?? this.floor.id, more];
    const hash = `#${parts.filter((part) => part !== null && part !== undefined).map(encodeURIComponent).join("/")}`;
    if (location.hash === hash) this.open();
    else location.hash = hash;
  }

  open() {
    const [name, floor, more] = location.hash.slice(1).split("/").map(decodeURIComponent);
    this.wantedFloor = floor ?? null;
    this.more = more ?? null; // what a screen wants to find again after a reload
    if (!this.state) return;
    this.drawHead(); // the address may say another floor
    const chosen = SCREENS[name] ? name : this.firstScreen();
    this.screen?.leave?.();
    for (const layer of Object.values(this.map.layers)) layer.clear();
    this.hint(null);
    this.name = chosen;
    this.panel = fill(byId("panel"));
    this.panel.scrollTop = 0;
    this.panel.dataset.screen = chosen;
    this.screen = SCREENS[chosen].open(this);
    document.title = `${SCREENS[chosen].title}: survey of ${this.state.site.name}`;
    for (const link of byId("tabs").children) {
      const current = link.dataset.tab === SCREENS[chosen].tab;
      link.toggleAttribute("data-current", current);
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.draw();
    if (this.status) this.screen.live?.(this.status);
  }

  /** Where somebody who opens the page most likely wants to go on. */
  firstScreen() {
    const { recording } = this.status ?? {};
    if (recording) return recording.kind === "point" ? "record" : recording.kind;
    if (!this.state.points.length) return "site";
    return "record";
  }

  changed(what) {
    if (this.state && what === "state") {
      if (this.screen) {
        this.drawHead();
        this.draw();
      } else this.open();
    }
    if (what === "connection" && this.store.awaySince === null) byId("toasts").replaceChildren();
    if (what === "connection" && this.store.news.length) this.forgetNewsLater();
    if (what === "status" && this.status && this.state) this.screen?.live?.(this.status);
    this.drawSource();
    this.drawBanners();
  }

  draw() {
    const { state, floor } = this;
    if (floor && !this.screen.ownSpace?.()) this.map.show(`m ${floor.id}`, floorBounds(state, floor));
    this.screen.draw(state, floor);
  }

  drawHead() {
    const { site } = this.state;
    byId("site").textContent = site.name;
    const several = site.floors.length > 1;
    byId("floor-choice").hidden = !several;
    byId("floor-name").hidden = several;
    byId("floor-name").textContent = this.floor?.name ?? "";
    fillOnce(byId("floor"), [site.floors.map((floor) => [floor.id, floor.name]), this.floor?.id], () =>
      site.floors.map((floor) => h("option", { value: floor.id, selected: floor.id === this.floor.id }, floor.name)),
    );
    byId("floor").value = this.floor?.id ?? "";
  }

  drawSource() {
    const { status } = this;
    const away = this.store.awaySince !== null;
    const state = away ? "away" : (status?.source.state ?? "connecting");
    const heard = status?.heard.length ?? 0;
    const words = {
      away: "No connection", connecting: "Connecting…", opening: "Radio starts…", recovering: "Radio away",
      ended: "Radio ended", failed: "Radio failed", running: heard ? count(heard, "beacon") : "Nothing heard",
    };
    const chip = byId("source");
    chip.dataset.state = state === "running" && !heard ? "quiet" : state;
    chip.setAttribute("aria-label", `Radio: ${words[state] ?? state}. Show details`);
    byId("source-words").textContent = words[state] ?? state;
  }

  drawBanners() {
    const banners = [];
    const { status, store } = this;
    if (store.awaySince !== null) {
      const at = new Date(store.awaySince).toLocaleTimeString("en-GB");
      const goes = status?.recording ? " The recording goes on there, unless the service itself has stopped." : "";
      banners.push(["away", "bad", store.refusal ?? `No connection to the survey service since ${at}.${goes} Trying again every second.`]);
    } else if (status) {
      banners.push(...problemBanners(status));
    }
    if (store.news.length) banners.push(["news", "info", store.news.join(" ")]);
    const elsewhere = this.recordingElsewhere();
    if (elsewhere) banners.push(elsewhere);
    fillOnce(byId("banners"), banners, () => banners.map((banner) => this.banner(...banner)));
  }

  recordingElsewhere() {
    const recording = this.store.awaySince === null ? this.status?.recording : null;
    if (!recording || !this.state || this.name === screenOf(recording)) return null;
    return ["recording", "info", `Recording ${KINDS[recording.kind]} goes on.`, "Show"];
  }

  banner(name, kind, words, action = null) {
    const close = name === "news" && h("button", { type: "button", class: "banner-button", onclick: () => this.forgetNews() }, "OK");
    const show = action && h("button", { type: "button", class: "banner-button", onclick: () => this.go(screenOf(this.status.recording)) }, action);
    return h("div", { class: `banner ${kind}`, id: `banner-${name}` }, h("p", {}, words), close, show);
  }

  forgetNewsLater() {
    clearTimeout(this.forgetting);
    const waiting = this.state.recordings.some((one) => one.status === "incomplete");
    if (!waiting) this.forgetting = setTimeout(() => this.forgetNews(), NEWS_MS);
  }

  forgetNews() {
    this.store.news = [];
    this.drawBanners();
  }

  showSource() {
    const { status } = this;
    if (!status) return;
    const { source, heard } = status;
    const dropped = Object.entries(source.dropped).map(([reason, number]) => `${number} ${reason.replaceAll("_", " ")}`);
    sheet(this, "Radio", [
      h("dl", { class: "facts" }, facts([
        ["Source", source.name], ["State", source.state], ["Reason", source.reason?.replaceAll("_", " ")], ["In words", source.detail],
        ["Came back", source.restarts ? count(source.restarts, "time") : null], ["Packets given", source.given.toLocaleString("en")],
        ["Left out", dropped.join(", ") || null],
      ])),
      h("h3", {}, "Heard now, loudest first"),
      heard.length ? heardTable(heard, this.state) : h("p", { class: "muted" }, "Nothing. Are the beacons switched on, and near?"),
    ]);
  }

  /** Say something for a while; taps go through it, onto the map. */
  say(words, kind = "good") {
    const toast = h("p", { class: `toast ${kind}` }, words);
    byId("toasts").replaceChildren(toast);
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => toast.remove(), kind === "bad" ? 3 * TOAST_MS : TOAST_MS);
  }

  /** Say what went wrong; the service's words say what to do. */
  report(error) {
    if (error.message === "") return;
    if (this.dialog.open) this.reportInSheet(error);
    else this.say(error.message, "bad");
    if (error.name === "TypeError" || error.name === "ReferenceError") throw error;
  }

  reportInSheet(error) {
    const body = this.dialog.querySelector(".sheet-body");
    body.querySelector(".refused")?.remove();
    body.prepend(h("p", { class: "refused", role: "alert" }, error.message));
    this.dialog.scrollTop = 0;
  }

  /** Words over the map's upper edge: what a tap would do. */
  hint(words) {
    byId("map-hint").hidden = !words;
    byId("map-hint").textContent = words ?? "";
  }

  ask(title, words, yes) {
    return askYes(this, title, words, yes);
  }

  /** Change the survey, then say so. */
  async change(method, path, body, said = null, mediaType = undefined) {
    const answer = await this.store.change(method, path, body, mediaType);
    if (said) this.say(said);
    return answer;
  }
}

function screenOf(recording) {
  return recording.kind === "point" ? "record" : recording.kind;
}

function problemBanners({ source, recording, recorder, storage_error }) {
  const banners = [];
  if (source.state === "recovering" || source.state === "failed" || source.state === "ended") {
    const why = source.detail ?? source.reason?.replaceAll("_", " ") ?? "no reason given";
    const what = { recovering: "The radio is away and tried again by itself", failed: "The radio has failed", ended: "The source has ended" };
    banners.push(["source", "bad", `${what[source.state]}: ${why}`]);
  }
  if (storage_error) banners.push(["storage", "bad", `${recorder === "failed" ? "Recording has stopped" : "The survey file cannot be written; what is heard is held meanwhile"}: ${storage_error.detail ?? storage_error.reason}`]);
  if (recording?.lost) banners.push(["lost", "bad", `${count(recording.lost, "packet")} of this recording could not be kept. Record it again.`]);
  return banners;
}

export function facts(pairs) {
  return pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]);
}

function heardTable(heard, state) {
  const placed = new Set(state.site.beacons.filter((beacon) => beacon.floor !== null).map((beacon) => beacon.id));
  const rows = heard.map((one) =>
    h("tr", {}, h("th", { scope: "row" }, shortName(one.beacon), !placed.has(one.beacon) && h("small", {}, "not on the map")), h("td", {}, dbm(one.median_dbm)), h("td", {}, `${one.rate_hz.toFixed(1)}/s`), h("td", {}, seconds(one.last_s))),
  );
  const head = ["Beacon", "Median", "Rate", "Ago"].map((name) => h("th", { scope: "col" }, name));
  return h("table", { class: "heard-table" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

function byId(id) {
  return document.getElementById(id);
}

window.app = new App();
