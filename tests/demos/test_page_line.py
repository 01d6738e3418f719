from __future__ import annotations

import asyncio

from demos.page.line import WaitingLine
from demos.page.visitors import FORGET_SECONDS, MOST_FILES, Visitors
from tests.fakes import tone


def test_so_many_are_inside_and_the_others_are_told_their_place() -> None:
    async def run() -> list[tuple[str, int]]:
        line, told, going = WaitingLine(1), list[tuple[str, int]](), asyncio.Event()

        async def one(name: str) -> None:
            async with line.turn(lambda place: told.append((name, place))):
                await going.wait()

        tasks = []
        for name in "abcd":
            tasks.append(asyncio.ensure_future(one(name)))
            await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        assert len(line) == 2
        going.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1), line.turn(lambda place: None):
            return told

    told = asyncio.run(run())
    assert [entry for entry in told if entry[0] == "a"] == []
    assert [place for name, place in told if name == "c"] == [2, 1, 0]
    assert [place for name, place in told if name == "d"] == [3, 2, 1, 0]


def test_one_who_goes_as_it_is_let_in_leaves_its_place_to_the_next() -> None:
    async def run() -> None:
        line = WaitingLine(1)
        await line.enter(lambda place: None)
        second = asyncio.ensure_future(line.enter(lambda place: None))
        await asyncio.sleep(0)
        line.leave()
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await asyncio.wait_for(line.enter(lambda place: None), 1)

    asyncio.run(run())


def test_a_full_house_forgets_who_left_before_it_turns_anybody_away() -> None:
    async def run() -> None:
        visitors = Visitors(most=2)
        first, second = visitors.enter("", ""), visitors.enter("", "")
        assert first is not None
        assert second is not None
        first.connect()
        third = visitors.enter("", "")
        assert third is not None
        assert visitors.find(second.token, "") is None
        assert visitors.find(first.token, "") is first
        third.connect()
        assert visitors.enter("", "") is None

    asyncio.run(run())


def test_a_token_is_worth_nothing_to_others_nor_for_ever() -> None:
    now = [0.0]
    visitors = Visitors(clock=lambda: now[0])
    mine = visitors.enter("", "ada")
    assert mine is not None
    mine.seen = 0.0
    assert visitors.enter(mine.token, "ada") is mine
    assert visitors.enter(mine.token, "bob") is not mine
    now[0] = FORGET_SECONDS + 1
    assert visitors.enter(mine.token, "ada") is not mine


def test_of_many_files_the_oldest_give_way() -> None:
    visitor = Visitors().enter("", "")
    assert visitor is not None
    names = [visitor.attach(tone(0.5)) for _ in range(MOST_FILES + 3)]
    assert list(visitor.files) == names[3:]
