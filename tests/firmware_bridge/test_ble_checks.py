from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware_bridge.ble.checks import examine_bluetooth
from localizer.doctor import Finding
from tests.firmware_bridge.fake_bluez import FakeAdapter, FakeBluez
from tests.firmware_bridge.system_bus import SystemBus
from tests.sources.contract import run


def findings(adapter: str | None = "hci0") -> dict[str, Finding]:
    return {one.check: one for one in run(examine_bluetooth("ble:hci0", adapter))}


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that comes before all others; it says BlueZ 5.66."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    write_tool(tmp_path, "echo 'bluetoothctl: 5.66'")
    return tmp_path


def write_tool(folder: Path, script: str) -> None:
    path = folder / "bluetoothctl"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_all_is_well(bluez: FakeBluez) -> None:
    found = findings()
    assert {name: one.level for name, one in found.items()} == {
        "BlueZ": "ok",
        "permission": "ok",
        "adapter": "ok",
        "competing scans": "ok",
    }
    assert "5.66" in found["BlueZ"].said


@pytest.mark.parametrize(
    ("said", "level"), [("echo 5.55", "ok"), ("echo 5.50", "fail"), ("exit 1", "warn")]
)
def test_an_old_bluez_is_told(said: str, level: str, bluez: FakeBluez, tools: Path) -> None:
    write_tool(tools, said)
    assert findings()["BlueZ"].level == level


def test_an_adapter_that_is_off_is_told(bluez: FakeBluez) -> None:
    bluez.power(False)
    found = findings()["adapter"]
    assert (found.level, found.said) == ("fail", "powered off")
    assert "rfkill" in (found.advice or "")


def test_an_adapter_that_is_not_there_is_told(bluez: FakeBluez) -> None:
    found = findings("hci3")["adapter"]
    assert (found.level, found.said) == ("fail", "no adapter")
    assert "hci3" in (found.advice or "")


def test_without_a_name_the_first_that_is_on_is_examined(bluez: FakeBluez) -> None:
    bluez.power(False)
    bluez.adapters["hci1"] = FakeAdapter()
    assert findings(None)["adapter"].said == "hci1 is on (there are: hci0 off, hci1 on)"


def test_somebody_elses_scan_is_told(bluez: FakeBluez) -> None:
    bluez.adapters["hci0"].discovering = True
    assert findings()["competing scans"].level == "warn"


def test_a_refusal_is_told(bluez: FakeBluez, system_bus: SystemBus) -> None:
    system_bus.deny()
    bluez.reload_policy()
    found = findings()["permission"]
    assert (found.level, found.said) == ("fail", "access denied")
    assert "group `bluetooth`" in (found.advice or "")


def test_a_service_or_a_bus_that_is_not_there_is_told(
    bluez: FakeBluez, system_bus: SystemBus
) -> None:
    bluez.crash()
    assert findings()["service"].said == "service gone"
    system_bus.kill()
    assert findings()["service"].said == "bus gone"


def test_elsewhere_there_is_nothing_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert findings(None) == {}
