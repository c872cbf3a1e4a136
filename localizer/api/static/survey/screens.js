// All screens by their name in the address; a tab has several.

import { openArea } from "./area.js";
import { openBeacons } from "./beacons.js";
import { openCheck } from "./check.js";
import { openCoverage } from "./coverage.js";
import { openMore } from "./more.js";
import { openPoints } from "./points.js";
import { openRecord } from "./record.js";
import { openScale } from "./scale.js";
import { openSessions } from "./sessions.js";
import { openSite } from "./site.js";
import { openUnlabelled } from "./unlabelled.js";
import { openUpkeep } from "./upkeep.js";
import { openWalk } from "./walk.js";

export const TABS = [["site", "Site"], ["points", "Points"], ["record", "Record"], ["coverage", "Coverage"], ["more", "More"]];

export const SCREENS = {
  site: { title: "Site", tab: "site", open: openSite },
  scale: { title: "Scale of the plan", tab: "site", open: openScale },
  area: { title: "Outline and blocked areas", tab: "site", open: openArea },
  beacons: { title: "Beacons", tab: "site", open: openBeacons },
  points: { title: "Points", tab: "points", open: openPoints },
  record: { title: "Record", tab: "record", open: openRecord },
  walk: { title: "Walk", tab: "record", open: openWalk },
  unlabelled: { title: "Unlabelled", tab: "record", open: openUnlabelled },
  coverage: { title: "Coverage", tab: "coverage", open: openCoverage },
  more: { title: "More", tab: "more", open: openMore },
  check: { title: "Check walk", tab: "more", open: openCheck },
  sessions: { title: "Sessions", tab: "more", open: openSessions },
  upkeep: { title: "Upkeep", tab: "more", open: openUpkeep },
};
