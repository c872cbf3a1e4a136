"""POST /v1/locate and /v1/locate/batch: a client's own scans.

`/v1/locate` is the one route that is measured in microseconds: a plain ASGI endpoint beside
FastAPI, whose own machinery costs more than the model. `openapi` describes it.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from localizer.api.batches import BatchLocator
from localizer.api.bodies import KnownBeacons, gives, parse_body, read_body, takes
from localizer.api.messages import MAX_SCANS, BatchAnswer, BatchRequest, LocateRequest
from localizer.bundle import Bundle
from localizer.fixes import Judge, heard_in, heard_to_json, to_mm
from localizer.locate import Locator
from localizer.scans import Scan

MAX_BODY_BYTES: Final = 256 * 2**10
"""A scan of `MAX_READINGS` iBeacons has 70 kB."""

TOO_LARGE: Final = "The body is too large."
INVALID: Final = "A field is missing, unknown or out of range, or the body is no JSON."
BUSY: Final = "Too many batches are at work."


def batch_router(locator: Locator) -> APIRouter:
    """Return the route that locates many scans.

    Args:
        locator: copied; batches get interpreters of their own.
    """
    router = APIRouter(tags=["locate"])
    batches = BatchLocator(locator)

    @router.post(
        "/locate/batch",
        summary="Locate many scans",
        description=f"At most {MAX_SCANS} scans, each on its own; answers in their order.",
        openapi_extra=takes(BatchRequest),
        responses=gives(BatchAnswer, s413=TOO_LARGE, s422=INVALID, s503=BUSY),
    )
    async def locate_batch(request: Request) -> Response:
        answer = await batches.answer(request.receive)
        return Response(answer, media_type="application/json")

    return router


class LocateEndpoint:
    """POST /v1/locate as an ASGI app: one scan, on the event loop; inference takes microseconds."""

    def __init__(self, locator: Locator) -> None:
        """Use a locator on this thread."""
        self._locator = locator
        self._judge = Judge(locator.bundle)
        self._beacons = KnownBeacons(locator)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self.answer(await read_body(receive, MAX_BODY_BYTES))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, body: bytes) -> bytes:
        """Return the answer to the body of a LocateRequest, as JSON.

        Raises:
            ApiProblemError: 422.
        """
        asked = parse_body(LocateRequest, body)
        readings, ignored = self._beacons.readings(asked.readings, "readings")
        scan = Scan(0, 0.0, readings)
        estimate = self._locator.locate(scan)
        verdict = self._judge.judge(estimate, heard_other=ignored > 0)
        position, bundle = verdict.position, self._locator.bundle
        return to_json(
            {
                "x_m": None if position is None else to_mm(position.x_m),
                "y_m": None if position is None else to_mm(position.y_m),
                "floor": self._judge.floor,
                "status": verdict.status,
                "cause": verdict.cause,
                "heard": _heard(scan, bundle),
                "ignored": ignored,
                "bundle": bundle.id,
                "r68_m": None if position is None else to_mm(estimate.r68_m),
                "r95_m": None if position is None else to_mm(estimate.r95_m),
            }
        )


def _heard(scan: Scan, bundle: Bundle) -> list[dict[str, Any]]:
    if any(len(rssis) > 1 for rssis in scan.readings.values()):
        return heard_to_json(heard_in(scan, bundle))
    loudest_first = sorted(scan.readings.items(), key=lambda item: -item[1][0])
    return [{"beacon": beacon, "rssi_dbm": rssis[0]} for beacon, rssis in loudest_first]
