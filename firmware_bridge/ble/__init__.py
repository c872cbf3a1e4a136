"""``ble:hci0``: the Bluetooth radio of this machine, through bleak."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from localizer.clock import Clock, MonotonicClock
from localizer.sources.address import OptionReader, SourceAddress

if TYPE_CHECKING:
    from firmware_bridge.ble.source import BleSource

__all__ = ["SILENCE_S", "open_ble"]

SILENCE_S: Final = 30.0
"""Seconds without any packet after which the scanner is made anew. Where people are, something
advertises several times a second; in an empty hall a new scanner in vain costs nothing."""

_ADAPTER: Final = re.compile(r"hci\d{1,3}")


def open_ble(address: SourceAddress, clock: Clock | None = None) -> BleSource:
    """Open ``ble:hci0``, or ``ble:`` for the first adapter that is switched on.

    Options: ``silence`` (30), seconds without a packet until the scanner is made anew.

    Raises:
        SourceError: bleak is not installed (reason ``not_installed``), the adapter has no name of
            an adapter (``bad_target``), an option is unknown or out of range, or passive scanning
            is asked for (``passive_refused``).
    """
    options = OptionReader(address)
    silence_s = options.number("silence", SILENCE_S, above=0)
    if options.truth("passive", False):
        address.fail(
            "a scan must be active, but passive was asked for: then BlueZ reports an RSSI only "
            "once it has moved by 8 dB, which spoils fingerprints; leave out passive=",
            "passive_refused",
        )
    options.refuse_others()
    _check_target(address)
    if find_spec("bleak") is None:
        address.fail(
            "bleak must be installed to use this machine's Bluetooth, but is not; install the "
            "extra `ble`: pip install 'ble-localizer[ble]'",
            "not_installed",
        )
    from firmware_bridge.ble.source import BleSource

    return BleSource(
        address.text, address.target or None, clock or MonotonicClock(), silence_s=silence_s
    )


def _check_target(address: SourceAddress) -> None:
    if not address.target:
        return
    if sys.platform != "linux":
        address.fail(
            f"{sys.platform} chooses the adapter itself, but got {address.target!r}; "
            "open `ble:` without a name",
            "bad_target",
        )
    if _ADAPTER.fullmatch(address.target) is None:
        address.fail(
            f"an adapter must be named like hci0, but got {address.target!r}; "
            "`bluetoothctl list` and `hciconfig` show what there is",
            "bad_target",
        )
