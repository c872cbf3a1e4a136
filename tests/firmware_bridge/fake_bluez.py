"""BlueZ as far as bleak and Localizer look at it: adapters, devices, and who scans."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from dbus_fast import BusType, Message, MessageType, NameFlag, Variant
from dbus_fast.aio import MessageBus

END_S: Final = 10.0
BLUEZ, ADAPTER, DEVICE = "org.bluez", "org.bluez.Adapter1", "org.bluez.Device1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
BUS = "org.freedesktop.DBus"

AT_ONCE: Final = 50
"""Packets told without waiting for the daemon, at most: dbus-fast cannot wait at a full socket."""

T = TypeVar("T")


class Packet(NamedTuple):
    """One advertisement in the air."""

    address: str
    rssi: int
    manufacturer_data: dict[int, bytes] = {}  # noqa: RUF012
    service_data: dict[str, bytes] = {}  # noqa: RUF012


@dataclass
class FakeAdapter:
    powered: bool = True
    roles: tuple[str, ...] = ("central", "peripheral")
    filters: list[dict[str, Any]] = field(default_factory=list)
    """Every discovery filter that was ever set, unpacked."""
    scanners: set[str] = field(default_factory=set)
    """Unique names on the bus of whoever scans."""
    discovering: bool = False
    is_deaf: bool = False
    """Begins a scan without saying so, as firmware that hangs does."""

    def properties(self) -> dict[str, Variant]:
        return {
            "Address": Variant("s", "00:00:00:00:00:01"),
            "Powered": Variant("b", self.powered),
            "Discovering": Variant("b", self.discovering),
            "Roles": Variant("as", list(self.roles)),
        }


class FakeBluez:
    """Runs in a thread with an event loop of its own; every method may be called from any other."""

    def __init__(self, address: str) -> None:
        self.adapters = {"hci0": FakeAdapter()}
        self._address = address
        self._bus: MessageBus | None = None
        self._devices: dict[str, dict[str, Variant]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._feed: asyncio.Task[None] | None = None
        self._thread.start()

    # --- What a test does ---------------------------------------------------------------------

    def start(self) -> None:
        """Come up on the bus, as after a boot: nobody scans, and no device was seen."""
        self._do(self._start())

    def crash(self) -> None:
        """Leave the bus without a word."""
        self._do(self._crash())

    def power(self, on: bool, adapter: str = "hci0") -> None:
        """Switch an adapter on or off."""
        self._do(self._power(adapter, on))

    def plug(self, adapter: str, *, inserted: bool) -> None:
        """Plug an adapter in, or pull it."""
        self._do(self._plug(adapter, inserted))

    def stop_scans(self, adapter: str = "hci0") -> None:
        """End every scan, as somebody does who goes past BlueZ."""
        self._do(self._stop_scans(adapter))

    def advertise(self, packets: Sequence[Packet], adapter: str = "hci0") -> None:
        """Let an adapter hear packets, if it scans."""
        self._do(self._hear(adapter, packets))

    def keep_advertising(self, packets: Sequence[Packet], every_s: float = 0.02) -> None:
        """Let whichever adapter scans hear these packets again and again."""
        self._do(self._keep(packets, every_s))

    def fall_silent(self) -> None:
        """End what `keep_advertising` began."""
        self._do(self._silence())

    def reload_policy(self) -> None:
        """Make the daemon read its config, and wait until it has."""
        self._do(self._ask_bus("ReloadConfig"))

    def close(self) -> None:
        self._do(self._silence())
        self._do(self._crash())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_S)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(END_S)

    # --- On the bus ---------------------------------------------------------------------------

    async def _start(self) -> None:
        for adapter in self.adapters.values():
            adapter.scanners.clear()
            adapter.discovering = False
        self._devices.clear()
        self._bus = await MessageBus(self._address, BusType.SYSTEM).connect()
        self._bus.add_message_handler(self._answer)
        rule = f"type='signal',sender='{BUS}',member='NameOwnerChanged'"
        await self._ask_bus("AddMatch", "s", [rule])
        await self._bus.request_name(BLUEZ, NameFlag.DO_NOT_QUEUE)
        for name, adapter in self.adapters.items():
            self._tell_added(f"/org/bluez/{name}", {ADAPTER: adapter.properties()})

    async def _crash(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    @property
    def _is_on_bus(self) -> bool:
        return self._bus is not None and self._bus.connected

    async def _ask_bus(self, member: str, signature: str = "", body: Sequence[Any] = ()) -> None:
        assert self._bus is not None
        path = "/org/freedesktop/DBus"
        call = Message(BUS, path, BUS, member, signature=signature, body=list(body))
        reply = await self._bus.call(call)
        if reply is None:
            raise EOFError("the bus has ended")
        assert reply.message_type is MessageType.METHOD_RETURN, reply.body

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            for adapter in self.adapters.values():
                if not owner:
                    adapter.scanners.discard(name)
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects()])
        name = (message.path or "").rpartition("/")[2]
        if name not in self.adapters:
            return Message.new_error(message, f"{BUS}.Error.UnknownObject", "no such adapter")
        methods: dict[str, Callable[[Message, str], Message | bool]] = {
            "GetAll": self._get_all,
            "SetDiscoveryFilter": self._set_filter,
            "StartDiscovery": self._start_discovery,
            "StopDiscovery": self._stop_discovery,
        }
        return methods[message.member or ""](message, name)

    def _objects(self) -> dict[str, dict[str, dict[str, Variant]]]:
        adapters = {
            f"/org/bluez/{name}": {ADAPTER: one.properties()} for name, one in self.adapters.items()
        }
        return {**adapters, **{path: {DEVICE: one} for path, one in self._devices.items()}}

    def _get_all(self, message: Message, name: str) -> Message:
        return Message.new_method_return(message, "a{sv}", [self.adapters[name].properties()])

    def _set_filter(self, message: Message, name: str) -> Message:
        self.adapters[name].filters.append({k: v.value for k, v in message.body[0].items()})
        return Message.new_method_return(message)

    def _start_discovery(self, message: Message, name: str) -> Message | bool:
        adapter, sender = self.adapters[name], message.sender or ""
        if not adapter.powered:
            return Message.new_error(message, "org.bluez.Error.NotReady", "Resource Not Ready")
        if sender in adapter.scanners:
            return Message.new_error(message, "org.bluez.Error.InProgress", "already in progress")
        adapter.scanners.add(sender)
        self._set_discovering(name, True)
        return True if adapter.is_deaf else Message.new_method_return(message)

    def _stop_discovery(self, message: Message, name: str) -> Message:
        adapter, sender = self.adapters[name], message.sender or ""
        if sender not in adapter.scanners:
            return Message.new_error(message, "org.bluez.Error.Failed", "No discovery started")
        adapter.scanners.discard(sender)
        self._set_discovering(name, bool(adapter.scanners))
        return Message.new_method_return(message)

    def _set_discovering(self, name: str, value: bool) -> None:
        if self.adapters[name].discovering != value:
            self.adapters[name].discovering = value
            self._tell_changed(f"/org/bluez/{name}", ADAPTER, {"Discovering": Variant("b", value)})

    async def _power(self, name: str, on: bool) -> None:
        adapter = self.adapters[name]
        adapter.powered = on
        if not on:
            for path in self._devices:
                self._tell_changed(path, DEVICE, {}, ["RSSI"])
            adapter.scanners.clear()
            self._set_discovering(name, False)
        self._tell_changed(f"/org/bluez/{name}", ADAPTER, {"Powered": Variant("b", on)})

    async def _plug(self, name: str, inserted: bool) -> None:
        path = f"/org/bluez/{name}"
        if inserted:
            self.adapters[name] = FakeAdapter()
            self._tell_added(path, {ADAPTER: self.adapters[name].properties()})
        else:
            del self.adapters[name]
            self._tell(
                Message.new_signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, [ADAPTER]])
            )

    async def _stop_scans(self, name: str) -> None:
        self.adapters[name].scanners.clear()
        self._set_discovering(name, False)

    async def _keep(self, packets: Sequence[Packet], every_s: float) -> None:
        async def feed() -> None:
            while True:
                for name in list(self.adapters):
                    await self._hear(name, packets)
                await asyncio.sleep(every_s)

        await self._silence()
        self._feed = asyncio.create_task(feed())

    async def _silence(self) -> None:
        if self._feed is not None:
            self._feed.cancel()
            await asyncio.wait([self._feed])
            self._feed = None

    async def _hear(self, name: str, packets: Sequence[Packet]) -> None:
        if not self._is_on_bus or not self.adapters[name].discovering:
            return
        for start in range(0, len(packets), AT_ONCE):
            for packet in packets[start : start + AT_ONCE]:
                self._tell_of(packet, name)
            # When this is answered, the daemon has read everything before it.
            if not await self._is_read():
                return

    async def _is_read(self) -> bool:
        """Wait until the daemon has read all that was sent; False if the bus has ended."""
        if not self._is_on_bus:
            return False
        try:
            await self._ask_bus("GetId")
        except (EOFError, OSError):
            return False
        return True

    def _tell_of(self, packet: Packet, adapter: str) -> None:
        path = f"/org/bluez/{adapter}/dev_{packet.address.replace(':', '_')}"
        news = _properties(packet)
        if path not in self._devices:
            self._devices[path] = _device(packet, adapter) | news
            self._tell_added(path, {DEVICE: self._devices[path]})
            return
        known = self._devices[path]
        # BlueZ tells of an RSSI with every packet, of data that did not change only once.
        changed = {k: v for k, v in news.items() if k == "RSSI" or known.get(k) != v}
        known.update(news)
        self._tell_changed(path, DEVICE, changed)

    def _tell_added(self, path: str, interfaces: dict[str, dict[str, Variant]]) -> None:
        body = [path, interfaces]
        self._tell(Message.new_signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", body))

    def _tell_changed(
        self, path: str, interface: str, changed: dict[str, Variant], gone: Sequence[str] = ()
    ) -> None:
        body = [interface, changed, list(gone)]
        self._tell(Message.new_signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body))

    def _tell(self, signal: Message) -> None:
        if self._bus is None or not self._bus.connected:
            return
        # A bus that a test has killed cannot be told anything; the test knows.
        with suppress(OSError):
            self._bus.send(signal).add_done_callback(lambda sent: sent.exception())


def _device(packet: Packet, adapter: str) -> dict[str, Variant]:
    return {
        "Address": Variant("s", packet.address),
        "Alias": Variant("s", packet.address.replace(":", "-")),
        "Adapter": Variant("o", f"/org/bluez/{adapter}"),
        "Paired": Variant("b", False),
    }


def _properties(packet: Packet) -> dict[str, Variant]:
    found = {"RSSI": Variant("n", packet.rssi)}
    if packet.manufacturer_data:
        data = {k: Variant("ay", v) for k, v in packet.manufacturer_data.items()}
        found["ManufacturerData"] = Variant("a{qv}", data)
    if packet.service_data:
        services = {k: Variant("ay", v) for k, v in packet.service_data.items()}
        found["ServiceData"] = Variant("a{sv}", services)
    return found


@contextmanager
def running_bluez(address: str) -> Iterator[FakeBluez]:
    """Bring BlueZ up on the bus at an address, and take it away afterwards."""
    bluez = FakeBluez(address)
    try:
        bluez.start()
        yield bluez
    finally:
        bluez.close()
