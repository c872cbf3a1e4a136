import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.hub import MAX_CLIENTS, FixHub, Subscription, TooManyClientsError
from tests.test_fixes import fix

SOON_S = 5.0


def publish(hub: FixHub, count: int = 1) -> None:
    for _ in range(count):
        hub.publish(replace(fix(), seq=hub.seq + 1))


async def take(client: Subscription, count: int) -> list[int]:
    seqs = []
    for _ in range(count):
        message = await client.next(SOON_S)
        assert message is not None
        seqs.append(message.seq)
    return seqs


def test_a_client_gets_the_newest_and_then_every_fix() -> None:
    async def main() -> None:
        hub = FixHub()
        publish(hub, 3)
        client = hub.subscribe()
        assert await take(client, 1) == [3]
        waiting = asyncio.create_task(client.next(SOON_S))
        await asyncio.sleep(0)
        publish(hub)
        message = await waiting
        assert message is not None
        assert message.seq == 4
        assert f'"seq":{message.seq},' in message.json

    asyncio.run(main())


def test_a_client_that_comes_first_waits_for_the_first_fix() -> None:
    async def main() -> None:
        hub = FixHub()
        client = hub.subscribe()
        assert await client.next(0.001) is None
        publish(hub)
        assert await take(client, 1) == [1]

    asyncio.run(main())


def test_a_slow_client_loses_old_fixes_and_knows_how_many() -> None:
    async def main() -> None:
        hub = FixHub(ring=100, max_lag=5)
        slow, quick = hub.subscribe(), hub.subscribe()
        for _ in range(20):
            publish(hub)
            await take(quick, 1)
        assert await take(slow, 5) == [16, 17, 18, 19, 20]
        assert (slow.lost, quick.lost, hub.lost) == (15, 0, 15)
        hub.drop(slow)
        assert hub.lost == 15
        assert hub.clients == 1

    asyncio.run(main())


def test_resuming_neither_loses_nor_repeats_within_the_ring() -> None:
    async def main() -> None:
        hub = FixHub(ring=100, max_lag=5)
        publish(hub, 60)
        client = hub.subscribe(after=10)
        seqs = await take(client, 25)
        publish(hub, 3)
        seqs += await take(client, 28)
        assert seqs == list(range(11, 64))
        assert client.lost == 0

    asyncio.run(main())


def test_what_the_ring_no_longer_has_is_not_counted_as_lost_by_the_client() -> None:
    async def main() -> None:
        hub = FixHub(ring=10, max_lag=5)
        publish(hub, 30)
        client = hub.subscribe(after=3)
        assert await take(client, 10) == list(range(21, 31))
        assert client.lost == 0

    asyncio.run(main())


def test_a_number_from_before_a_restart_gives_everything() -> None:
    async def main() -> None:
        hub = FixHub()
        publish(hub, 4)
        assert await take(hub.subscribe(after=900), 4) == [1, 2, 3, 4]

    asyncio.run(main())


def test_closing_ends_every_stream_also_of_those_who_wait() -> None:
    async def main() -> None:
        hub = FixHub()
        client = hub.subscribe()
        waiting = asyncio.create_task(client.next(60))
        await asyncio.sleep(0)
        hub.close()
        assert await waiting is None
        assert hub.closed
        assert await client.next(60) is None

    asyncio.run(main())


def test_there_is_a_bound_on_clients() -> None:
    hub = FixHub()
    clients = [hub.subscribe() for _ in range(MAX_CLIENTS)]
    with pytest.raises(TooManyClientsError, match="256 streams"):
        hub.subscribe()
    hub.drop(clients[0])
    hub.drop(clients[0])
    hub.subscribe()


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 12), st.integers(0, 20))
def test_any_order_of_publishing_and_reading_adds_up(
    steps: list[bool], max_lag: int, before: int
) -> None:
    async def main() -> None:
        hub = FixHub(ring=30, max_lag=max_lag)
        publish(hub, before)
        client = hub.subscribe(after=0)
        got: list[int] = []
        for reads in steps:
            if not reads:
                publish(hub)
            elif (got[-1] if got else 0) < hub.seq:
                got += await take(client, 1)
        while (got[-1] if got else 0) < hub.seq:
            got += await take(client, 1)
        assert got == sorted(set(got))
        assert len(got) + client.lost == hub.seq
        if hub.seq <= max_lag:
            assert client.lost == 0

    asyncio.run(main())
