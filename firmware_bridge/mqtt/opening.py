"""From a string to an MQTT source."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from firmware_bridge.mqtt.settings import read_settings
from firmware_bridge.mqtt.source import MqttSource
from localizer.clock import Clock, MonotonicClock
from localizer.sources.address import SourceAddress, without_password


def open_mqtt(address: SourceAddress, clock: Clock | None = None) -> MqttSource:
    """Open ``mqtt://[user[:password]@]host[:port][/prefix]`` or ``mqtts://…`` without connecting.

    Options: ``topic`` (filters with commas; by the prefix if left out), ``qos`` (0),
    ``direction`` (``receivers-move``, or ``tags-move`` with ``tag=ID``), ``ca`` (a file of PEM
    certificates, for mqtts; the system's if left out), ``password_file``, ``password_env``.

    Raises:
        SourceError: the address or an option cannot be used, or aiomqtt is not installed (reason
            ``missing_extra``). No message shows the password.
    """
    shown = replace(address, text=without_password(address.text))
    if find_spec("aiomqtt") is None:
        shown.fail(
            "a source of MQTT needs aiomqtt, which is not installed; "
            "install it with: pip install 'ble-localizer[mqtt]'",
            "missing_extra",
        )
    return MqttSource(shown.text, read_settings(shown), clock or MonotonicClock())
