"""GET /v1/health: whether positions come, and if not, why."""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter

from localizer import __version__
from localizer.api.messages import (
    BundleHealth,
    Dropped,
    Health,
    Reason,
    SourceHealth,
    StreamHealth,
)
from localizer.bundle import Bundle
from localizer.live import LiveEngine

if TYPE_CHECKING:
    from localizer.survey_app import SurveyService

_PACKAGES: Final = ("numpy", "ai-edge-litert", "tflite-runtime", "fastapi", "uvicorn")
"""Whose versions a bug report needs."""


def health_router(
    bundle: Bundle | None, engine: LiveEngine | None, survey: SurveyService | None = None
) -> APIRouter:
    """Return the route that tells how the service is."""
    router = APIRouter(tags=["health"])
    started_s = time.monotonic()
    about, versions = None if bundle is None else _bundle(bundle), _versions()

    @router.get("/health", summary="How the service is")
    async def health() -> Health:
        reasons = [] if engine is None else _reasons(engine)
        reasons += [] if survey is None else _survey_reasons(survey)
        return Health(
            status="degraded" if reasons else "ok",
            reasons=reasons,
            uptime_s=round(time.monotonic() - started_s, 3),
            bundle=about,
            source=None if engine is None else _source(engine),
            stream=None if engine is None else _stream(engine),
            versions=versions,
        )

    return router


def _reasons(engine: LiveEngine) -> list[Reason]:
    state, source = engine.state, engine.source.status
    if state.phase in ("failed", "ended", "stopped"):
        code = f"source_{state.phase}"
        return [Reason(code=code, detail=state.detail or "the source gives nothing any more")]
    if state.phase == "running" and source.state == "recovering":
        detail = source.detail or "what the source listens with is away, and is tried again"
        return [Reason(code="source_recovering", detail=detail)]
    if state.phase == "running" and engine.silent_s > engine.stale_after_s:
        return [
            Reason(
                code="source_silent",
                detail=f"nothing was heard for {engine.silent_s:.0f} s, more than "
                f"{engine.stale_after_s:g} s; check the radio and the beacons' batteries",
            )
        ]
    return []


def _survey_reasons(survey: SurveyService) -> list[Reason]:
    source, recorder = survey.reader.status, survey.session.recorder
    reasons = []
    if source.state not in ("opening", "running"):
        detail = source.detail or "the source gives nothing"
        reasons.append(Reason(code=f"source_{source.state}", detail=detail))
    if recorder is not None and recorder.status.state in ("waiting", "failed"):
        detail = recorder.status.detail or "the survey file cannot be written"
        reasons.append(Reason(code=f"storage_{recorder.status.state}", detail=detail))
    return reasons


def _bundle(bundle: Bundle) -> BundleHealth:
    manifest = bundle.manifest
    return BundleHealth(
        id=manifest.id,
        method=manifest.method,
        is_baseline=manifest.is_baseline,
        created_utc=manifest.created_utc,
        beacons=len(manifest.beacons),
        min_beacons=manifest.min_beacons,
        metrics=list(manifest.metrics),
        metrics_note=manifest.metrics_note,
        forced=manifest.forced,
    )


def _source(engine: LiveEngine) -> SourceHealth:
    windower, state, source = engine.windower, engine.state, engine.source.status
    # While the engine runs, how it is is how its source is.
    own = source.state in ("opening", "recovering") and state.phase == "running"
    return SourceHealth(
        name=engine.source.name,
        state=source.state if own else state.phase,
        reason=source.reason if own else state.reason,
        detail=source.detail if own else state.detail,
        restarts=source.restarts,
        left_out=dict(source.dropped),
        adverts=engine.adverts,
        silent_s=round(engine.silent_s, 3),
        stale_after_s=engine.stale_after_s,
        dropped=Dropped(
            late=windower.late,
            future=windower.future,
            overflowed=windower.overflowed,
            skipped=windower.skipped,
        ),
    )


def _stream(engine: LiveEngine) -> StreamHealth:
    hub = engine.hub
    return StreamHealth(seq=hub.seq, clients=hub.clients, lost=hub.lost)


def _versions() -> dict[str, str]:
    found = {"localizer": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
