// What is drawn but not saved yet, kept in the phone: a reload, a look at another screen or a
// service that is away loses nothing of it.

const PREFIX = "localizer draft";

/** The draft of one screen on one floor; `of` tells one drawing from the next, such as a plan. */
export class Draft {
  constructor(app, screen, floorId, of = "") {
    this.key = [PREFIX, app.state.site.id, floorId, screen, of].join(" / ");
  }

  /** What was kept last; null if there is nothing. */
  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null; // a browser that keeps nothing, or what somebody else wrote
    }
  }

  keep(value) {
    try {
      localStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // A private window may keep nothing: then it is lost by a reload, as it always was there.
    }
  }

  drop() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // There was none either.
    }
  }
}
