"""A serial port that is read without blocking, and says why it can be read no longer."""

from __future__ import annotations

import asyncio
import errno
import os
from threading import Thread
from types import TracebackType
from typing import Final, Literal, NoReturn, Self

import serial

_CHUNK: Final = 4096
"""Bytes read at once: what Linux keeps for a terminal."""

_THREAD_WAIT_S: Final = 0.2
"""Seconds that the thread of a loop without readers waits for bytes before it looks around."""

LostReason = Literal["device_gone", "access_denied", "busy", "silence"]

_DENIED: Final = frozenset({errno.EACCES, errno.EPERM})
_BUSY: Final = frozenset({errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK})


class PortLost(Exception):
    """There is no open port, for a reason that may pass. Never leaves this package."""

    def __init__(self, message: str, reason: LostReason) -> None:
        super().__init__(message)
        self.reason: LostReason = reason


class PortReader:
    """Reads a port while its block lasts.

    Where the event loop can watch files (POSIX), it does; elsewhere a thread reads.

    Args:
        device: the port's name.
        baud: bits per second.
        threaded: read in a thread in any case.

    Raises:
        PortLost: the port cannot be opened.
    """

    def __init__(self, device: str, baud: int, *, threaded: bool = False) -> None:
        self._device = device
        self._inbox: asyncio.Queue[bytes | PortLost] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._thread: Thread | None = None
        self._open = True
        self._port = self._open_port(baud)
        if threaded or not self._watch():
            self._thread = Thread(target=self._read_in_thread, name=f"read {device}", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def read(self) -> bytes:
        """Return the next bytes, at least one.

        Raises:
            PortLost: the device is gone.
        """
        item = await self._inbox.get()
        if isinstance(item, PortLost):
            raise item
        return item

    def close(self) -> None:
        """Stop reading and close the port."""
        self._open = False
        if self._thread is not None:
            self._port.cancel_read()
            self._thread.join()
        else:
            self._loop.remove_reader(self._port.fileno())
        self._port.close()

    def fail_silent(self, silence_s: float, last_error: Exception | None) -> NoReturn:
        """Raise the error of a device that says nothing that is understood."""
        heard = last_error or "check that the firmware runs, and the baud rate"
        raise PortLost(
            f"{self._device} must send a message every few seconds, but sent none that is "
            f"understood for {silence_s:g} s ({heard}); the port is opened anew",
            "silence",
        )

    def _open_port(self, baud: int) -> serial.Serial:
        try:
            return serial.Serial(self._device, baud, timeout=_THREAD_WAIT_S, exclusive=True)
        except (OSError, ValueError) as error:
            raise _lost(self._device, error) from error

    def _watch(self) -> bool:
        try:
            self._loop.add_reader(self._port.fileno(), self._read_ready)
        except (NotImplementedError, OSError):
            # Windows' event loop watches no files, and its pyserial has no file number.
            return False
        return True

    def _read_ready(self) -> None:
        try:
            data = os.read(self._port.fileno(), _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._inbox.put_nowait(data)
        else:
            self._end(OSError(errno.ENODEV, "it ended"))

    def _end(self, error: OSError) -> None:
        # A device that is gone stays readable for ever.
        self._loop.remove_reader(self._port.fileno())
        self._inbox.put_nowait(_lost(self._device, error))

    def _read_in_thread(self) -> None:
        while self._open:
            item: bytes | PortLost
            try:
                item = self._port.read(max(1, min(self._port.in_waiting, _CHUNK)))
            except OSError as error:
                item = _lost(self._device, error)
            if item:
                self._loop.call_soon_threadsafe(self._inbox.put_nowait, item)
            if isinstance(item, PortLost):
                return


def _lost(device: str, error: Exception) -> PortLost:
    number = error.errno if isinstance(error, OSError) else None
    if number in _DENIED:
        return PortLost(
            f"{device} must be readable and writable, but access is denied; add the user to the "
            "device's group (dialout on Debian) and log in again",
            "access_denied",
        )
    # pyserial gives no number on Windows, where a port in use is a PermissionError.
    if number in _BUSY or (number is None and "PermissionError" in str(error)):
        return PortLost(f"{device} is in use by another program; close that", "busy")
    return PortLost(
        f"{device} is not there ({error}); plug the device in, it is tried again", "device_gone"
    )
