"""Layers of the pepper in whatever order desk, terminals and power cuts have them: nobody becomes a stranger.

Whoever was known is known as the same person with the same assurance; who was revoked stays revoked; a PIN that was
right is right, and a wrong one wrong; and a terminal that was stolen never gets what it could know anybody by.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from fakes.codes import PEPPER, PEPPERED, kept, pseudonym, slow_hash
from fakes.power import power_for
from fakes.roster_desk import HEADER, RetainedPost
from fakes.roster_rig import MANIFEST, SITE, RosterRig
from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused, KazasuError
from kazasu.keypads.code_check import CodeCheck
from kazasu.model.access import Assurance
from kazasu.model.document import verified
from kazasu.model.roster_manifest import Manifest, manifest_in
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.site import pepper_rotation
from kazasu.site.codes import give_code
from kazasu.site.directory import EventKey, Site, TerminalRecord, open_site
from kazasu.site.files_layer import layer_of
from kazasu.site.founding import Founding, found
from kazasu.site.pem import public_pem
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.site.roster import RosterDesk
from kazasu.store.keys import pepper_in
from kazasu.store.roster import Roster
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from datetime import datetime

CODE, PIN, WRONG = "482913", "5170", "9301"
CARDS = {number: f"{number:032x}" for number in range(1, 5)}
ASSURANCES = {1: Assurance.SERIAL, 2: Assurance.CHALLENGE, 3: Assurance.SIGNED_DATA, 4: Assurance.CHALLENGE_PIN}
TERMINALS = ("entrance-1", "entrance-2", "stolen")
names = st.sampled_from(TERMINALS)
numbers = st.sampled_from(sorted(CARDS))
cuts = st.none() | st.integers(0, 25)


class Founded:
    """A site that each example begins with a copy of, and its key, open."""

    def __init__(self, folder: Path, now: datetime) -> None:
        founding = Founding(name=SITE, timezone="Asia/Tokyo", host="localhost", pepper=PEPPER)
        self.site = found(folder / "site", founding, PASSPHRASE, now)
        self.signer = self.site.unlock(PASSPHRASE)
        self.events = {name: Ed25519Signer(Ed25519PrivateKey.generate()) for name in TERMINALS}
        for name, event in self.events.items():
            key = EventKey(keyid=event.keyid, since=now, pem=public_pem(event.public).decode())
            self.site.save(TerminalRecord(id=name, state="active", event_keys=(key,), layer=PEPPER.newest))
        people = [f"{number},Person {number},{card},{ASSURANCES[number].word},,\n" for number, card in CARDS.items()]
        self.site.file("roster/people.csv").write_text(HEADER.replace(",levels", "") + "".join(people))
        give_code(self.site.file("roster/codes.csv"), "1", pseudonym(CODE), kept(CODE, PIN))


class Rotation(RuleBasedStateMachine):
    """A desk, three terminals, and a broker between them."""

    founded: Founded

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kazasu-rotation-"))
        self.site: Site = open_site(shutil.copytree(self.founded.site.path, self.folder / "site"))
        self.post = RetainedPost()
        self.rigs = {name: self._terminal(name) for name in TERMINALS}
        self.on_disk = dict.fromkeys(TERMINALS, PEPPER)  # keys/pepper.key there; the daemon reads it at its start
        self.heard: dict[str, set[str]] = {name: set() for name in TERMINALS}  # what it was told to revoke
        self.revoked: set[str] = set()  # what the desk was told to revoke
        self.gone: set[str] = set()

    def _terminal(self, name: str) -> RosterRig:
        rig = RosterRig(self.folder / name)
        rig.post, rig.desk.verifier, rig.pepper = self.post, Ed25519Verifier(self.founded.signer.public), PEPPER
        rig.restart()
        return rig

    def teardown(self) -> None:
        """In the end everybody who is there has the newest layer and the newest roster, and is as before."""
        try:
            pepper_rotation.begin(self.site)
            for name in TERMINALS:
                self.renew(name)
                self.restart(name)
            self.finish(None)
            self.publish(None)
            for name in TERMINALS:
                self.connect(name)
            self.nobody_is_a_stranger()
            there = [rig for name, rig in self.rigs.items() if name not in self.gone]
            assert {self._roster(rig).layer for rig in there} <= {self.site.pepper().newest}
        finally:
            shutil.rmtree(self.folder)

    @rule()
    def rotate(self) -> None:
        pepper_rotation.begin(self.site)

    @rule(cut=cuts)
    def finish(self, cut: int | None) -> None:
        with suppress(KazasuError), nullcontext() if cut is None else power_for(cut):
            pepper_rotation.finish(self.site)

    @rule(cut=cuts)
    def publish(self, cut: int | None) -> None:
        with suppress(KazasuError), nullcontext() if cut is None else power_for(cut):
            desk = self._desk()
            with desk.drafted(self._now(), lambda _: None) as draft:
                desk.publish(draft, self.founded.signer, self._now(), lambda: nullcontext(self.post))

    @precondition(lambda self: MANIFEST in self.post.retained)
    @rule(number=numbers, older=st.booleans())
    def revoke_card(self, number: int, older: bool) -> None:
        """By what today's events call it, or those of the first year."""
        with suppress(KazasuError):
            desk = self._desk()
            standing = self.site.pepper().lifted(CARDS[number], PEPPER.newest, desk.published.pepper or desk.layer)
            card = CARDS[number] if older else standing
            desk.revoke([card], self.founded.signer, self._now(), self.post)
            self.revoked.add(CARDS[number])

    @rule(name=names)
    def renew(self, name: str) -> None:
        newest, key = self.site.pepper().newest, X25519PrivateKey.generate()
        wish = layers.wish(SITE, name, newest, self._now(), event=self.founded.events[name], agreement=key).body
        try:
            gift = PepperGifts(self.site, self.founded.signer).give(wish, name)
        except EnrolmentRefused:
            assert name in self.gone
            return
        verifier = Ed25519Verifier(self.founded.signer.public)
        content = layers.opened(gift.body, verifier, site=SITE, terminal=name, asked=wish, agreement=key)
        self.on_disk[name] = pepper_in(content, Path("gift"))

    @rule(name=names)
    def restart(self, name: str) -> None:
        self.rigs[name].pepper = self.on_disk[name]
        self.rigs[name].restart()

    @rule(name=names)
    def connect(self, name: str) -> None:
        rig = self.rigs[name]
        rig.settle()
        manifest = self._manifest()
        if manifest is not None and manifest.pepper in rig.pepper.ids:
            self.heard[name] |= self.revoked

    @rule()
    def steal(self) -> None:
        self.gone.add("stolen")
        self.site.save(self.site.terminal("stolen").revoked(self._now()))

    @invariant()
    def nobody_is_a_stranger(self) -> None:
        for name, rig in self.rigs.items():
            roster = self._roster(rig)
            if roster.version == 0:
                continue
            for number, card in CARDS.items():
                found = roster.look_up(card)
                revoked = card in self.heard[name]
                assert roster.is_revoked(card) == revoked
                assert (found is None) == revoked
                if found is not None:
                    assert found.cardholder.number == str(number)
                    assert found.credential.min_assurance is ASSURANCES[number]
            check = CodeCheck("desk", roster.code_of, PEPPERED, rig.pepper, slow_hash)
            for pin in (PIN, WRONG):
                read = check.read(check.entered(bytearray(CODE.encode()), bytearray(pin.encode())))
                assert (read.refusal is None) == (pin == PIN)
            roster.close()

    @invariant()
    def the_stolen_terminal_learns_nothing(self) -> None:
        newest, manifest = self.site.pepper(), self._manifest()
        if "stolen" not in self.gone or manifest is None:
            return
        taken = self.on_disk["stolen"]
        assert taken.layers == newest.layers[: len(taken.layers)]
        if manifest.pepper not in taken.ids:
            text = self.site.file("roster/published.txt").read_text()
            assert not any(form in text for card in CARDS.values() for form in taken.forms(card))

    def _desk(self) -> RosterDesk:
        site = self.site
        return RosterDesk(site.file("roster"), site.name, site.zone, site.pepper(), layer_of(site))

    def _manifest(self) -> Manifest | None:
        """What stands at the broker."""
        body = self.post.retained.get(MANIFEST)
        return None if body is None else manifest_in(verified(body, Ed25519Verifier(self.founded.signer.public)))

    def _roster(self, rig: RosterRig) -> Roster:
        return Roster(rig.roster_path, rig.pepper)

    def _now(self) -> datetime:
        return self.rigs["stolen"].clock.now().at


@pytest.mark.rule(7)
@pytest.mark.rule(8)
def test_nobody_becomes_a_stranger(tmp_path: Path) -> None:
    Rotation.founded = Founded(tmp_path, RosterRig(tmp_path / "clock").clock.now().at)
    few = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each step takes its time: a shorter example would, too
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Rotation, settings=few)
