"""How request bodies are read, and what clients' spellings of beacons mean."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from localizer.api.problems import ApiProblemError, described, invalid
from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError
from localizer.locate import Locator

MAX_ID_CHARS: Final = 80
"""Characters of a beacon id that a problem document repeats; the longest real one has 64 more than
its scheme."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI words for a body that a route reads by hand."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def gives(model: type[BaseModel], **problems: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI words for an answer that a route writes by hand.

    Args:
        model: the answer.
        problems: description by status, as `s422="…"`.
    """
    return {200: {"model": model}, **described(**problems)}


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the body; stops reading as soon as it is larger than `limit` bytes.

    Raises:
        ApiProblemError: 413.
        ClientDisconnect: the client has gone.
    """
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(limit: int) -> ApiProblemError:
    return ApiProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"a body must have at most {limit} bytes; send fewer readings or scans",
        field="body",
        got=f"more than {limit} bytes",
    )


def parse_body(model: type[_ModelT], body: bytes) -> _ModelT:
    """Return a body as its model.

    Raises:
        ApiProblemError: 422, naming the field.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False)) from error


class KnownBeacons:
    """The beacons of a bundle by every spelling of their ids."""

    def __init__(self, locator: Locator) -> None:
        """Take the beacons that the bundle's model listens to."""
        bundle = locator.bundle
        self._known: dict[str, BeaconId] = {str(b): b for b in bundle.spec.beacons}
        self._known |= {alias: BeaconId(b) for alias, b in bundle.manifest.aliases.items()}

    def readings(
        self, given: Mapping[str, float], where: str
    ) -> tuple[dict[BeaconId, tuple[float, ...]], int]:
        """Return the RSSIs (dBm) of the bundle's beacons, and how many readings were of others.

        Args:
            given: RSSI by id as the client wrote it.
            where: the field that holds them, for problems.

        Raises:
            ApiProblemError: 422, an id is of no known form.
        """
        found: dict[BeaconId, tuple[float, ...]] = {}
        ignored = 0
        for text, rssi in given.items():
            beacon = self._known.get(text) or self._canonical(text, where)
            if beacon is None:
                ignored += 1
            else:
                # Two spellings of one id, or an id and its alias, are two readings of one beacon.
                found[beacon] = (*found[beacon], rssi) if beacon in found else (rssi,)
        return found, ignored

    def _canonical(self, text: str, where: str) -> BeaconId | None:
        try:
            return self._known.get(parse_beacon_id(text))
        except SiteError as error:
            raise ApiProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "invalid-field",
                str(error),
                field=f"{where}.{text[:MAX_ID_CHARS]}",
                got=text,
            ) from error
