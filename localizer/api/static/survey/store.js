// The one place that talks to the service. What a survey is comes from it alone: a reload, or a
// second phone, shows the same.

const SILENCE_MS = 4_000; // events come twice a second: after this long the connection is dead
const AGAIN_MS = 1_000; // between two attempts to connect
const ANSWER_MS = 30_000; // a plan of 25 MB over a slow network

/** The service refused; the message is its own, with what to do. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `the service answered with status ${status}`);
    this.status = status;
    this.code = problem.code ?? problem.type ?? "";
  }
}

/** The service did not answer at all; without words where nothing was to be changed: the banner says it. */
export class Away extends Error {}

export class Store {
  constructor() {
    this.state = null; // as GET /v1/survey has it
    this.status = null; // as the last event has it
    this.awaySince = null; // ms since 1970
    this.refusal = null; // why, if the service is there and has said so
    this.news = []; // what went on while the service was away
    this.listeners = new Set();
    this.coverages = new Map();
    this.onError = () => {};
  }

  start() {
    this.connect();
    setInterval(() => this.watch(), 500);
    document.addEventListener("visibilitychange", () => document.hidden || this.watch());
    window.addEventListener("online", () => this.awaySince && this.connect());
  }

  /** Call `listener(what)` after each change; `what` is state, status or connection. */
  listen(listener) {
    this.listeners.add(listener);
  }

  tell(what) {
    for (const listener of this.listeners) listener(what);
  }

  connect() {
    this.events?.close();
    this.heardAt = Date.now();
    this.events = new EventSource("/v1/survey/events");
    this.events.addEventListener("status", (event) => this.take(JSON.parse(event.data)));
    this.events.addEventListener("error", () => this.lose());
  }

  take(status) {
    this.heardAt = Date.now();
    const before = this.status;
    this.status = status;
    if (this.awaySince !== null) this.comeBack(before).catch(this.onError);
    else if (this.state?.version !== status.version && !this.reading) this.refresh().catch(this.onError);
    this.tell("status");
  }

  watch() {
    const now = Date.now();
    if (this.awaySince === null && now - this.heardAt > SILENCE_MS) this.lose();
    else if (this.awaySince !== null && now - this.triedAt > AGAIN_MS) this.retry();
  }

  lose() {
    this.events.close();
    this.triedAt = Date.now();
    if (this.awaySince === null) {
      this.awaySince = this.heardAt;
      this.tell("connection");
      this.askWhy();
    }
  }

  /** An event stream does not say why it was refused; a plain request does. */
  async askWhy() {
    this.refusal = await this.get("").then(() => null, (error) => (error instanceof Refused ? error.message : null));
    this.tell("connection");
  }

  retry() {
    this.triedAt = Date.now();
    if (this.events.readyState === EventSource.CLOSED || Date.now() - this.heardAt > SILENCE_MS) this.connect();
  }

  async comeBack(before) {
    const away_s = (Date.now() - this.awaySince) / 1000;
    [this.awaySince, this.refusal] = [null, null];
    const old = this.state;
    await this.refresh();
    if (old) this.news = whatWentOn(before, old, this.status, this.state, away_s);
    this.tell("connection");
  }

  /** Read the whole state again. */
  async refresh() {
    if (this.reading) {
      this.stale = true;
      return this.reading;
    }
    this.reading = this.read().finally(() => (this.reading = null));
    return this.reading;
  }

  async read() {
    do {
      this.stale = false;
      try {
        this.state = await this.get("");
      } catch (error) {
        if (error instanceof Away) return;
        throw error;
      }
    } while (this.stale);
    this.coverages.clear();
    this.tell("state");
  }

  /** Return what has been surveyed on a floor, read once for each version of the survey. */
  coverage(floor, cell_m = 2) {
    const key = `${floor} ${cell_m}`;
    if (!this.coverages.has(key)) {
      this.coverages.set(key, this.get(`/coverage?floor=${encodeURIComponent(floor)}&cell_m=${cell_m}`));
    }
    return this.coverages.get(key);
  }

  get(path) {
    return this.call("GET", path);
  }

  /** Change something, then read the state: the page never guesses what came of it. */
  async change(method, path, body, mediaType) {
    const answer = await this.call(method, path, body, mediaType);
    await this.refresh();
    return answer;
  }

  async call(method, path, body, mediaType = "application/json") {
    const options = { method, signal: AbortSignal.timeout(ANSWER_MS), headers: {} };
    if (body !== undefined) {
      options.headers["Content-Type"] = mediaType;
      options.body = mediaType === "application/json" ? JSON.stringify(body) : body;
    }
    let response;
    let text;
    try {
      response = await fetch(`/v1/survey${path}`, options);
      text = await response.text();
    } catch {
      throw new Away(method === "GET" ? "" : "The survey service does not answer: nothing was changed. Try again when it is back.");
    }
    const answer = text === "" ? null : parsed(text);
    if (!response.ok) throw new Refused(response.status, answer ?? {});
    return answer;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 200) };
  }
}

/** Say in words what happened between two looks at the survey. */
export function whatWentOn(before, oldState, after, state, away_s) {
  const lines = [`Connected again after ${Math.max(1, Math.round(away_s))} s.`];
  const was = before?.recording;
  const now = after.recording;
  if (was && now?.id === was.id) {
    lines.push(`The recording went on: ${now.adverts - was.adverts} packets more, none of them lost to the break.`);
  } else if (was) {
    lines.push(fateOf(state.recordings.find((one) => one.id === was.id)));
  } else if (now) {
    lines.push("A recording was begun meanwhile, from another phone.");
  }
  if (!was && state.version !== oldState.version) lines.push("The survey was changed meanwhile, from another phone.");
  return lines;
}

function fateOf(recording) {
  if (!recording) return "The recording was deleted meanwhile.";
  const words = {
    complete: "The recording was finished meanwhile, from another phone.",
    discarded: "The recording was discarded meanwhile, from another phone.",
    incomplete: `The service was restarted and the recording cut off; ${recording.adverts} packets of it are kept. Go on with it, keep it as it is, or discard it.`,
  };
  return words[recording.status] ?? "The recording goes on.";
}
