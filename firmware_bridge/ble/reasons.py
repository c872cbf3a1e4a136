"""Why there is no scan: one reason a cause, whatever bleak, D-Bus and the socket call it."""

from __future__ import annotations

from typing import Final

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
)

from localizer.errors import SourceError

ADVICE: Final = {
    "access_denied": "Bluetooth may not be used; on Linux let the user join the group `bluetooth`, "
    "elsewhere allow it in the system's settings",
    "bus_gone": "the system's D-Bus must be there, but cannot be reached; "
    "see `systemctl status dbus`",
    "busy": "another operation keeps the adapter; if this stays, end other programs that scan",
    "no_adapter": "there must be a Bluetooth adapter, but there is none (of this name); plug it "
    "in, or see `bluetoothctl list`",
    "no_answer": "the Bluetooth service does not answer; if this stays, restart it: "
    "`systemctl restart bluetooth`",
    "powered_off": "the adapter is switched off; switch it on: `rfkill unblock bluetooth`, "
    "`bluetoothctl power on`",
    "scan_stopped": "the scan was stopped by something else; if this comes often, find who uses "
    "the adapter (btmgmt, hcitool, bluetoothctl)",
    "scanner_failed": "the scanner failed in a way that is not known; report it",
    "service_gone": "the Bluetooth service must run, but does not; "
    "see `systemctl status bluetooth`",
    "silence": "nothing at all was heard; check the antenna and the distance, and whether "
    "anything advertises here",
}
"""What is wrong and what to do, by reason. While it lasts, all of it is tried again."""

MAX_DETAIL: Final = 120
"""Characters of somebody else's message that are shown; a D-Bus policy's refusal has 400."""

_OF_BLEAK: Final = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "no_adapter",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: "no_adapter",
    BleakBluetoothNotAvailableReason.POWERED_OFF: "powered_off",
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: "access_denied",
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: "access_denied",
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: "access_denied",
}

_OF_DBUS: Final = {
    "org.bluez.Error.InProgress": "busy",
    "org.bluez.Error.NotAuthorized": "access_denied",
    "org.bluez.Error.NotPermitted": "access_denied",
    "org.bluez.Error.NotReady": "powered_off",
    "org.freedesktop.DBus.Error.AccessDenied": "access_denied",
    "org.freedesktop.DBus.Error.Disconnected": "bus_gone",
    "org.freedesktop.DBus.Error.NameHasNoOwner": "service_gone",
    "org.freedesktop.DBus.Error.NoReply": "service_gone",
    "org.freedesktop.DBus.Error.ServiceUnknown": "service_gone",
    "org.freedesktop.DBus.Error.UnknownInterface": "no_adapter",
    "org.freedesktop.DBus.Error.UnknownMethod": "no_adapter",
    "org.freedesktop.DBus.Error.UnknownObject": "no_adapter",
}


def trouble(source: str, reason: str, detail: str = "") -> SourceError:
    """Return an error with a reason of `ADVICE`, in words.

    Args:
        source: the string that the source was opened with.
        reason: why there is no scan.
        detail: what was met, where that says more than the reason.
    """
    met = f" ({detail[:MAX_DETAIL]})" if detail else ""
    return SourceError(f"{ADVICE[reason]}{met}", source=source, reason=reason)


def dbus_trouble(source: str, error_name: str, detail: str) -> SourceError:
    """Return what a D-Bus error means for a scan."""
    reason = _OF_DBUS.get(error_name, "scanner_failed")
    return trouble(source, reason, f"{error_name}: {detail}")


def trouble_of(error: Exception, source: str) -> SourceError:
    """Return what an exception of bleak, D-Bus or the socket to it means for a scan."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, BleakDBusError):
        return dbus_trouble(source, error.dbus_error, error.dbus_error_details or "")
    return trouble(source, _reason(error), f"{type(error).__name__}: {error}")


def _reason(error: Exception) -> str:
    if isinstance(error, BleakBluetoothNotAvailableError):
        return _OF_BLEAK.get(error.reason, "scanner_failed")
    if isinstance(error, TimeoutError):
        return "no_answer"
    if isinstance(error, PermissionError):
        return "access_denied"
    # A bus that has gone is an OSError to who connects and an EOFError to who waits.
    return "bus_gone" if isinstance(error, OSError | EOFError) else "scanner_failed"
