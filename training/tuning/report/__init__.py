"""A study as one self-contained page: what it gained, what was tried, what mattered."""

from training.tuning.report.content import (
    Candidate,
    Outcome,
    Scale,
    StudyReport,
    scales_of,
)
from training.tuning.report.page import html_of, write_study_report

__all__ = [
    "Candidate",
    "Outcome",
    "Scale",
    "StudyReport",
    "html_of",
    "scales_of",
    "write_study_report",
]
