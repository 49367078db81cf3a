"""Whole histories: random ones from a seed, and sweeps that place a crash at every point of one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random

from batchgen.engine.steps import Choice

from campaigns.simulation.linked_world import LinkedWorld
from campaigns.simulation.mishaps import AtOnePlace, ByChance, How, Mishap, Point
from campaigns.simulation.world import World

_FORMS = ("", "", "documented", "params")
_PRICES = tuple(map(Decimal, ("0.10", "0.1234567891", "0.0333333333")))
_BUDGETS = (None, None, Decimal("1.0"), Decimal("1.2345678901"), Decimal("2.2"))
Placed = tuple[int, Mishap]
"""The number of a point in a process, and what happens there."""


def world_of(seed: int, seen: Counter[str], kind: type[World] = World) -> tuple[World, float]:
    """A world of any shape, and how faulty its gateway is."""
    random = Random(seed)  # noqa: S311 - a game and no secret
    choose = random.choice
    world = kind(random, seen, scenes=choose((1, 1, 1, 2, 2, 2, 3, 3, 5, 12)), cap=choose((1, 2, 99)))
    world.price_usd = choose(_PRICES)
    world.budget = choose(_BUDGETS)
    world.attempts = choose((1, 1, 2, 3))
    world.gateway.form = choose(_FORMS)
    return world, choose((0.0, 0.05, 0.2, 0.5))


def by_chance(seed: int, seen: Counter[str]) -> World:
    """Some runs that end badly, with a user who acts in between, then one in fair weather."""
    return _played(*world_of(seed, seen), seen)


def linked(seed: int, seen: Counter[str]) -> World:
    """The same with scenes that are built on the results of others."""
    return _played(*world_of(seed, seen, LinkedWorld), seen)


def _played(world: World, faulty: float, seen: Counter[str]) -> World:
    random = world.random
    for _ in range(random.choice((1, 2, 3, 4))):
        world.gateway.faults = faulty
        world.interrupts = random.choice((0.0, 0.0, 0.02))
        if random.random() < faulty / 4:
            world.gateway.down_until = world.now_s + random.choice((5.0, 25.0, 60.0))
        _turns_hostile(world, faulty)
        world.bugs = random.choice((0.0, 0.0, 0.0, 0.01))
        intruders = random.choice((0.0, 0.0, 0.0, 0.02))
        mishaps = ByChance(random, random.choice((0.0, 0.05, 0.2)), random.choice((0.0, 0.02, 0.1)), intruders)
        if random.random() < faulty / 2:
            world.gateway.form, world.gateway.later_form = random.choice(_FORMS), random.choice(_FORMS)
            world.gateway.changes_at = world.now_s + random.choice((0.0, 5.0, 60.0))
        again = (random.choice(("*", *world.versions)),) if random.random() < 0.1 else ()
        wants = Choice((), random.random() < 0.2, random.random() < 0.9, world.attempts, again)
        world.run(wants, mishaps)
        if random.random() < 0.25:
            world.reconcile()
        _user_acts(world)
    world.fair_weather()
    seen["histories"] += 1
    return world


def _turns_hostile(world: World, faulty: float) -> None:
    """For a while the gateway may behave as none should."""
    random, gateway = world.random, world.gateway
    shares = {"blank": 0.25, "storm": 0.25, "overloaded": 0.25, "broken": 1.0 if len(world.versions) > 9 else 0.25}
    for name, share in shares.items():
        if random.random() < faulty * share:
            setattr(gateway, f"{name}_until", world.now_s + random.choice((5.0, 60.0, 900.0)))
            world.seen[f"hostile {name}"] += 1


def _user_acts(world: World) -> None:
    random = world.random
    if random.random() < 0.3:
        world.resolve()
    if random.random() < 0.3:
        change = world.edit if random.random() < 0.7 else world.take_back
        change(random.choice(list(world.versions)))
    if world.versions and random.random() < 0.3:
        change = world.rename if random.random() < 0.6 else world.repeat
        change(random.choice(list(world.versions)))
    if len(world.versions) > 1 and random.random() < 0.15:
        world.want_the_same(*random.sample(list(world.versions), 2))
    if random.random() < 0.1:
        world.budget = random.choice(_BUDGETS)
    if len(world.versions) > 1 and random.random() < 0.1:
        world.remove(random.choice(list(world.versions)))
    if random.random() < 0.1:
        world.add(f"s{random.randrange(6)}")
    if isinstance(world, LinkedWorld):
        _user_links(world)


def _user_links(world: LinkedWorld) -> None:
    random = world.random
    if random.random() < 0.2:
        world.pick_something()
    if random.random() < 0.3:
        world.pick_what_is_held()
    if world.versions and random.random() < 0.1:
        world.link_anew(random.choice(list(world.versions)))


def with_crashes(seed: int, crashes: Sequence[Placed], seen: Counter[str]) -> list[list[tuple[Point, int]]]:
    """A process for each crash, then one in fair weather; the points that each of them passed."""
    world, faulty = world_of(seed, seen)
    watched = [*(AtOnePlace(number, mishap) for number, mishap in crashes), AtOnePlace()]
    for mishaps in watched:
        world.gateway.faults = faulty
        world.run(Choice(), mishaps)
    world.reconcile()
    world.fair_weather()
    seen["histories"] += 1
    return [mishaps.passed for mishaps in watched]


def _ways(point: Point, length: int, *, every_byte: bool) -> Iterator[Mishap]:
    """All that can happen at a point."""
    yield Mishap(How.BEFORE)
    yield Mishap(How.AFTER)
    if point is Point.WRITE:
        places = range(1, length + 1) if every_byte else sorted({1, length // 2, length - 1, length})
        yield from (Mishap(How.TORN, place) for place in places)
        yield from (Mishap(how, length // 2) for how in (How.FULL, How.SHORT))


def sweep(
    seed: int, seen: Counter[str], *, depth: int, every_byte: bool = False, after: Sequence[Placed] = ()
) -> Iterator[tuple[Placed, ...]]:
    """All histories of a seed with a crash at each point in turn, ``depth`` crashes in a row.

    Played as they are asked for; yields the crashes of each before it is played.
    """
    passed = with_crashes(seed, after, seen)[-1]
    for number, (point, length) in enumerate(passed):
        for mishap in _ways(point, length, every_byte=every_byte):
            crashes = (*after, (number, mishap))
            yield crashes
            if depth > 1:
                yield from sweep(seed, seen, depth=depth - 1, every_byte=every_byte, after=crashes)
            else:
                with_crashes(seed, crashes, seen)
