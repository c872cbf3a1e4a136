"""The survey over HTTP: routes under /v1/survey, and its page at /survey."""

from localizer.api.survey.router import install_survey

__all__ = ["install_survey"]
