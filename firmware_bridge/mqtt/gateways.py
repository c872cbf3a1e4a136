"""What gateways report: which kind of report a message is, by the end of its topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import ValidationError

from firmware_bridge.mqtt.espresense import read_espresense
from firmware_bridge.mqtt.own_reports import OwnReports
from firmware_bridge.mqtt.tags import receiver_name
from firmware_bridge.mqtt.theengs import read_theengs
from localizer.errors import SiteError
from localizer.scans import Advertisement

LONGEST_PAYLOAD: Final = 65_536
"""Bytes of a message at most: some 600 packets. What is longer is no report."""


LeftOut = Literal["malformed", "no_beacon", "other_topic"]
"""Why a message says nothing to us, as it is counted."""


class NotForUs(Exception):
    """A message without advertisements. Never leaves this package."""

    def __init__(self, message: str, reason: LeftOut) -> None:
        super().__init__(message)
        self.reason: LeftOut = reason


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says."""

    advertisements: Sequence[Advertisement]
    """In the order of time, each with its receiver."""
    too_old: int = 0
    """Packets left out because they were heard too long ago."""


class GatewayReports:
    """Reads messages of ESPresense, of Theengs and OpenMQTTGateway, and of our own format."""

    def __init__(self) -> None:
        self._own = OwnReports()

    def read(self, topic: str, payload: bytes, arrived_ns: int) -> Report:
        """Read one message.

        Args:
            topic: ``…/<receiver>/adverts``, ``…/devices/<device>/<receiver>`` or
                ``…/<receiver>/BTtoMQTT/<device>``.
            payload: JSON.
            arrived_ns: when it arrived, nanoseconds on the source's clock.

        Raises:
            NotForUs: another topic, no report, or of a device that is no beacon.
        """
        if len(payload) > LONGEST_PAYLOAD:
            raise NotForUs(f"a report must have at most {LONGEST_PAYLOAD} bytes", "malformed")
        try:
            return self._read(topic.split("/"), payload, arrived_ns)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise NotForUs(f"{where or 'the payload'}: {problem['msg']}", "malformed") from error
        except SiteError as error:
            raise NotForUs(str(error), "malformed") from error

    def _read(self, levels: list[str], payload: bytes, arrived_ns: int) -> Report:
        match levels:
            case [*_, receiver, "adverts"]:
                name = receiver_name(receiver)
                return Report(*self._own.read(name, payload, arrived_ns))
            case [*_, "devices", _, receiver]:
                one = read_espresense(receiver_name(receiver), payload, arrived_ns)
            case [*_, receiver, "BTtoMQTT", _]:
                one = read_theengs(receiver_name(receiver), payload, arrived_ns)
            case _:
                raise NotForUs("no kind of report has such a topic", "other_topic")
        if one is None:
            raise NotForUs("this device has no id that stays", "no_beacon")
        return Report((one,))
