"""GET /v1/survey/export/{kind}: the survey as a file, also while a recording goes on."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, Literal, NamedTuple

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from localizer.api.problems import described
from localizer.survey import Survey
from localizer.survey_app import SurveyService

Kind = Literal["survey", "jsonl", "csv", "report"]


class _Export(NamedTuple):
    suffix: str
    media_type: str
    write: Callable[[Survey, Path], object]


# Imported when somebody asks: a day of surveying exports once, on a device with little memory.
def _jsonl(survey: Survey, path: Path) -> None:
    from localizer.survey_jsonl import export_jsonl

    export_jsonl(survey, path)


def _csv(survey: Survey, path: Path) -> None:
    from localizer.interchange import export_survey

    export_survey(survey, path, "csv")


def _report(survey: Survey, path: Path) -> None:
    from localizer.survey_report import write_survey_report

    write_survey_report(survey.path, path)


_EXPORTS: Final[dict[Kind, _Export]] = {
    "jsonl": _Export(".jsonl", "application/x-ndjson", _jsonl),
    "csv": _Export(".csv", "text/csv; charset=utf-8", _csv),
    "report": _Export(".html", "text/html; charset=utf-8", _report),
}


def exports_router(service: SurveyService) -> APIRouter:
    """Return the route of exports."""
    router = APIRouter(tags=["survey"])

    @router.get(
        "/export/{kind}",
        summary="The survey as a file",
        response_class=FileResponse,
        responses=described(s422="There is no such export.", s507="There is no room for it."),
    )
    async def export(kind: Kind) -> FileResponse:
        folder = Path(mkdtemp(prefix="localizer-export-"))
        try:
            copy = folder / service.path.name
            await service.shared.read(lambda survey: survey.copy_to(copy))
            # From the copy: writing a large survey out takes minutes, in which nothing must wait.
            path, media_type = await asyncio.to_thread(_write, copy, kind)
        except BaseException:
            shutil.rmtree(folder)
            raise
        name = f"{service.path.stem}{path.suffix}"
        return _PassingFile(path, folder, media_type=media_type, filename=name)

    return router


class _PassingFile(FileResponse):
    """A file that is deleted with its folder, however the download ends."""

    def __init__(self, path: Path, folder: Path, *, media_type: str, filename: str) -> None:
        headers = {"Cache-Control": "no-store"}
        super().__init__(path, media_type=media_type, filename=filename, headers=headers)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, then delete it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            shutil.rmtree(self._folder)


def _write(copy: Path, kind: Kind) -> tuple[Path, str]:
    if kind == "survey":
        return copy, "application/vnd.sqlite3"
    export = _EXPORTS[kind]
    path = copy.with_suffix(export.suffix)
    with Survey.open(copy) as survey:
        export.write(survey, path)
    return path, export.media_type
