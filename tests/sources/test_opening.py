from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localizer.clock import Clock, ManualClock
from localizer.errors import SourceError
from localizer.sources import Source, open_source
from localizer.sources.address import OptionReader, SourceAddress, parse_source
from localizer.sources.simulate import SimulatedSource


def test_a_string_is_taken_apart() -> None:
    address = parse_source("Replay:/a b/c:d.survey?speed=5&sessions=s1%2Cs%262,x+y")
    assert (address.scheme, address.target) == ("replay", "/a b/c:d.survey")
    assert address.options == (("speed", "5"), ("sessions", "s1,s&2,x+y"))


def test_a_string_without_options() -> None:
    assert parse_source("ble:hci0") == SourceAddress("ble:hci0", "ble", "hci0")


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("demo", "unknown_scheme", "SCHEME:TARGET"),
        ("", "unknown_scheme", "SCHEME:TARGET"),
        ("wifi:wlan0", "unknown_scheme", "replay"),
        ("replay:no-such-file.survey", "file_not_found", "no-such-file.survey"),
        ("replay:", "file_not_found", "file"),
        ("simulate:no-such-site.toml", "file_not_found", "demo"),
        ("simulate:demo?sped=1", "unknown_option", "speed"),
        ("simulate:demo?speed=fast", "bad_number", "fast"),
        ("simulate:demo?speed=0", "bad_number", "above 0"),
        ("simulate:demo?speed=nan", "bad_number", "finite"),
        ("simulate:demo?speed=inf", "bad_number", "finite"),
        ("simulate:demo?seed=-1", "bad_number", "whole number"),
        ("simulate:demo?seed=1.5", "bad_number", "whole number"),
        ("simulate:demo?packet_loss=2", "bad_number", "below 1"),
        ("simulate:demo?floor=9", "bad_site", "9"),
        ("simulate:demo?seed", "bad_option", "name=value"),
        ("simulate:demo?", "bad_option", "name=value"),
        ("simulate:demo?seed=1&seed=2", "repeated_option", "twice"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(text: str, reason: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        open_source(text)
    assert caught.value.reason == reason
    assert caught.value.source == text


def test_a_composition_root_adds_schemes() -> None:
    seen: list[tuple[SourceAddress, Clock | None]] = []

    def open_ble(address: SourceAddress, clock: Clock | None) -> Source:
        seen.append((address, clock))
        return open_source("simulate:demo", clock=clock)

    clock = ManualClock()
    source = open_source("ble:hci0?passive=true", openers={"ble": open_ble}, clock=clock)
    assert isinstance(source, SimulatedSource)
    (address, given) = seen[0]
    assert address.target == "hci0"
    assert address.options == (("passive", "true"),)
    assert given is clock
    with pytest.raises(SourceError, match="'ble', 'replay', 'simulate'"):
        open_source("mqtt:host", openers={"ble": open_ble})


def test_a_damaged_site_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("schema_version = ", encoding="utf-8")
    with pytest.raises(SourceError, match="must be TOML") as caught:
        open_source(f"simulate:{path}")
    assert caught.value.reason == "bad_site"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), ("no", False)],
)
def test_truths(text: str, expected: bool) -> None:
    options = OptionReader(parse_source(f"x:y?loop={text}"))
    assert options.truth("loop", not expected) is expected


def test_a_truth_must_be_one() -> None:
    with pytest.raises(SourceError, match="true, 1, yes") as caught:
        OptionReader(parse_source("x:y?loop=maybe")).truth("loop", False)
    assert caught.value.reason == "bad_choice"


def test_only_the_chosen_schemes_module_is_imported() -> None:
    program = (
        "import sys; from localizer.sources import open_source; open_source('simulate:demo');"
        "print(*(name for name in sys.modules if name.startswith('localizer.s')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert "localizer.sources.simulate" in done.stdout.split()
    assert "localizer.sources.replay" not in done.stdout.split()
    assert "localizer.survey" not in done.stdout.split()
