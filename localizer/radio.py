"""How radio behaves in a simulated building: parameters with units and sources."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from localizer.errors import ConfigError
from localizer.scans import WEAKEST_DBM


@dataclass(frozen=True, slots=True)
class RadioParameters:
    """One radio environment; the defaults are an office with light walls.

    Sources: [S22] Strzoda, Grochla, Połys, MSWiM 2022, doi:10.1145/3551662.3560933 (BLE indoors);
    [C231] COST 231 final report 1999, section 4.7 (multi-wall model); [3GPP] TR 38.901, indoor
    office, table 7.5-6; [BT] Bluetooth Core Specification, volume 6, part B, 4.4.2.2.

    Raises:
        ConfigError: a value is out of range; the message names it.
    """

    rssi_at_1m_dbm: float = -59.0
    """Mean RSSI at 1 m, dBm. Usual for an iBeacon at 0 dBm; [S22] measured -65.5."""
    exponent: float = 2.2
    """Path loss exponent, without unit. 2 is free space, which [C231] uses beside explicit walls;
    the means of [S22] from 1 to 16 m give 2.1."""
    wall_loss_db: float = 5.0
    """Loss for each wall crossed, dB. [C231]: 3.4 for a light wall, 6.9 for a heavy one."""
    shadowing_sd_db: float = 4.0
    """Standard deviation of the shadowing, dB. [3GPP]: 3 in line of sight, 8 without; the walls
    are counted apart here."""
    shadowing_distance_m: float = 6.0
    """Distance at which the correlation of the shadowing falls to 1/e, metres (Gudmundson,
    Electronics Letters 27(23), 1991). [3GPP]: 10 in line of sight, 6 without."""
    rician_k_db: float = 3.0
    """Power of the direct path over that of the scattered ones, dB, for the fading of each packet;
    -inf is Rayleigh, +inf no fading. 3 spreads packets by 4.4 dB; [S22] saw 3.5 to 5.9."""
    packet_loss: float = 0.1
    """Share of packets lost whatever their strength, 0 to below 1. Busy surroundings took another
    13 to 40 % in [S22]."""
    sensitivity_dbm: float = -95.0
    """Packets weaker than this are not heard, dBm; at least `WEAKEST_DBM`, below which nothing is
    a reading. Data sheets of BLE radios: -93 to -97."""
    interval_ms: float = 200.0
    """Advertising interval, milliseconds. iBeacon prescribes 100, makers of positioning systems
    advise up to 350 for the battery's sake; 200 gives 15 packets in a window of 3 s."""
    jitter_ms: float = 10.0
    """A random delay from 0 to this is added to each interval, milliseconds ([BT]: 10)."""
    receiver_offset_db: float = 0.0
    """What this receiver reads above the reference one, dB. Phones differ by 10 and more."""
    body_loss_db: float = 0.0
    """Loss straight behind the person who carries the receiver, dB; none straight ahead."""
    height_m: float = 1.5
    """How far beacons hang above the receiver, metres: a ceiling of 2.6 m, a hand at 1.1 m."""

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        for field in fields(self):
            value = getattr(self, field.name)
            if math.isnan(value) or (math.isinf(value) and field.name != "rician_k_db"):
                raise ConfigError(f"{field.name} must be a finite number, but got {value!r}")
        for name in _NOT_NEGATIVE:
            _require(name, getattr(self, name), getattr(self, name) >= 0, "at least 0")
        for name in ("shadowing_distance_m", "interval_ms"):
            _require(name, getattr(self, name), getattr(self, name) > 0, "above 0")
        audible = self.sensitivity_dbm >= WEAKEST_DBM
        _require("sensitivity_dbm", self.sensitivity_dbm, audible, f"at least {WEAKEST_DBM:g}")
        _require("packet_loss", self.packet_loss, self.packet_loss < 1, "below 1")
        _require("rssi_at_1m_dbm", self.rssi_at_1m_dbm, self.rssi_at_1m_dbm < 0, "below 0")


_NOT_NEGATIVE = (
    "exponent",
    "wall_loss_db",
    "shadowing_sd_db",
    "packet_loss",
    "jitter_ms",
    "body_loss_db",
    "height_m",
)


def _require(name: str, value: float, holds: bool, range_text: str) -> None:
    if not holds:
        raise ConfigError(f"{name} must be {range_text}, but got {value!r}; correct it")
