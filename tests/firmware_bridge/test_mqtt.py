"""An MQTT source at a real broker."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import aiomqtt
import pytest

from firmware_bridge.mqtt.connection import BrokerAway, subscribe
from firmware_bridge.mqtt.settings import MqttSettings
from localizer.cli_sources import RADIO_OPENERS
from localizer.clock import Clock, MonotonicClock
from localizer.sources import Source, open_source
from tests.firmware_bridge.collecting import Collector, until
from tests.mosquitto import Mosquitto, free_port, program, running_mosquitto
from tests.sources.contract import MakeSource, MakeWaiting, SourceContract, run

BEACON = "ibeacon:e5ca1ade-f007-ba11-0000-000000000001:1:10"
TOPIC = "localizer/desk/adverts"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path_factory.mktemp("mosquitto")) as one:
        yield one


def opened(address: str, clock: Clock | None = None) -> Source:
    return open_source(address, openers=RADIO_OPENERS, clock=clock)


def at(broker: Mosquitto, rest: str = "") -> str:
    return f"mqtt://127.0.0.1:{broker.port}{rest}"


def batch(*rssi_dbm: float, beacon: str = BEACON, **more: Any) -> str:
    packets = [{"beacon": beacon, "rssi_dbm": one, **more} for one in rssi_dbm]
    return json.dumps({"adverts": packets})


async def publish(
    broker: Mosquitto, *messages: tuple[str, str | bytes], retain: bool = False, **login: Any
) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port, **login) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1, retain=retain)


async def connected(source: Source) -> Collector:
    """Iterate a source, and return once it is subscribed."""
    collector = Collector(source)
    await until(lambda: source.status.state == "running")
    return collector


class TestMqttSource(SourceContract):
    @pytest.fixture
    def make_source(self, broker: Mosquitto) -> Iterator[MakeSource]:
        stop = Event()
        thread = Thread(target=asyncio.run, args=[_report(broker, stop)])
        thread.start()
        yield lambda clock: opened(at(broker), clock)
        stop.set()
        thread.join()

    @pytest.fixture
    def make_waiting(self, broker: Mosquitto) -> MakeWaiting:
        return lambda: opened(at(broker, "/nobody-reports-here"))


async def _report(broker: Mosquitto, stop: Event) -> None:
    """Report without end: whoever subscribes late has missed nothing that matters."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        while not stop.is_set():
            await client.publish(TOPIC, batch(-60, -61, -62, -63, -64))
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("qos", [0, 1])
def test_gateways_of_three_kinds(broker: Mosquitto, qos: int) -> None:
    uuid = BEACON.split(":")[1]

    async def check() -> None:
        source = opened(at(broker, f"?qos={qos}"))
        collector = await connected(source)
        await publish(
            broker,
            (TOPIC, batch(-50)),
            (
                f"espresense/devices/iBeacon:{uuid}-1-10/kitchen",
                json.dumps({"id": f"iBeacon:{uuid}-1-10", "rssi": -60.5, "rssi@1m": -59}),
            ),
            (
                "home/OpenMQTTGateway/BTtoMQTT/1A2B3C4D5E6F",
                json.dumps({"rssi": -70, "uuid": uuid, "major": 1, "minor": 10, "txpower": -58}),
            ),
        )
        heard = await collector.wait_for(3)
        assert [
            (one.beacon, one.rssi_dbm, one.measured_power_dbm, one.receiver) for one in heard
        ] == [
            (BEACON, -50.0, None, "desk"),
            (BEACON, -60.5, -59.0, "kitchen"),
            (BEACON, -70.0, -58.0, "openmqttgateway"),
        ]
        await collector.close()

    run(check())


def test_the_other_direction_of_the_geometry(broker: Mosquitto) -> None:
    async def check() -> None:
        source = opened(at(broker, "?direction=tags-move&tag=NAME:Tag:7"))
        collector = await connected(source)
        await publish(
            broker,
            ("localizer/Desk/adverts", batch(-50, beacon="name:tag:7")),
            ("localizer/door/adverts", batch(-60, beacon="name:tag:8")),
            ("localizer/door/adverts", batch(-70, beacon="name:tag:7")),
        )
        heard = await collector.wait_for(2)
        assert [(one.beacon, one.rssi_dbm, one.receiver) for one in heard] == [
            ("receiver:desk", -50.0, None),
            ("receiver:door", -70.0, None),
        ]
        assert source.status.dropped == {"other_beacon": 1}
        await collector.close()

    run(check())


