"""Each cue is played, and the installer says how it was."""

from __future__ import annotations

import pytest

from fakes.clock import FakeClock
from fakes.dialogue import ScriptedDialogue
from fakes.outputs import RecordingOutput, ScriptedCondition
from kazasu.cli.setup.cue_round import play_each, verdict
from kazasu.cli.setup.interview import Interview
from kazasu.errors import OutputError
from kazasu.model.cue import OF_DOORS, Channel, CueName
from kazasu.outputs.cues import load

ENDLESS = {CueName.READY, CueName.READING, *OF_DOORS}


class Round:
    """A round whose time takes none; `lengths_s` is how long each cue was played, in order."""

    def __init__(self, *judged: str) -> None:
        self.clock = FakeClock()
        self.output = RecordingOutput(self.clock.mono_s)
        self.heard: list[CueName] = []
        self.lengths_s: list[float] = []
        self._judged = list(judged)
        self._since_s = self.clock.mono_s()

    def play(self) -> list[CueName]:
        condition = ScriptedCondition(self.clock, [(1000, lambda: pytest.fail("it goes on for ever"))])
        return play_each(load(), self.output, self._judge, mono_s=self.clock.mono_s, condition=condition)

    def _judge(self, name: CueName) -> str:
        assert self.output.on == frozenset(), "dark while the question stands"
        self.heard.append(name)
        self.lengths_s.append(self.clock.mono_s() - self._since_s)
        self._since_s = self.clock.mono_s()
        return self._judged.pop(0) if self._judged else "y"


def test_every_cue_is_played_to_its_end_and_one_without_an_end_for_three_seconds() -> None:
    stage = Round()
    assert stage.play() == []
    assert stage.heard == list(CueName)
    for name, length_s in zip(stage.heard, stage.lengths_s, strict=True):
        if name in ENDLESS:
            assert 3 <= length_s < 4.1, name
        else:
            assert length_s == pytest.approx(sum(frame.ms for frame in load()[name].frames) / 1000), name
    assert {Channel.GREEN, Channel.RED, Channel.BUZZER} <= {
        channel for shown in stage.output.history for channel in shown.on
    }


def test_one_that_was_missed_is_played_again_and_one_that_was_wrong_is_told() -> None:
    stage = Round("y", "r", "r", "y", "y", "y", "n")
    assert stage.play() == [CueName.GRANTED]
    assert stage.heard[:6] == [CueName.READY, *[CueName.READING] * 3, CueName.PIN, CueName.KEY]


def test_a_part_that_cannot_be_driven_ends_the_round() -> None:
    stage = Round()
    stage.output.failure = OutputError("GPIO17 cannot be switched")
    with pytest.raises(OutputError, match="GPIO17"):
        stage.play()


@pytest.mark.parametrize(("typed", "answer"), [("", "y"), ("n", "n"), ("r", "r"), ("いいえ", "n")])
def test_how_it_was_is_asked_in_words_that_need_no_names(typed: str, answer: str) -> None:
    dialogue = ScriptedDialogue(typed)
    assert verdict(Interview(dialogue, japanese=True), CueName.GRANTED, own=False) == answer
    assert "granted: green once, long; one short beep?" in dialogue.said
    assert "granted: 緑が長く 1 回、短い音 1 回 でしたか?" in dialogue.said


def test_of_cues_of_ones_own_only_the_name_is_known() -> None:
    dialogue = ScriptedDialogue("")
    verdict(Interview(dialogue, japanese=False), CueName.DENIED, own=True)
    assert "denied: as in your cues.toml?" in dialogue.said
