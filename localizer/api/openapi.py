"""The OpenAPI document, with the models of bodies that are read by hand."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from localizer.api.bodies import takes
from localizer.api.locating import INVALID, TOO_LARGE
from localizer.api.messages import (
    MAX_READINGS,
    BatchRequest,
    FixMessage,
    LocateAnswer,
    LocateRequest,
    Problem,
)
from localizer.api.problems import described

DESCRIPTION: Final = """\
Positions from Bluetooth Low Energy beacons.

Lengths are metres in the site's right-handed frame, levels are dBm, times are ISO 8601 in UTC.
`x_m` and `y_m` are numbers only where `status` is `ok`; `cause` says why there is none.
`GET /v1/stream` (Server-Sent Events) and the WebSocket `/v1/ws` send the same `FixMessage` as
`GET /v1/position`. Everything that goes wrong is a problem document (RFC 9457).
"""


_LOCATE: Final[dict[str, Any]] = {
    "tags": ["locate"],
    "summary": "Locate one scan",
    "description": f"At most {MAX_READINGS} readings. Nothing is stored.",
    "operationId": "locate_v1_locate_post",
    **takes(LocateRequest),
    "responses": {
        "200": {
            "description": "Where the scan was taken, or why that is not known.",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/LocateAnswer"}}
            },
        },
        **{str(s): words for s, words in described(s413=TOO_LARGE, s422=INVALID).items()},
    },
}
"""The route that FastAPI does not know."""


def document_by(app: FastAPI) -> None:
    """Give an app its OpenAPI document, made at the first request for it."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
    )
    by_hand = (LocateRequest, LocateAnswer, BatchRequest, FixMessage, Problem)
    if any(getattr(route, "path", "") == "/v1/locate" for route in app.routes):
        document["paths"]["/v1/locate"] = {"post": _LOCATE}
    _, schemas = models_json_schema(
        [(model, "validation") for model in by_hand],
        ref_template="#/components/schemas/{model}",
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schemas["$defs"])
    return document
