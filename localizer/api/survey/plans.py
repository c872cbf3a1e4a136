"""The plan of a floor: uploaded, cleaned, shown, measured."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from localizer.api.survey.messages import Done, ScaleAnswer, ScaleRequest
from localizer.api.survey.site import REFUSED
from localizer.api.survey.state import StateView
from localizer.survey import FloorPlan
from localizer.survey_app import SurveyService, drawing
from localizer.surveying.plans import read_plan
from localizer.surveying.scale import MeasuredDistance, PlanTransform, measure_scale

_SHOWN = {
    # An SVG that is opened by itself runs nothing and loads nothing, whatever it holds.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=31536000, immutable",
}


def plans_router(service: SurveyService, view: StateView) -> APIRouter:
    """Return the routes of plans. What a plan is, its content says."""
    router = APIRouter(prefix="/plans", tags=["survey: plans"], responses=REFUSED)
    shared = service.shared

    @router.put("/{floor}", summary="Upload a plan: PNG, JPG, SVG or GeoJSON")
    async def put(floor: str, request: Request) -> Done:
        data = await request.body()
        # Decoding takes seconds, in which a recording must be able to end.
        plan = await asyncio.to_thread(read_plan, data)
        what = await shared.edit(lambda survey: drawing.put_plan(survey, floor, plan))
        view.forget_plans()
        return Done(what=what)

    @router.get("/{floor}", summary="The plan as it is kept", response_class=Response)
    async def get(floor: str) -> Response:
        plan = await shared.read(lambda survey: drawing.find_plan(survey, floor))
        return Response(plan.data, media_type=plan.media_type, headers=_SHOWN)

    @router.delete("/{floor}", summary="Remove a plan")
    async def remove(floor: str) -> Done:
        what = await shared.edit(lambda survey: drawing.remove_plan(survey, floor))
        view.forget_plans()
        return Done(what=what)

    @router.post("/{floor}/scale", summary="Measure a plan by two distances at different angles")
    async def scale(floor: str, body: ScaleRequest) -> ScaleAnswer:
        first, second = (
            MeasuredDistance(one.from_px, one.to_px, one.length_m) for one in body.distances
        )
        measured = measure_scale(first, second)
        transform = PlanTransform(measured.m_per_px, body.origin_px, body.rotation_deg)

        def scaled(plan: FloorPlan) -> FloorPlan:
            return replace(plan, transform=transform, distances=(first, second))

        await shared.edit(lambda survey: drawing.change_plan(survey, floor, scaled))
        view.forget_plans()
        return ScaleAnswer(
            m_per_px=measured.m_per_px,
            origin_px=transform.origin_px,
            rotation_deg=transform.rotation_deg,
            relative_sd=measured.relative_sd,
            mismatch=measured.mismatch,
        )

    return router
