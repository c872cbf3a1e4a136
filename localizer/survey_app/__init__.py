"""The survey app without HTTP: a survey, its recorder and its source at work together."""

from localizer.survey_app.service import SurveyService

__all__ = ["SurveyService"]
