"""Many scans at once: small batches on the event loop, large ones on a thread of their own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from pydantic_core import to_json
from starlette.types import Receive

from localizer.api.bodies import KnownBeacons, parse_body, read_body
from localizer.api.messages import BatchRequest
from localizer.api.problems import ApiProblemError
from localizer.features import scan_to_vector
from localizer.fixes import Judge, Verdict, cause_of_silence, to_mm
from localizer.locate import Locator
from localizer.scans import Scan

MAX_BATCH_BYTES: Final = 16 * 2**20
"""`MAX_SCANS` scans of 20 iBeacons have 14 MB."""

INLINE_BYTES: Final = 8 * 2**10
"""A batch up to this size takes less than a millisecond; handing it to a thread would cost as
much."""

MAX_AT_WORK: Final = 4
"""Batches that are read, waiting or at work at once, each of some ten times its bytes."""


class BatchLocator:
    """Answers batches. A large one never holds the event loop, and never more than one runs."""

    def __init__(self, locator: Locator) -> None:
        """Take the locator to copy; interpreters are made when they are first needed."""
        self._locator = locator
        self._judge = Judge(locator.bundle)
        self._beacons = KnownBeacons(locator)
        self._inline: Locator | None = None
        self._threaded: Locator | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._at_work = 0

    async def answer(self, receive: Receive) -> bytes:
        """Return the answer to a BatchRequest, as JSON.

        Raises:
            ApiProblemError: 413, 422, or 503 if too many batches are at work.
        """
        if self._at_work >= MAX_AT_WORK:
            raise ApiProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "busy",
                f"at most {MAX_AT_WORK} batches may be at work; send this one again later",
                headers={"Retry-After": "1"},
            )
        self._at_work += 1
        try:
            body = await read_body(receive, MAX_BATCH_BYTES)
            if len(body) <= INLINE_BYTES:
                self._inline = self._inline or self._locator.fresh()
                return self._locate(body, self._inline)
            self._worker = self._worker or ThreadPoolExecutor(1, thread_name_prefix="batch")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._worker, self._locate_in_thread, body)
        finally:
            self._at_work -= 1

    def _locate_in_thread(self, body: bytes) -> bytes:
        self._threaded = self._threaded or self._locator.fresh()
        return self._locate(body, self._threaded)

    def _locate(self, body: bytes, locator: Locator) -> bytes:
        asked = parse_body(BatchRequest, body)
        spec = locator.bundle.spec
        rssi = np.full((len(asked.scans), len(spec.beacons)), np.nan, np.float32)
        ignored = []
        for i, one in enumerate(asked.scans):
            readings, others = self._beacons.readings(one.readings, f"scans.{i}.readings")
            rssi[i] = scan_to_vector(Scan(0, 0.0, readings), spec.beacons, spec.aggregation)[0]
            ignored.append(others)
        mask = ~np.isnan(rssi)
        found = locator.estimate_array(rssi, mask)
        places, heard = found.position_m.tolist(), mask.sum(axis=1).tolist()
        radii = found.radii_m.tolist()
        enough = locator.bundle.manifest.min_beacons
        positions = [
            _position(
                self._judge.judge_xy(*places[i])
                if heard[i] >= enough
                else Verdict("no_signal", cause_of_silence(heard[i], others > 0), None),
                others,
                radii[i],
            )
            for i, others in enumerate(ignored)
        ]
        return to_json(
            {"bundle": locator.bundle.id, "floor": self._judge.floor, "positions": positions}
        )


def _position(verdict: Verdict, ignored: int, radii_m: Sequence[float]) -> dict[str, Any]:
    position = verdict.position
    r68_m, r95_m = radii_m
    known = position is not None and math.isfinite(r68_m) and math.isfinite(r95_m)
    return {
        "x_m": None if position is None else to_mm(position.x_m),
        "y_m": None if position is None else to_mm(position.y_m),
        "status": verdict.status,
        "cause": verdict.cause,
        "ignored": ignored,
        "r68_m": to_mm(r68_m) if known else None,
        "r95_m": to_mm(r95_m) if known else None,
    }
