from collections.abc import Iterator

import pytest

from tests.firmware_bridge.fake_bluez import FakeBluez, running_bluez
from tests.firmware_bridge.system_bus import SystemBus, running_bus


@pytest.fixture
def system_bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemBus]:
    with running_bus() as bus:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
        yield bus


@pytest.fixture
def bluez(system_bus: SystemBus) -> Iterator[FakeBluez]:
    with running_bluez(system_bus.address) as fake:
        yield fake
