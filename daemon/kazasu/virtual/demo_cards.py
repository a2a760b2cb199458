"""The demo's second scene: a card of each kind, what its read proved, how long it took, and what a copy is worth."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kazasu.model.access import Assurance, DenyReason
from kazasu.virtual.desk import at_a_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.gallery import Exhibit
    from kazasu.virtual.stage import Stage

_PIN: Final = "1234"
_LINE_ANEW: Final = "\r\x1b[K"
_REFUSED: Final = {DenyReason.AUTHENTICATION_FAILED.value, DenyReason.ASSURANCE_TOO_LOW.value}


class Answer(NamedTuple):
    """What a tap came to.

    Attributes:
        fields: of its event.
        took_s: from the card's first command to the answer.
    """

    fields: dict[str, Any]
    took_s: float

    @property
    def granted(self) -> bool:
        """Whether the person was let in."""
        return bool(self.fields["decision"] == "granted")


class CardScene:
    """Plays the scene.

    Args:
        stage: entered, with `of_each_kind`; its daemon not started.
        say: prints a line.

    Raises:
        ValueError: another stage.
    """

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        if stage.gallery is None:
            raise ValueError("this stage has no card of each kind")
        self._stage = stage
        self._gallery = stage.gallery
        self._say = say
        self._wrong: list[str] = []

    def play(self) -> bool:
        """Play it; returns whether each card came to what it should."""
        self._stage.daemon.start()
        self._say(
            "A card of each kind: what the read proved, and how long it took from its first command to the light.\n"
        )
        for exhibit in self._gallery.exhibits:
            answer = self._tap(exhibit.words, exhibit.card)
            proved = answer.fields.get("card"), answer.fields.get("assurance")
            self._expect(answer.granted and proved == (exhibit.kind, exhibit.proves.word), exhibit)
        self._with_pin(self._gallery.exhibits[0].card)
        self._say(
            "\nCopies of them: everything that can be read, and no key. Each person is enrolled with what the card"
        )
        self._say("itself has proved.\n")
        for exhibit in self._gallery.exhibits:
            answer = self._tap(f"copy: {exhibit.words}", exhibit.copy)
            keyed = exhibit.proves >= Assurance.CHALLENGE
            self._expect(self._refused(answer) if keyed else answer.granted, exhibit)
        self._stage.daemon.terminate()
        self._stage.configure(Assurance.CHALLENGE.word)
        self._stage.daemon.start()
        self._say('\nThe same copies where the policy asks for `min_assurance = "challenge"`.\n')
        for exhibit in self._gallery.exhibits:
            self._expect(self._refused(self._tap(f"copy: {exhibit.words}", exhibit.copy)), exhibit)
        self._stage.daemon.terminate()
        for wrong in self._wrong:
            self._say(f"WRONG: {wrong}")
        return not self._wrong

    def _tap(self, what: str, card: VirtualCard) -> Answer:
        took_s = self._stage.tap(card)
        backlog = self._stage.backlog
        fields = json.loads(backlog.after(backlog.last_seq() - 1, 1)[0][1])
        came_to = "granted" if fields["decision"] == "granted" else f"{fields['decision']} {fields['reason']}"
        proved = fields.get("assurance", "")
        self._say(f"  {what:<68} {fields.get('card', ''):<8} {proved:<13} {1000 * took_s:5.0f} ms  {came_to}")
        return Answer(fields, took_s)

    def _with_pin(self, card: VirtualCard) -> None:
        """At the desk, since this machine has no keypad; what the command says is shown as it says it."""
        self._say("\nThe same My Number Card at the desk, with its PIN: `kazasu identify --with-pin`.\n")
        before = self._stage.backlog.last_seq()
        self._stage.slot.insert(card)
        command = [sys.executable, "-m", "kazasu", "identify", "--with-pin", "--config", str(self._stage.config_file)]
        code, shown = at_a_terminal(command, _PIN)
        self._stage.slot.remove_when_seen()
        self._stage.slot.wait_for(lambda: self._stage.slot.vacant)
        # The daemon has seen this card, too, and waited for it in vain; its event is none of the next tap's.
        self._stage.daemon.wait_for(lambda: self._stage.backlog.last_seq() > before)
        for line in shown.rstrip().replace("\r\n", "\n").split("\n"):
            self._say(f"  {line.rpartition(_LINE_ANEW)[2]}")
        if code or Assurance.CHALLENGE_PIN.word not in shown or _PIN in shown.partition("kind")[0]:
            self._wrong.append("a My Number Card with its PIN: not what should have come of it")

    def _refused(self, answer: Answer) -> bool:
        return answer.fields["decision"] == "denied" and answer.fields["reason"] in _REFUSED

    def _expect(self, as_it_should: object, exhibit: Exhibit) -> None:
        if not as_it_should:
            self._wrong.append(f"{exhibit.words}: not what should have come of it")
