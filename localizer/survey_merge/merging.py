"""Survey files of several surveyors made one: nothing twice, nothing lost, every conflict shown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from localizer.errors import SurveyError
from localizer.survey import build_survey
from localizer.survey.changes import insert_change
from localizer.survey_merge.differences import Difference, Preference, Side
from localizer.survey_merge.opened import Opened, opened
from localizer.survey_merge.plan import MergePlan, make_plan, merged_records


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What came of a merge."""

    path: Path
    """The survey file; not written if there are conflicts."""
    differences: tuple[Difference, ...] = ()
    """Conflicts and what was settled without one, in the order of the files."""
    conflicts: tuple[Difference, ...] = ()
    """Those of them that nobody has decided."""
    sessions: int = 0
    recordings: int = 0
    fingerprints: int = 0
    """In the merged survey, expired sessions included."""

    @property
    def written(self) -> bool:
        """Whether the merged survey was written."""
        return not self.conflicts


def merge_surveys(
    surveys: Sequence[Path],
    out: Path,
    *,
    prefer: Preference | None = None,
    site_of: Side | None = None,
    utc_now: Callable[[], datetime] = _utc_now,
) -> MergeReport:
    """Merge survey files into a new one; the files that are merged stay as they are.

    With more than two, the third is merged into what came of the first two, and so on: ``A`` is
    then what came before, ``B`` the next file.

    Args:
        surveys: two files or more.
        out: the file to write; there must be none.
        prefer: who is believed in a conflict. None: with a conflict, nothing is written.
        site_of: whose site it is, where the files are of sites with other ids.
        utc_now: when the merge is, for the list of what can be undone.

    Raises:
        SurveyError: a file is no survey, they are of different sites, `out` is there, ``newest``
            cannot be told, or `out` cannot be written.
    """
    if len(surveys) < 2:
        raise SurveyError("a merge must have two surveys and a new file, but got one survey")
    if out.exists():
        raise SurveyError(
            f"a merge must write a new file, but {out} exists; delete it, or give another name",
            path=out,
        )
    differences: list[Difference] = []
    report = MergeReport(out)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=_folder_of(out)) as between:
        first = surveys[0]
        for number, second in enumerate(surveys[1:], start=1):
            last = number == len(surveys) - 1
            target = out if last else Path(between) / f"{number}.survey"
            report = _merge_two(
                (first, second), target, prefer=prefer, site_of=site_of, now=utc_now()
            )
            differences += report.differences
            if not report.written:
                break
            first = target
    return MergeReport(
        out,
        tuple(differences),
        report.conflicts,
        report.sessions,
        report.recordings,
        report.fingerprints,
    )


def _folder_of(out: Path) -> Path:
    folder = out.resolve().parent
    if not folder.is_dir():
        raise SurveyError(f"a merge must be written into a folder, but {folder} is none", path=out)
    return folder


def _merge_two(
    paths: tuple[Path, Path],
    out: Path,
    *,
    prefer: Preference | None,
    site_of: Side | None,
    now: datetime,
) -> MergeReport:
    with ExitStack() as stack:
        a, b = (stack.enter_context(opened(path)) for path in paths)
        plan = make_plan(a, b, _winner(a, b, prefer), site_of)
        found = tuple(plan.choices.differences)
        if plan.choices.open_conflicts:
            return MergeReport(out, found, tuple(plan.choices.open_conflicts))
        with build_survey(out, plan.site) as merged:
            restorer = merged.restorer()
            for record in merged_records(a, b, plan, now):
                restorer.check(record)
                restorer.add(record)
            return MergeReport(
                out,
                found,
                sessions=len(merged.sessions),
                recordings=len(merged.recordings.all()),
                fingerprints=merged.counts().fingerprints,
            )


def _winner(a: Opened, b: Opened, prefer: Preference | None) -> Side | None:
    if prefer != "newest":
        return prefer
    ours, theirs = a.last_activity(), b.last_activity()
    if ours == theirs:
        raise SurveyError(
            "the newest survey must be the one with the last recording or edit, but both have it "
            f"at {ours}; prefer A or B"
        )
    if ours is None or (theirs is not None and theirs > ours):
        return "B"
    return "A"


def add_survey(into: Path, other: Path, *, name: str) -> MergeReport:
    """Add what another survey holds to a survey file, in one transaction.

    For a file that another program may have open: it is written to, not replaced. So nothing that
    it holds is changed; where the other one says something else, nothing is added.

    Args:
        into: the survey file to add to.
        other: the survey file that is added.
        name: of the latter, for people.

    Raises:
        SurveyError: a file is no survey, they are of different sites, the other one is a newer
            copy of what is there already, or the file cannot be written.
    """
    with opened(into) as a, opened(other) as b:
        named = replace(b, name=name)
        plan = make_plan(a, named, None, None)
        found = tuple(plan.choices.differences)
        if plan.choices.open_conflicts:
            return MergeReport(into, found, tuple(plan.choices.open_conflicts))
        _refuse_changes(a, plan, name)
        with a.file.transaction():
            if plan.site != a.survey.site:
                a.survey.save_site(plan.site, what=f"added {name}")
            _add_missing(a, b, plan)
        return MergeReport(
            into,
            found,
            sessions=len(a.survey.sessions),
            recordings=len(a.survey.recordings.all()),
            fingerprints=a.survey.counts().fingerprints,
        )


def _refuse_changes(a: Opened, plan: MergePlan, name: str) -> None:
    """Refuse what would change something that A holds."""
    sessions, points = plan.sessions.sessions, {one.id: one for one in plan.points.points}
    changed = [one.id for one in a.survey.sessions if sessions[one.id] != one]
    changed += [one.id for one in a.survey.points.all() if points[one.id] != one]
    if changed or not plan.sessions.of_a.changes_nothing:
        raise SurveyError(
            f"what is added must change nothing in {a.file.path}, but {name} knows more of "
            f"{changed or 'a session'} that is there; make a new file of both with "
            "`localizer data merge`",
            path=a.file.path,
        )


def _add_missing(a: Opened, b: Opened, plan: MergePlan) -> None:
    known = {one.id for one in a.survey.sessions}
    points = {one.id for one in a.survey.points.all()}
    floors = set(a.survey.plans.floors())
    changes = a.survey.beacon_changes.all()
    a.survey.points.put(one for one in plan.points.points if one.id not in points)
    for floor_plan in plan.plans:
        if floor_plan.floor not in floors:
            a.survey.plans.put(floor_plan)
    for change in plan.changes:
        if change not in changes:
            insert_change(a.file, change)
    restorer = a.survey.restorer()
    for session in plan.sessions.sessions.values():
        if session.id not in known:
            restorer.add(session)
    for record in plan.sessions.of_b.records(b.survey):
        restorer.add(record)