def test_malformed_messages_are_counted_and_the_last_is_said(broker: Mosquitto) -> None:
    async def check() -> None:
        source = opened(at(broker, "?topic=localizer/%23"))
        collector = await connected(source)
        await publish(
            broker,
            (TOPIC, b"\xff\x00 no json"),
            (TOPIC, batch(-50, age=3)),
            (TOPIC, batch(5, -127, -60)),
            (TOPIC, batch(-60, age_ms=100_000)),
            ("localizer/desk/state", "online"),
            (TOPIC, batch(-61)),
        )
        assert [one.rssi_dbm for one in await collector.wait_for(2)] == [-60.0, -61.0]
        status = source.status
        assert (status.state, status.reason) == ("running", None)
        assert status.detail is not None
        assert "localizer/desk/adverts: adverts.0.age" in status.detail
        assert status.dropped == {
            "malformed": 2,
            "positive_rssi": 1,
            "not_heard": 1,
            "too_old": 1,
            "other_topic": 1,
        }
        await collector.close()

    run(check())


def test_retained_messages_are_not_news(broker: Mosquitto) -> None:
    async def check() -> None:
        await publish(broker, (TOPIC, batch(-50)), retain=True)
        source = opened(at(broker))
        collector = await connected(source)
        await until(lambda: "retained" in source.status.dropped)
        await publish(broker, (TOPIC, batch(-51)))
        assert [one.rssi_dbm for one in await collector.wait_for(1)] == [-51.0]
        assert source.status.dropped == {"retained": 1}
        await collector.close()
        await publish(broker, (TOPIC, b""), retain=True)  # forget it

    run(check())


def test_a_broker_that_restarts_is_found_again(tmp_path: Path) -> None:
    async def check() -> None:
        with running_mosquitto(tmp_path) as broker:
            source = opened(at(broker))
            collector = await connected(source)
            broker.stop()
            await until(lambda: source.status.state == "recovering")
            assert source.status.reason == "connection_lost"
            await until(lambda: source.status.reason == "connection_refused")
            broker.start()
            await until(lambda: source.status.state == "running")
            assert source.status.restarts == 1
            await publish(broker, (TOPIC, batch(-50)))
            assert len(await collector.wait_for(1)) == 1
            await collector.close()

    run(check())


def test_a_broker_may_come_later(tmp_path: Path) -> None:
    async def check() -> None:
        source = opened(f"mqtt://127.0.0.1:{free_port()}")
        collector = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == "connection_refused"
        assert "is the broker running" in (source.status.detail or "")
        await collector.close()

    run(check())


def test_a_host_without_a_name_is_unreachable() -> None:
    async def check() -> None:
        source = opened("mqtt://no-such-host.invalid")
        collector = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == "unreachable"
        await collector.close()

    run(check())


def test_who_does_not_answer_can_be_left_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is open, but nobody speaks MQTT there."""

    async def check() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            source = opened(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
            collector = Collector(source)
            probe, _ = await asyncio.to_thread(server.accept)
            client, _ = await asyncio.to_thread(server.accept)
            with probe, client:
                started = asyncio.get_running_loop().time()
                await collector.close()
                assert asyncio.get_running_loop().time() - started < 1.0
                assert source.status.state == "ended"

    monkeypatch.setattr("firmware_bridge.mqtt.connection.ANSWER_S", 0.3)
    run(check())


def test_who_does_not_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            source = opened(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
            collector = Collector(source)
            await until(lambda: source.status.state == "recovering")
            assert source.status.reason == "unreachable"
            probe, _ = server.accept()
            client, _ = server.accept()
            with probe, client:
                # What was not answered is closed, and not left to pile up.
                client.settimeout(5)
                while client.recv(1024):
                    pass
                await collector.close()

    monkeypatch.setattr("firmware_bridge.mqtt.connection.ANSWER_S", 0.2)
    run(check())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that asks for a password."""
    passwords = tmp_path / "passwords"
    tool = program("mosquitto_passwd", "mosquitto")
    subprocess.run([tool, "-c", "-b", passwords, "scanner", "right"], check=True)
    options = f"allow_anonymous false\npassword_file {passwords}"
    with running_mosquitto(tmp_path, options) as one:
        yield one


