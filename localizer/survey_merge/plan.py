"""How two surveys become one, decided before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from localizer.scans import Fingerprint
from localizer.site import Site, site_to_toml
from localizer.survey import BeaconChange, FloorPlan, Recording
from localizer.survey.dump import CutFingerprint, NumberedChange, Record, StoredEdit
from localizer.survey_merge.differences import Choices, Side
from localizer.survey_merge.opened import Opened
from localizer.survey_merge.points import MergedPoints, merge_points
from localizer.survey_merge.sessions import MergedSessions, merge_sessions
from localizer.survey_merge.sites import (
    merge_changes,
    merge_plans,
    merge_sites,
    refuse_other_sites,
)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """How two surveys become one."""

    site: Site
    changes: tuple[BeaconChange, ...]
    plans: tuple[FloorPlan, ...]
    points: MergedPoints
    sessions: MergedSessions
    choices: Choices


def make_plan(a: Opened, b: Opened, winner: Side | None, site_of: Side | None) -> MergePlan:
    """Return how two surveys become one.

    Args:
        a: one.
        b: the other.
        winner: who is believed in a conflict; None if nobody has chosen.
        site_of: whose site it is, where the ids differ.

    Raises:
        SurveyError: they are of different sites.
    """
    choices = Choices(winner)
    refuse_other_sites(a.survey.site, b.survey.site, site_of)
    ours, theirs = a.survey.beacon_changes.all(), b.survey.beacon_changes.all()
    site = merge_sites(
        a.survey.site, b.survey.site, choices, changes=(ours, theirs), site_of=site_of
    )
    changes = merge_changes(ours, theirs, choices)
    plans = merge_plans(a.plans, b.plans, choices)
    points = merge_points(a, b, choices)
    sessions = merge_sessions(a, b, choices, points=(points.ids_of_a, points.ids_of_b))
    return MergePlan(site, changes, plans, points, sessions, choices)


def merged_records(a: Opened, b: Opened, plan: MergePlan, now: datetime) -> Iterator[Record]:
    """Yield all that the merged survey holds, in an order in which it can be restored."""
    yield from plan.sessions.sessions.values()
    yield from plan.points.points
    yield from plan.plans
    yield from _history(a, b, plan, now)
    yield from plan.sessions.of_a.records(a.survey)
    yield from plan.sessions.of_b.records(b.survey)


def _history(a: Opened, b: Opened, plan: MergePlan, now: datetime) -> Iterator[Record]:
    """Yield what became of beacons, and A's edits with the merge as the last one.

    B's own edits end with its site, which is in the merged one: they cannot be undone one by one.
    """
    numbers: dict[int, BeaconChange] = {}
    edits: list[StoredEdit] = []
    for record in a.survey.dump():
        if isinstance(record, NumberedChange):
            numbers[record.number] = record.change
        elif isinstance(record, StoredEdit):
            edits.append(record)
        elif isinstance(record, Recording | Fingerprint | CutFingerprint):
            break
    kept = {number: change for number, change in numbers.items() if change in plan.changes}
    new = [change for change in plan.changes if change not in kept.values()]
    following = max(numbers, default=0) + 1
    for number, change in [*kept.items(), *enumerate(new, start=following)]:
        yield NumberedChange(number, change)
    for edit in edits:
        known = edit.beacon_change in (None, *kept)
        yield edit if known else replace(edit, beacon_change=None)
    if plan.site != a.survey.site:
        yield StoredEdit(now, f"merged with {b.name}", site_to_toml(a.survey.site))
