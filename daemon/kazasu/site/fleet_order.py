"""The terminals of a fleet judged and in order, the worst first, with the work that a change makes and no more.

A fleet of 5,000 brings a hundred messages a second: a terminal is judged when something of it has changed, and the
order is kept, not made anew.
"""

from __future__ import annotations

import bisect
from collections import Counter
from typing import TYPE_CHECKING

from kazasu.site.fleet_problems import Grade, grade_of, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.site.fleet import Fleet
    from kazasu.site.fleet_problems import Problem
    from kazasu.site.terminal import Terminal


class FleetOrder:
    """Follows a fleet.

    Args:
        fleet: whose terminals.
        judge: says what is wrong with one.

    Attributes:
        counts: how many there are of each grade.
        roster_of_most: the roster version that more than half of those who say one have, if there is one.
    """

    def __init__(
        self, fleet: Fleet, judge: Callable[[Terminal, int | None], tuple[Problem, ...]] = problems_of
    ) -> None:
        self.counts: Counter[Grade] = Counter()
        self.roster_of_most: int | None = None
        self._fleet = fleet
        self._judge = judge
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._order: list[tuple[Grade, str]] = []
        self._roster: dict[str, int] = {}
        self._rosters: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._order)

    def follow(self) -> bool:
        """Take over what has changed in the fleet since the last call; returns whether something has."""
        changed = self._fleet.changed()
        for name in changed:
            self._count_roster(name)
        before, self.roster_of_most = self.roster_of_most, self._most()
        for name in self._fleet.terminals if self.roster_of_most != before else changed:
            self._place(name)
        return bool(changed)

    def problems(self, name: str) -> tuple[Problem, ...]:
        """What is wrong with one, the worst first."""
        return self._problems[name]

    def window(self, first: int, count: int) -> Iterator[Terminal]:
        """So many terminals in their order, from that one on."""
        for _, name in self._order[first : first + count]:
            yield self._fleet.terminals[name]

    def _place(self, name: str) -> None:
        problems = self._judge(self._fleet.terminals[name], self.roster_of_most)
        grade = grade_of(problems)
        before = grade_of(self._problems[name]) if name in self._problems else None
        self._problems[name] = problems
        if grade is before:
            return
        if before is not None:
            del self._order[bisect.bisect_left(self._order, (before, name))]
            self.counts[before] -= 1
        bisect.insort(self._order, (grade, name))
        self.counts[grade] += 1

    def _count_roster(self, name: str) -> None:
        version, before = self._fleet.terminals[name].number("roster_version"), self._roster.get(name)
        if version is None or version == before:
            return
        if before is not None:
            self._rosters[before] -= 1
            if not self._rosters[before]:
                del self._rosters[before]
        self._roster[name] = version
        self._rosters[version] += 1

    def _most(self) -> int | None:
        """Laggards show only where most are alike: not while a new one goes round, nor where each has its own."""
        if not self._rosters:
            return None
        version, count = max(self._rosters.items(), key=lambda item: item[1])
        return version if 2 * count > len(self._roster) else None
