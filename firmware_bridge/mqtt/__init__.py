"""Fixed scanners that report over an MQTT broker: ``mqtt://host/prefix``, ``mqtts://host/prefix``."""

from __future__ import annotations

from firmware_bridge.mqtt.opening import open_mqtt
from firmware_bridge.mqtt.tags import split_by_tag, to_track

__all__ = ["open_mqtt", "split_by_tag", "to_track"]
