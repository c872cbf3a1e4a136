"""The verbs and the service on the real bleak, as a surveyor and a deployer start them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from localizer.cli import run
from tests.edge_service import END_S, Service, serving
from tests.firmware_bridge.air import PACKETS, UUID_TEXT
from tests.firmware_bridge.fake_bluez import FakeBluez


def status_of(*arguments: str) -> int:
    try:
        return run(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0


def source_when(service: Service, state: str) -> Any:
    """Ask for the service's health until its source is in a state."""
    end_s = time.monotonic() + END_S
    while True:
        health = service.get("/v1/health").json()
        if health["source"]["state"] == state:
            return health
        assert time.monotonic() < end_s, health


def test_the_service_says_how_bluetooth_is_and_goes_on_after_it_was_away(bluez: FakeBluez) -> None:
    bluez.keep_advertising(PACKETS)
    with serving(source="ble:hci0") as service:
        source_when(service, "running")
        bluez.power(False)
        away = source_when(service, "recovering")
        assert away["status"] == "degraded"
        assert away["reasons"][0]["code"] == "source_recovering"
        assert away["source"]["reason"] in ("scan_stopped", "powered_off")
        bluez.power(True)
        assert source_when(service, "running")["source"]["restarts"] >= 1
        assert service.stop() == 0


def test_scan_and_record_hear_the_radio(
    bluez: FakeBluez, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bluez.keep_advertising(PACKETS)
    assert status_of("scan", "ble:", "--seconds", "1", "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    beacons = {one["beacon"] for one in last["beacons"]}
    assert beacons == {f"ibeacon:{UUID_TEXT}:9:{minor}" for minor in range(10)}
    path = tmp_path / "a.jsonl"
    assert status_of("record", "ble:hci0", str(path), "--seconds", "1") == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    assert capsys.readouterr().out == f"{len(lines)} advertisements in {path}\n"
    assert json.loads(lines[0])["measured_power_dbm"] == -59


def test_the_doctor_examines_adapter_and_air(
    bluez: FakeBluez, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each RSSI the same for ever: what deduplication would look like.
    bluez.keep_advertising(PACKETS)
    assert status_of("doctor", "--seconds", "1", "--json") == 1
    levels = {one["check"]: one["level"] for one in json.loads(capsys.readouterr().out)["checks"]}
    assert levels.pop("BlueZ") in ("ok", "warn")
    assert levels.pop("clock") in ("ok", "warn")
    assert levels == {
        "permission": "ok",
        "adapter": "ok",
        "competing scans": "ok",
        "source": "ok",
        "rates": "ok",
        "threshold": "fail",
        "disk": "ok",
    }


def test_the_doctor_does_not_listen_where_nothing_can_be_heard(
    bluez: FakeBluez, capsys: pytest.CaptureFixture[str]
) -> None:
    bluez.power(False)
    assert status_of("doctor", "ble:hci0", "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert {one["check"] for one in answer["checks"] if one["level"] == "fail"} == {"adapter"}
