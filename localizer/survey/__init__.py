"""The survey file: every packet, scan, place and plan of a survey, in one SQLite file."""

from localizer.survey.counts import SessionCounts, SurveyCounts
from localizer.survey.coverage import Coverage, PointCoverage, Visit
from localizer.survey.derivation import WINDOW_S
from localizer.survey.keeping import refuse_survey
from localizer.survey.reader import DEVELOPMENT, ROLES
from localizer.survey.recorder import COMMIT_S, Recorder, RecorderState, RecorderStatus
from localizer.survey.records import (
    BeaconChange,
    FloorPlan,
    HeardStats,
    Point,
    Recording,
    RecordingKind,
    RecordingStatus,
    SiteEdit,
    Waypoint,
)
from localizer.survey.schema import SURVEY_SCHEMA
from localizer.survey.survey import Survey, build_survey
from localizer.survey.tally import HeardNow

__all__ = [
    "COMMIT_S",
    "DEVELOPMENT",
    "ROLES",
    "SURVEY_SCHEMA",
    "WINDOW_S",
    "BeaconChange",
    "Coverage",
    "FloorPlan",
    "HeardNow",
    "HeardStats",
    "Point",
    "PointCoverage",
    "Recorder",
    "RecorderState",
    "RecorderStatus",
    "Recording",
    "RecordingKind",
    "RecordingStatus",
    "SessionCounts",
    "SiteEdit",
    "Survey",
    "SurveyCounts",
    "Visit",
    "Waypoint",
    "build_survey",
    "refuse_survey",
]
