"""A microcontroller as scanner, over a serial port: ``serial:/dev/ttyACM0?baud=115200``.

PROTOCOL.md, beside this package, says what it sends.
"""

from __future__ import annotations

from firmware_bridge.serial.opening import open_serial

__all__ = ["open_serial"]
