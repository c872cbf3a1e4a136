"""One HTML page that says how good a survey is, and what to survey again."""

from localizer.survey_report.gathered import Gathered, gather
from localizer.survey_report.report import survey_report, write_survey_report

__all__ = ["Gathered", "gather", "survey_report", "write_survey_report"]
