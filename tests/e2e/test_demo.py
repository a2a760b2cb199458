"""`make demo`, without a terminal: the script is played once, and what it says is what happened."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

from kazasu.model.event import Event
from kazasu.virtual.demo import Script
from kazasu.virtual.demo_door import ENROLLED, DoorScene, settings
from kazasu.virtual.demo_site import SiteScene
from kazasu.virtual.small_site import SmallSite
from kazasu.virtual.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kazasu.virtual.staff import Person


def test_the_demo_plays_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kazasu", "demo", "--script"],
        capture_output=True,
        text=True,
        check=False,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "KAZASU_SANDBOX": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it: 11 taps" in done.stdout
    assert "events arrived at the broker, every signature" in done.stdout
    assert "none missing, none twice, none made up" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_demo_in_which_an_event_is_missing_says_so(tmp_path: Path) -> None:
    class Forgetful(list[Event]):
        """Loses the second event that arrives."""

        def append(self, event: Event) -> None:
            if event.seq != 2:
                super().append(event)

    said = io.StringIO()
    with Stage(tmp_path) as stage:
        stage.subscriber.events = Forgetful()
        assert not Script(stage, lambda line: print(line, file=said)).play()
    assert "WRONG" in said.getvalue()


def test_a_door_that_opens_for_another_reason_is_told(tmp_path: Path) -> None:
    said = io.StringIO()
    levels = {**ENROLLED.levels, "1001": "guest host"}
    with Stage(
        tmp_path, settings(), enrolled=ENROLLED._replace(levels=levels), min_assurance="vouched", synchronised=True
    ) as stage:
        scene = DoorScene(stage, lambda line: print(line, file=said))
        assert not scene.play()
    wrong = [line for line in said.getvalue().splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1
    assert "1001 taps: staff, at any hour: expected" in wrong[0]


def test_a_small_site_in_which_a_step_does_not_happen_says_so(tmp_path: Path) -> None:
    class Careless(SmallSite):
        """Its desk mistypes the level of whoever comes fifth, so the roster with them is never published."""

        def enlist(self, people: Sequence[Person]) -> None:
            super().enlist(people)
            if len(people) > 4:
                with self.site.file("roster/people.csv").open("a") as file:
                    file.write("1006,,,,,,stuff\n")

    said = io.StringIO()
    with Careless(tmp_path / "site", lambda line: print(line, file=said)) as site:
        assert not SiteScene(site, lambda line: print(line, file=said)).play()
    wrong = [line for line in said.getvalue().splitlines() if line.startswith("WRONG")]
    assert len(wrong) == 1, said.getvalue()
    assert wrong[0].startswith("WRONG: kazasu site publish --yes ended with 1: ")
    assert "are kept, and vouched for" not in said.getvalue()