def test_the_right_password_opens_and_is_never_shown(guarded: Mosquitto, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("right\n")

    async def check() -> None:
        source = opened(f"mqtt://scanner@127.0.0.1:{guarded.port}/localizer?password_file={file}")
        collector = await connected(source)
        await publish(guarded, (TOPIC, batch(-50)), username="scanner", password="right")
        assert len(await collector.wait_for(1)) == 1
        await collector.close()

    run(check())


@pytest.mark.parametrize(
    ("login", "said"),
    [("", "user"), ("scanner:wrong@", "user"), ("stranger:right@", "let us read")],
)
def test_who_may_not_in_is_told(guarded: Mosquitto, login: str, said: str) -> None:
    async def check() -> None:
        source = opened(f"mqtt://{login}127.0.0.1:{guarded.port}/localizer")
        collector = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == "not_authorised"
        assert "check user and password" in (source.status.detail or "")
        assert "wrong" not in f"{source.name} {source.status}"
        await collector.close()

    run(check())


class RefusingClient:
    """What Mosquitto 2.0 cannot be brought to: it lets everybody subscribe, and sends nothing."""

    async def subscribe(self, topics: list[tuple[str, int]]) -> tuple[int, ...]:
        return (0, 128)


def test_a_subscription_that_is_refused_is_told() -> None:
    settings = MqttSettings("broker", 1883, ("allowed", "secret"))
    with pytest.raises(BrokerAway, match="secret") as caught:
        run(subscribe(cast(aiomqtt.Client, RefusingClient()), settings))
    assert caught.value.reason == "not_authorised"


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker with TLS, and the folder with its authority's certificate and that of a stranger."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = program("openssl", "openssl")
    _authority(openssl, folder, "ca")
    _authority(openssl, folder, "stranger")
    _server(openssl, folder)
    options = (
        f"allow_anonymous true\ncafile {folder / 'ca.pem'}\n"
        f"certfile {folder / 'server.pem'}\nkeyfile {folder / 'server.key'}"
    )
    with running_mosquitto(folder, options) as one:
        yield one, folder


def _authority(openssl: str, folder: Path, name: str) -> None:
    _run(
        *f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(),
        *f"-days 2 -subj /CN={name} -keyout {folder}/{name}.key -out {folder}/{name}.pem".split(),
        *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"),
    )


def _server(openssl: str, folder: Path) -> None:
    request, extensions = folder / "server.csr", folder / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost\n")
    _run(
        *f"{openssl} req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(),
        *f"-subj /CN=localhost -keyout {folder}/server.key -out {request}".split(),
    )
    _run(
        *f"{openssl} x509 -req -in {request} -CA {folder}/ca.pem -CAkey {folder}/ca.key".split(),
        *f"-days 2 -set_serial 1 -extfile {extensions} -out {folder}/server.pem".split(),
    )


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tls_with_the_right_authority(encrypted: tuple[Mosquitto, Path]) -> None:
    broker, folder = encrypted

    async def check() -> None:
        source = opened(f"mqtts://localhost:{broker.port}?ca={folder}/ca.pem")
        collector = await connected(source)
        await collector.close()

    run(check())


@pytest.mark.parametrize(
    "rest",
    [
        "localhost:{port}?ca={folder}/stranger.pem",
        "localhost:{port}",
        "127.0.0.1:{port}?ca={folder}/ca.pem",  # which the certificate does not name
    ],
)
def test_tls_that_cannot_be_trusted(encrypted: tuple[Mosquitto, Path], rest: str) -> None:
    broker, folder = encrypted

    async def check() -> None:
        source = opened("mqtts://" + rest.format(port=broker.port, folder=folder))
        collector = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == "tls_failed"
        await collector.close()

    run(check())


def test_tls_where_there_is_none(broker: Mosquitto) -> None:
    async def check() -> None:
        source = opened(f"mqtts://localhost:{broker.port}")
        collector = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason in ("tls_failed", "connection_lost")
        await collector.close()

    run(check())


def test_ages_are_times_before_the_arrival(broker: Mosquitto) -> None:
    async def check() -> None:
        clock = MonotonicClock()
        source = opened(at(broker), clock)
        collector = await connected(source)
        sent_ns = clock.now_ns()
        await asyncio.sleep(0.2)  # an age is cut at the start of the source
        await publish(broker, (TOPIC, batch(-50, age_ms=100)))
        (one,) = await collector.wait_for(1)
        assert sent_ns + 100_000_000 <= one.time_ns <= clock.now_ns() - 100_000_000
        await collector.close()

    run(check())
