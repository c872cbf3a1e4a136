"""The whole state of a survey as one message, made once a version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Final
from urllib.parse import quote

from localizer.api.survey.messages import (
    BeaconMessage,
    Distance,
    FloorMessage,
    Limits,
    PlanMessage,
    PointMessage,
    RecordingMessage,
    SessionMessage,
    SiteMessage,
    SurveyMessage,
    UndoMessage,
)
from localizer.scans import Session
from localizer.site import Beacon, Floor, Site
from localizer.survey import Coverage, FloorPlan, Point, Recording, Survey
from localizer.survey.records import RecordingStatus
from localizer.survey_app import SurveyService
from localizer.surveying.csv_rows import MAX_CSV_BYTES
from localizer.surveying.plans import MAX_PLAN_BYTES

_HASH_CHARS: Final = 12
"""Of a plan's hash in its address: a browser keeps what has the same one."""


class StateView:
    """Makes the message of the whole state, and keeps it until the survey changes."""

    def __init__(self, service: SurveyService) -> None:
        self._service = service
        self._made: SurveyMessage | None = None
        self._plans: dict[str, PlanMessage] | None = None
        self._imported: dict[str, int] | None = None

    def forget_plans(self) -> None:
        """Read the plans again for the next message; they are megabytes, and seldom change."""
        self._plans = None

    async def message(self) -> SurveyMessage:
        """Return the state as of now."""
        version = self._service.shared.version
        if self._made is None or self._made.version != version:
            made = await self._service.shared.read(lambda survey: self._make(survey, version))
            self._made = made
            return made
        return self._made

    def _make(self, survey: Survey, version: int) -> SurveyMessage:
        coverage = survey.coverage()
        recordings = _recordings(survey, coverage, self._service.session.open_recording)
        what = self._service.shared.undoing.next(survey)
        checks = self._service.checks
        return SurveyMessage(
            version=version,
            site=site_message(survey.site),
            plans=self._plan_messages(survey),
            points=[point_message(point) for point in survey.points.all()],
            sessions=self._sessions(survey, recordings),
            session=self._service.session.id,
            recordings=recordings,
            undo=None if what is None else UndoMessage(what=what),
            bundle=None if checks is None else checks.bundle,
            limits=Limits(plan_bytes=MAX_PLAN_BYTES, table_bytes=MAX_CSV_BYTES),
        )

    def _plan_messages(self, survey: Survey) -> dict[str, PlanMessage]:
        if self._plans is None:
            read = (survey.plans.get(floor) for floor in survey.plans.floors())
            self._plans = {plan.floor: _plan_message(plan) for plan in read if plan is not None}
        return self._plans

    def _sessions(
        self, survey: Survey, recordings: Iterable[RecordingMessage]
    ) -> list[SessionMessage]:
        scans: dict[str, int] = {}
        for one in recordings:
            scans[one.session] = scans.get(one.session, 0) + one.scans
        if self._imported is None:
            # Counting is slow in large surveys, and what was imported does not change.
            self._imported = {
                one.session.id: one.fingerprints - scans.get(one.session.id, 0)
                for one in survey.counts().sessions
            }
        now = self._service.utc_now()
        return [
            SessionMessage(
                id=one.id,
                role=one.role,
                device=one.device,
                person=one.person,
                note=one.note,
                started_utc=None if one.started_utc is None else one.started_utc.isoformat(),
                state=one.state,
                expires_on=_expires_on(one),
                expired=one.expires_utc is not None and one.expires_utc <= now,
                fingerprints=self._imported.get(one.id, 0) + scans.get(one.id, 0),
            )
            for one in survey.sessions
        ]


def _expires_on(session: Session) -> str | None:
    if session.expires_utc is None:
        return None
    zone = timezone(timedelta(seconds=session.utc_offset_s or 0))
    return session.expires_utc.astimezone(zone).date().isoformat()


def _recordings(
    survey: Survey, coverage: Coverage, still_open: str | None
) -> list[RecordingMessage]:
    visits = {visit.recording.id: visit for visit in coverage.elsewhere}
    visits |= {visit.recording.id: visit for one in coverage.points for visit in one.visits}
    messages = []
    for one in survey.recordings.all():
        visit = visits.get(one.id)
        heard = survey.recordings.heard(one.id) if visit is None else visit.heard
        messages.append(
            RecordingMessage(
                id=one.id,
                session=one.session,
                kind=one.kind,
                point=one.point,
                status=_status(one, still_open),
                started_utc=one.started_utc.isoformat(),
                duration_s=one.duration_s,
                heading_deg=one.heading_deg,
                resumes=one.resumes,
                adverts=sum(stats.count for stats in heard.values()),
                beacons=len(heard),
                scans=0 if visit is None else visit.scans,
            )
        )
    return messages


def _status(recording: Recording, still_open: str | None) -> RecordingStatus:
    cut_off = recording.status == "open" and recording.id != still_open
    return "incomplete" if cut_off else recording.status


def site_message(site: Site) -> SiteMessage:
    """Return a site as it is sent."""
    return SiteMessage(
        id=site.id,
        name=site.name,
        floors=[floor_message(floor) for floor in site.floors],
        beacons=[_beacon_message(beacon) for beacon in site.beacons],
    )


def floor_message(floor: Floor) -> FloorMessage:
    """Return a floor as it is sent."""
    return FloorMessage(
        id=floor.id,
        name=floor.name,
        outline=list(floor.outline),
        blocked=[list(polygon) for polygon in floor.blocked],
        walls=list(floor.walls),
    )


def _beacon_message(beacon: Beacon) -> BeaconMessage:
    at = beacon.position
    if at is None:
        return BeaconMessage(id=beacon.id, floor=None, x_m=None, y_m=None)
    return BeaconMessage(id=beacon.id, floor=at.floor, x_m=at.x_m, y_m=at.y_m)


def point_message(point: Point) -> PointMessage:
    """Return a point as it is sent."""
    at = point.position
    return PointMessage(
        id=point.id,
        floor=at.floor,
        x_m=at.x_m,
        y_m=at.y_m,
        name=point.name,
        source=point.source,
    )


def _plan_message(plan: FloorPlan) -> PlanMessage:
    transform = plan.transform
    digest = hashlib.sha256(plan.data).hexdigest()[:_HASH_CHARS]
    return PlanMessage(
        media_type=plan.media_type,
        size_px=plan.size_px,
        m_per_px=None if transform is None else transform.m_per_px,
        origin_px=None if transform is None else transform.origin_px,
        rotation_deg=None if transform is None else transform.rotation_deg,
        distances=[
            Distance(from_px=one.from_px, to_px=one.to_px, length_m=one.length_m)
            for one in plan.distances
        ],
        url=f"/v1/survey/plans/{quote(plan.floor, safe='')}?v={digest}",
    )
