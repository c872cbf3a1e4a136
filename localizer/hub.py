"""One stream of fixes to many clients, in memory that no client can make grow."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from localizer.errors import LocalizerError
from localizer.fixes import Fix, fix_to_json

RING: Final = 600
"""Fixes kept for clients that come back: 10 minutes at one a second, about 0.6 MB."""

MAX_LAG: Final = 32
"""Fixes that a connected client may lie behind: half a minute at one a second. An older position
is of no use to somebody who watches live, so a slower client loses the oldest."""

MAX_CLIENTS: Final = 256
"""Streams open at once; each costs a socket and about 50 kB of buffers."""


class TooManyClientsError(LocalizerError):
    """No further stream can be opened now."""


class Message(NamedTuple):
    """A fix as it is sent, encoded once for all clients."""

    seq: int
    json: str


class FixHub:
    """Numbers fixes and hands them on. Everything happens on one event loop."""

    def __init__(self, *, ring: int = RING, max_lag: int = MAX_LAG) -> None:
        """Make a hub without fixes.

        Args:
            ring: how many fixes are kept for clients that come back.
            max_lag: how many fixes a connected client may lie behind.
        """
        self.latest: Fix | None = None
        """The newest fix, None before the first."""
        self.max_lag = max_lag
        self._ring: deque[Message] = deque(maxlen=ring)
        self._clients: set[Subscription] = set()
        self._closed = False
        self._lost_by_gone = 0

    @property
    def seq(self) -> int:
        """Number of the newest fix; 0 before the first."""
        return 0 if self.latest is None else self.latest.seq

    @property
    def oldest(self) -> int:
        """Number of the oldest fix that is kept; `seq + 1` if none is."""
        return self._ring[0].seq if self._ring else self.seq + 1

    @property
    def closed(self) -> bool:
        """Whether the service is ending and every stream must."""
        return self._closed

    @property
    def clients(self) -> int:
        """Streams that are open."""
        return len(self._clients)

    @property
    def lost(self) -> int:
        """Fixes that slow clients did not get, since the start."""
        return self._lost_by_gone + sum(client.lost for client in self._clients)

    def publish(self, fix: Fix) -> None:
        """Hand a fix to every client; never waits for one."""
        self.latest = fix
        self._ring.append(Message(fix.seq, fix_to_json(fix)))
        self._wake_all()

    def close(self) -> None:
        """End every stream, now and for ever."""
        self._closed = True
        self._wake_all()

    def message(self, seq: int) -> Message:
        """Return a fix that is kept; `oldest <= seq <= self.seq` must hold."""
        return self._ring[seq - self.oldest]

    def subscribe(self, after: int | None = None) -> Subscription:
        """Open a stream.

        Args:
            after: the last fix that the client has. None starts with the newest; a number that
                this service has not reached yet is from before a restart: the client gets all.

        Raises:
            TooManyClientsError: `MAX_CLIENTS` streams are open.
        """
        if len(self._clients) >= MAX_CLIENTS:
            raise TooManyClientsError(
                f"at most {MAX_CLIENTS} streams may be open, and {MAX_CLIENTS} are; "
                "close one, or read /v1/position instead"
            )
        if after is None:
            after = self.seq - 1
        elif after > self.seq:
            after = 0
        client = Subscription(self, max(after, self.oldest - 1))
        self._clients.add(client)
        return client

    def drop(self, client: Subscription) -> None:
        """Forget a client whose stream has ended."""
        if client in self._clients:
            self._clients.remove(client)
            self._lost_by_gone += client.lost

    def _wake_all(self) -> None:
        for client in self._clients:
            client.wake()


class Subscription:
    """One client's place in the stream: a number, not a queue."""

    def __init__(self, hub: FixHub, after: int) -> None:
        """Start behind fix `after`; made by `FixHub.subscribe`."""
        self.lost = 0
        """Fixes that this client was too slow for."""
        self._hub = hub
        self._seen = after
        self._wake = asyncio.Event()
        # What a client asks for when it comes back is no lag of its own making.
        self._allowed = hub.seq - after + hub.max_lag

    def wake(self) -> None:
        """Say that there is something new."""
        self._wake.set()

    async def next(self, timeout_s: float) -> Message | None:
        """Return the next fix, or None if none came in time or the hub was closed."""
        if self._seen >= self._hub.seq and not self._hub.closed:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return None
        return None if self._hub.closed else self._take()

    def _take(self) -> Message:
        lag = self._hub.seq - self._seen
        if lag <= self._hub.max_lag:
            self._allowed = self._hub.max_lag
        oldest = max(self._hub.oldest, self._hub.seq - self._allowed + 1)
        self.lost += max(0, oldest - self._seen - 1)
        self._seen = max(oldest, self._seen + 1)
        return self._hub.message(self._seen)
