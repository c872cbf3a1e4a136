"""A study as one self-contained page: what it gained, what was tried, what mattered.

What the page is made of stands here. Drawing it loads matplotlib: `report.page` is imported by who
writes one.
"""

from training.tuning.report.content import (
    Candidate,
    Outcome,
    Scale,
    StudyReport,
    scales_of,
)

__all__ = [
    "Candidate",
    "Outcome",
    "Scale",
    "StudyReport",
    "scales_of",
]
