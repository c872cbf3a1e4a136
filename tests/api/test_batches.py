import asyncio
import json
import time
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from localizer.api.batches import INLINE_BYTES, MAX_AT_WORK, MAX_BATCH_BYTES, BatchLocator
from localizer.api.locating import LocateEndpoint
from localizer.api.messages import MAX_SCANS, BatchAnswer
from localizer.api.problems import ApiProblemError
from tests.api.clients import client
from tests.edge_bundle import demo_locator, spread_locator

BEACONS = [f"name:demo:b{i:02d}" for i in range(1, 13)]
LONGEST_HOLD_S = 1.0
"""Measured: 0.05 s, one call into the JSON parser. The rest is for a machine that is busy."""


def batch(readings: list[dict[str, float]]) -> Any:
    with client() as made:
        answer = made.post("/v1/locate/batch", json={"scans": [{"readings": r} for r in readings]})
        assert answer.status_code == 200, answer.text
        BatchAnswer.model_validate_json(answer.content)
        return answer.json()


def different_scans(count: int) -> list[dict[str, float]]:
    return [{BEACONS[i % 12]: -50.0 - i % 40, BEACONS[i % 7]: -60.0} for i in range(count)]


@pytest.mark.parametrize("count", [3, 600])
def test_a_batch_gives_what_each_scan_gives(count: int) -> None:
    readings: list[dict[str, float]] = [{}, {"name:shop:1": -50}, *different_scans(count)]
    assert (len(json.dumps(readings)) > INLINE_BYTES) == (count == 600)
    answer = batch(readings)
    with client() as made:
        for i in (0, 1, 2, 3, len(readings) - 1):
            single = made.post("/v1/locate", json={"readings": readings[i]}).json()
            of_batch = answer["positions"][i]
            for field in ("status", "cause", "ignored"):
                assert of_batch[field] == single[field]
            for field in ("x_m", "y_m"):
                assert of_batch[field] == pytest.approx(single[field], abs=1e-3)
    assert len(answer["positions"]) == len(readings)
    assert answer["floor"] == "0"


def test_an_empty_batch_has_an_empty_answer() -> None:
    assert batch([])["positions"] == []


def test_the_field_of_a_bad_scan_is_named_with_its_number() -> None:
    scans = [{"readings": {BEACONS[0]: -50}}, {"readings": {BEACONS[0]: 3}}]
    with client() as made:
        problem = made.post("/v1/locate/batch", json={"scans": scans}).json()
        assert (problem["status"], problem["field"]) == (422, f"scans.1.readings.{BEACONS[0]}")
        scans[1] = {"readings": {"nonsense": -50}}
        problem = made.post("/v1/locate/batch", json={"scans": scans}).json()
        assert problem["field"] == "scans.1.readings.nonsense"


def test_there_is_a_bound_on_scans() -> None:
    with client() as made:
        scans: list[dict[str, dict[str, float]]] = [{"readings": {}}] * (MAX_SCANS + 1)
        problem = made.post("/v1/locate/batch", json={"scans": scans}).json()
    assert (problem["status"], problem["field"]) == (422, "scans")


def receiving(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": body}

    return receive


def test_the_largest_batch_does_not_hold_the_event_loop() -> None:
    scan = {"readings": dict.fromkeys(BEACONS, -60.5)}
    body = json.dumps({"scans": [scan] * MAX_SCANS}).encode()
    assert len(body) < MAX_BATCH_BYTES

    async def main() -> None:
        locator = BatchLocator(demo_locator())
        task = asyncio.create_task(locator.answer(receiving(body)))
        holds_s, before = [], time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            holds_s.append(now - before)
            before = now
        assert len(json.loads(task.result())["positions"]) == MAX_SCANS
        assert len(holds_s) >= 5
        assert max(holds_s) < LONGEST_HOLD_S

    asyncio.run(main())


def test_radii_of_a_batch_are_those_of_single_scans() -> None:
    scans = [{"readings": readings} for readings in ({BEACONS[0]: -50.0}, {}, {BEACONS[6]: -61.0})]
    single = LocateEndpoint(spread_locator())
    wanted = [json.loads(single.answer(json.dumps(scan).encode())) for scan in scans]

    async def main() -> Any:
        body = json.dumps({"scans": scans}).encode()
        return json.loads(await BatchLocator(spread_locator()).answer(receiving(body)))

    answer = asyncio.run(main())
    BatchAnswer.model_validate(answer)
    for of_batch, one in zip(answer["positions"], wanted, strict=True):
        for field in ("r68_m", "r95_m"):
            assert of_batch[field] == pytest.approx(one[field], abs=1e-3)
    assert [of_batch["r68_m"] is None for of_batch in answer["positions"]] == [False, True, False]


def test_more_batches_than_may_wait_are_sent_away() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        locator = BatchLocator(demo_locator())
        waiting = [asyncio.create_task(locator.answer(never)) for _ in range(MAX_AT_WORK)]
        await asyncio.sleep(0)
        with pytest.raises(ApiProblemError, match="at most 4 batches") as caught:
            await locator.answer(receiving(b'{"scans": []}'))
        assert caught.value.status == 503
        assert caught.value.headers["Retry-After"] == "1"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert json.loads(await locator.answer(receiving(b'{"scans": []}')))["positions"] == []

    asyncio.run(main())


def test_a_client_that_hangs_up_frees_its_place() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def main() -> None:
        locator = BatchLocator(demo_locator())
        for _ in range(MAX_AT_WORK + 1):
            with pytest.raises(ClientDisconnect):
                await locator.answer(gone)

    asyncio.run(main())


def test_a_body_that_is_too_large_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(ApiProblemError) as caught:
            await BatchLocator(demo_locator()).answer(receiving(b" " * (MAX_BATCH_BYTES + 1)))
        assert caught.value.status == 413

    asyncio.run(main())
