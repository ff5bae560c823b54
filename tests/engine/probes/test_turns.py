"""Turns: who may run, and who comes next."""

import asyncio

import pytest

from syncer.engine.probes.turns import Turns


class World:
    """Workloads that run until the test lets them go."""

    def __init__(self, most, each):
        self.turns, self.running, self.order, self.tasks = Turns(most, each), [], [], []

    async def want(self, whose, times=1):
        """Have a workload ask for so many turns."""
        new = [asyncio.create_task(self._run(whose)) for _ in range(times)]
        self.tasks += new
        await settle()
        return new

    async def _run(self, whose):
        async with self.turns.turn(whose):
            over = asyncio.Event()
            self.running.append((whose, over))
            self.order.append(whose)
            try:
                await over.wait()
            finally:
                self.running.remove((whose, over))

    async def end(self, whose):
        """End the oldest run of a workload."""
        next(over for name, over in self.running if name == whose).set()
        await settle()

    def now(self):
        return [name for name, _ in self.running]


async def settle():
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def play():
    """Runs a scene in a world; nothing of it may be left running."""

    def play(scene, most, each):
        async def run():
            world = World(most, each)
            await scene(world)
            for task in world.tasks:
                task.cancel()
            await asyncio.gather(*world.tasks, return_exceptions=True)
            assert (world.turns._free, world.turns._waiting) == (most, {})
            assert not world.turns._running

        asyncio.run(run())

    return play


def test_a_workload_has_no_more_than_its_share(play):
    """The rest is free for others."""

    async def scene(world):
        await world.want("a", 5)
        assert world.now() == ["a", "a"]
        await world.want("b")
        assert world.now() == ["a", "a", "b"]

    play(scene, 4, 2)


def test_who_asks_for_much_keeps_others_waiting_for_one_turn(play):
    """Workloads take turns, not runs."""

    async def scene(world):
        await world.want("many", 100)
        await world.want("few", 1)
        await world.want("other", 1)
        for _ in range(3):
            await world.end("many")
        assert world.order == ["many", "many", "many", "few", "other"]

    play(scene, 2, 2)


def test_whose_share_is_used_up_is_passed_over(play):
    """And comes when one of its own ends."""

    async def scene(world):
        await world.want("a", 3)
        await world.want("b", 2)
        assert world.now() == ["a", "b"]
        await world.end("b")
        assert world.now() == ["a", "b"]
        await world.end("a")
        assert sorted(world.now()) == ["a", "b"]
        assert world.order == ["a", "b", "b", "a"]

    play(scene, 2, 1)


def test_who_gives_up_leaves_no_trace(play):
    """Whether it runs, waits, or is let in at that moment."""

    async def scene(world):
        (runs,) = await world.want("a")
        (waits,) = await world.want("b")
        (last,) = await world.want("c")
        waits.cancel()
        runs.cancel()
        await settle()
        assert world.now() == ["c"]
        (at_once,) = await world.want("d")
        last.cancel()
        await asyncio.sleep(0)
        at_once.cancel()
        await settle()
        assert world.now() == []
        await world.want("e")
        assert world.now() == ["e"]

    play(scene, 1, 1)
