"""What the survey refuses, as problem documents: one HTTP status for every kind of refusal."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from localizer.api.problems import ApiProblemError, problem_response
from localizer.errors import (
    BundleError,
    LocalizerError,
    PlanError,
    SiteError,
    SurveyAppError,
    SurveyError,
    TableError,
    WalkError,
)

_UNUSABLE: Final[dict[type[LocalizerError], str]] = {
    SiteError: "bad_site",
    BundleError: "bad_bundle",
}


def install_survey_problems(app: FastAPI) -> None:
    """Make every refusal of the survey a problem document."""
    app.add_exception_handler(LocalizerError, _on_refusal)


async def _on_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, LocalizerError):
        raise error
    return problem_response(problem_of(error))


def problem_of(error: LocalizerError) -> ApiProblemError:
    """Return the problem that an error stands for."""
    status, code = _status_and_code(error)
    return ApiProblemError(status, code.replace("_", "-"), str(error))


def _status_and_code(error: LocalizerError) -> tuple[int, str]:
    if isinstance(error, SurveyAppError):
        found = error.reason != "not_found"
        return (HTTPStatus.CONFLICT if found else HTTPStatus.NOT_FOUND), error.reason
    if isinstance(error, PlanError | TableError | WalkError):
        large = error.reason == "too_large"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.UNPROCESSABLE_ENTITY
        return status, error.reason or "refused"
    if isinstance(error, SurveyError) and error.reason is not None:
        full = error.reason == "disk_full"
        status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.SERVICE_UNAVAILABLE
        return status, error.reason
    for kind, code in _UNUSABLE.items():
        if isinstance(error, kind):
            return HTTPStatus.UNPROCESSABLE_ENTITY, code
    return HTTPStatus.CONFLICT, "refused"
