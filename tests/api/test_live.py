import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from localizer.api.messages import FixMessage
from localizer.api.problems import MEDIA_TYPE
from localizer.live import LiveEngine
from tests.api.clients import client
from tests.edge_bundle import demo_locator
from tests.edge_service import END_S, Service, serving
from tests.edge_source import HandSource

QUICK = ("--step", "0.2", "--window", "0.6")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(*QUICK, source="simulate:demo?speed=2") as started:
        yield started


@contextmanager
def events(service: Service, query: str = "", **headers: str) -> Iterator[Iterator[Any]]:
    """Yield the fixes of an event stream, as (id, data)."""
    url = f"{service.url}/v1/stream{query}"
    with httpx.stream("GET", url, headers=headers, timeout=END_S, trust_env=False) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _parsed(answer.iter_lines())


def _parsed(lines: Iterator[str]) -> Iterator[tuple[int, Any]]:
    number = 0
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            yield number, json.loads(value)


def take(fixes: Iterator[Any], count: int) -> list[Any]:
    return [next(fixes) for _ in range(count)]


def test_the_stream_sends_each_fix_with_its_number(service: Service) -> None:
    with events(service) as fixes:
        got = take(fixes, 4)
    assert [number for number, _ in got] == [fix["seq"] for _, fix in got]
    assert [number for number, _ in got] == list(range(got[0][0], got[0][0] + 4))
    for _, fix in got:
        FixMessage.model_validate(fix)
        assert fix["status"] == "ok"
        assert fix["truth"] is not None
        assert fix["error_m"] < 15


def test_a_stream_that_comes_back_loses_and_repeats_nothing(service: Service) -> None:
    with events(service) as fixes:
        last = take(fixes, 2)[-1][0]
    with events(service) as fixes:
        take(fixes, 3)
    with events(service, **{"Last-Event-ID": str(last)}) as fixes:
        assert [number for number, _ in take(fixes, 4)] == list(range(last + 1, last + 5))
    with events(service, f"?after={last}") as fixes:
        assert next(fixes)[0] == last + 1
    with events(service, "?after=0", **{"Last-Event-ID": str(last)}) as fixes:
        assert next(fixes)[0] == last + 1


def test_the_position_is_the_newest_fix(service: Service) -> None:
    with events(service) as fixes:
        before = next(fixes)[0]
    answer = service.get("/v1/position")
    assert answer.headers["cache-control"] == "no-store"
    assert FixMessage.model_validate(answer.json()).seq >= before


def test_clients_are_counted_and_forgotten(service: Service) -> None:
    with events(service) as fixes, socket(service) as talker:
        next(fixes)
        talker.recv(END_S)
        assert service.get("/v1/health").json()["stream"]["clients"] == 2
    with events(service) as fixes:
        for _ in fixes:
            if service.get("/v1/health").json()["stream"]["clients"] == 1:
                break


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("?after=x", {}, "after"),
        ("?after=-1", {}, "after"),
        ("", {"Last-Event-ID": "abc"}, "last-event-id"),
    ],
)
def test_a_number_must_be_one(query: str, headers: dict[str, str], field: str) -> None:
    engine = LiveEngine(demo_locator(), HandSource())
    with client(engine) as made:
        answer = made.get(f"/v1/stream{query}", headers=headers)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("path", ["/v1/position", "/v1/stream"])
def test_without_a_source_there_is_nothing_live(path: str) -> None:
    with client() as made:
        problem = made.get(path).json()
    assert (problem["status"], problem["type"]) == (404, "urn:localizer:problem:no-live-source")


def test_before_the_first_window_the_position_says_so() -> None:
    with client(LiveEngine(demo_locator(), HandSource())) as made:
        fix = made.get("/v1/position").json()
    assert (fix["seq"], fix["status"], fix["cause"]) == (0, "no_signal", "starting")


def test_too_many_streams_are_sent_away() -> None:
    engine = LiveEngine(demo_locator(), HandSource())
    for _ in range(256):
        engine.hub.subscribe()
    with client(engine) as made:
        answer = made.get("/v1/stream")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


@contextmanager
def socket(service: Service, query: str = "", **options: Any) -> Iterator[ClientConnection]:
    address = service.url.replace("http", "ws") + "/v1/ws" + query
    with connect(address, open_timeout=END_S, proxy=None, **options) as talker:
        yield talker


def test_the_websocket_sends_the_same_messages(service: Service) -> None:
    with socket(service) as talker:
        first, second = (json.loads(talker.recv(END_S)) for _ in range(2))
    FixMessage.model_validate(first)
    assert second["seq"] == first["seq"] + 1
    with socket(service, f"?after={first['seq']}") as talker:
        assert json.loads(talker.recv(END_S)) == second


def test_a_ping_gets_a_pong_and_other_words_nothing(service: Service) -> None:
    with socket(service) as talker:
        for word in ("hello", b"\x00\xff", "ping"):
            talker.send(word)
        answers = (talker.recv(END_S) for _ in range(50))
        assert next(one for one in answers if not str(one).startswith('{"seq"')) == "pong"


def test_a_socket_message_beyond_the_bound_closes_the_socket(service: Service) -> None:
    with socket(service) as talker:
        talker.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            read_for_ever(talker)


def read_for_ever(talker: ClientConnection) -> None:
    for _ in range(1000):
        talker.recv(END_S)


@pytest.mark.parametrize(
    ("query", "options", "status", "field"),
    [
        ("?after=x", {}, 422, "after"),
        ("", {"origin": "https://elsewhere.example"}, 403, "Origin"),
        ("", {"origin": "null"}, 403, "Origin"),
    ],
)
def test_a_handshake_is_refused_with_a_problem(
    service: Service, query: str, options: dict[str, Any], status: int, field: str
) -> None:
    with pytest.raises(InvalidStatus) as caught, socket(service, query, **options):
        pass
    answer = caught.value.response
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert json.loads(answer.body or b"{}")["field"] == field


def test_a_page_of_this_service_may_connect(service: Service) -> None:
    with socket(service, origin=service.url) as talker:
        assert talker.recv(END_S)


def test_plain_http_at_the_socket_is_told_what_to_do(service: Service) -> None:
    answer = service.get("/v1/ws")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.json()["type"] == "urn:localizer:problem:upgrade-required"
