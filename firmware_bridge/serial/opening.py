"""From a string to a serial source."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from firmware_bridge.serial.source import SerialSource
from localizer.clock import Clock, MonotonicClock
from localizer.sources.address import OptionReader, SourceAddress

DEFAULT_BAUD: Final = 115_200
"""Bits per second: some 400 packets a second. Over USB the number means nothing."""

DEFAULT_SILENCE_S: Final = 30.0
"""Seconds without a message after which a port is opened anew. A device says hello every 10 s."""


def open_serial(address: SourceAddress, clock: Clock | None = None) -> SerialSource:
    """Open ``serial:DEVICE``, such as ``serial:/dev/ttyACM0?baud=115200``; the port stays closed.

    Options: ``baud`` (115200), ``silence`` in seconds (30).

    Raises:
        SourceError: no device is named (reason ``bad_address``), an option cannot be used, or
            pyserial is not installed (``missing_extra``). A device that is not there is no error:
            it may be plugged in later, and the status says so until then.
    """
    if find_spec("serial") is None:
        address.fail(
            "a serial source needs pyserial, which is not installed; "
            "install it with: pip install 'ble-localizer[serial]'",
            "missing_extra",
        )
    if not address.target:
        address.fail("a device must be named, as in serial:/dev/ttyACM0", "bad_address")
    options = OptionReader(address)
    baud = options.whole("baud", DEFAULT_BAUD)
    silence_s = options.number("silence", DEFAULT_SILENCE_S, above=0)
    options.refuse_others()
    if not baud:
        address.fail("baud must be above 0, but got 0", "bad_number")
    return SerialSource(
        address.text, address.target, clock or MonotonicClock(), baud=baud, silence_s=silence_s
    )
