"""What BlueZ says about its adapters, over a D-Bus connection of its own: Linux only.

bleak listens to devices alone. An adapter that is switched off, a service that ends or a scan that
somebody stops is silence to it; here each has a signal.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from dbus_fast import AuthError, BusType, Message, MessageType, unpack_variants
from dbus_fast.aio import MessageBus
from dbus_fast.auth import AuthExternal

from firmware_bridge.ble.reasons import dbus_trouble, trouble
from firmware_bridge.ble.watch import Watch
from localizer.errors import SourceError

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_BUS: Final = "org.freedesktop.DBus"

_RULES: Final = (
    f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
    f"type='signal',sender='{BLUEZ}',interface='{_PROPERTIES}',member='PropertiesChanged',"
    f"arg0='{ADAPTER}'",
    f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}'",
)


_GRACE_S: Final = 0.05
"""Seconds in which the cause of a scan's end may still come: an adapter that is switched off says
that it scans no more, and then why."""


class Adapter(NamedTuple):
    """One Bluetooth adapter, as BlueZ describes it."""

    name: str
    """Such as ``hci0``."""
    powered: bool
    discovering: bool
    """Whether anybody scans with it."""
    le_central: bool
    """Whether it can hear Low Energy advertisements."""

    @property
    def path(self) -> str:
        """Its object on the bus."""
        return f"/org/bluez/{self.name}"


class BluezWatch(Watch):
    """Watches BlueZ, one adapter of it, and the bus between us.

    Args:
        source: the string that the source was opened with, for errors.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._bus: MessageBus | None = None
        self._path: str | None = None
        self._end: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect to the system's bus and ask for signals.

        Raises:
            SourceError: the bus or BlueZ does not let us (reason ``access_denied``), or BlueZ is
                not there (``service_gone``).
            OSError: the bus cannot be reached.
        """
        bus = MessageBus(bus_type=BusType.SYSTEM, auth=_authenticator())
        try:
            await bus.connect()
        except AuthError as error:
            raise trouble(self._source, "access_denied", str(error)) from error
        self._bus = bus
        bus.add_message_handler(self._on_message)
        self._end = asyncio.create_task(self._tell_of_the_end(bus), name="the end of the bus")
        for rule in _RULES:
            await self._ask(
                Message(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", signature="s", body=[rule])
            )

    async def adapters(self) -> list[Adapter]:
        """Return every adapter, in the order of their names."""
        (objects,) = await self._ask(Message(BLUEZ, "/", _OBJECTS, "GetManagedObjects"))
        found = [
            _adapter(path, unpack_variants(interfaces[ADAPTER]))
            for path, interfaces in objects.items()
            if ADAPTER in interfaces
        ]
        return sorted(found, key=lambda one: (len(one.name), one.name))

    async def choose(self, adapter: str | None) -> str:
        """Return the adapter to scan with: the one named, or the first that is switched on.

        Raises:
            SourceError: there is none (reason ``no_adapter``), or it is off (``powered_off``).
        """
        fitting = [
            one
            for one in await self.adapters()
            if one.le_central and (adapter is None or one.name == adapter)
        ]
        if not fitting:
            raise trouble(self._source, "no_adapter", adapter or "any")
        chosen = next((one for one in fitting if one.powered), None)
        if chosen is None:
            raise trouble(self._source, "powered_off", fitting[0].name)
        self._path = chosen.path
        # What was signalled before this answer was about an earlier scan. What comes from here on
        # counts, even if it is late: at worst a scan is begun twice.
        self.trouble = None
        self._worse.clear()
        return chosen.name

    async def trouble_within(self, seconds: float) -> SourceError | None:
        """Return why the scan has ended as soon as that is known; None if it goes on."""
        met = await super().trouble_within(seconds)
        if met is not None and met.reason == "scan_stopped":
            await asyncio.sleep(_GRACE_S)
        return self.trouble

    def close(self) -> None:
        """Listen no more, and leave the bus."""
        if self._end is not None:
            self._end.cancel()
        if self._bus is not None:
            self._bus.disconnect()

    async def _ask(self, call: Message) -> list[Any]:
        if self._bus is None:
            raise EOFError("the bus was never reached")
        reply = await self._bus.call(call)
        if reply is None:
            raise EOFError("the bus has gone")
        if reply.message_type is MessageType.ERROR:
            said = " ".join(str(one) for one in reply.body)
            raise dbus_trouble(self._source, reply.error_name or "", said)
        return reply.body

    async def _tell_of_the_end(self, bus: MessageBus) -> None:
        try:
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            error: Exception | None = None
        except Exception as met:
            error = met
        self._got_worse(trouble(self._source, "bus_gone", "" if error is None else repr(error)))

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged":
            _, _, owner = message.body
            if owner:
                self._got_better()
            else:
                self._got_worse(trouble(self._source, "service_gone"))
        elif message.member in ("InterfacesAdded", "InterfacesRemoved"):
            self._on_object(message.member, *message.body)
        elif message.member == "PropertiesChanged" and self._is_ours(message.path):
            self._on_change(unpack_variants(message.body[1]))

    def _on_object(self, member: str, path: str, interfaces: Collection[str]) -> None:
        if ADAPTER not in interfaces or not self._is_ours(path):
            return
        if member == "InterfacesAdded":
            self._got_better()
        else:
            self._got_worse(trouble(self._source, "no_adapter"))

    def _on_change(self, changed: Mapping[str, Any]) -> None:
        if changed.get("Powered") is True:
            self._got_better()
        elif changed.get("Powered") is False:
            self._got_worse(trouble(self._source, "powered_off"))
        elif changed.get("Discovering") is False:
            self._got_worse(trouble(self._source, "scan_stopped"))

    def _is_ours(self, path: str | None) -> bool:
        return self._path is None or path == self._path


def _adapter(path: str, properties: Mapping[str, Any]) -> Adapter:
    # BlueZ before 5.50 does not list roles.
    roles = properties.get("Roles", ["central"])
    return Adapter(
        path.rpartition("/")[2],
        powered=bool(properties.get("Powered")),
        discovering=bool(properties.get("Discovering")),
        le_central="central" in roles,
    )


def _authenticator() -> AuthExternal | None:
    """Return whom to be on the bus, where bleak is told the same (user namespaces)."""
    uid = os.environ.get("BLEAK_DBUS_AUTH_UID", "")
    return AuthExternal(uid=int(uid)) if uid.isdigit() else None
