"""Survey files of several surveyors made one."""

from localizer.survey_merge.differences import Difference, Preference, Side
from localizer.survey_merge.merging import MergeReport, add_survey, merge_surveys

__all__ = ["Difference", "MergeReport", "Preference", "Side", "add_survey", "merge_surveys"]
