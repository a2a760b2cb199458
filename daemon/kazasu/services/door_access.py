"""Door access: whether a door opens for a person, and why not.

The questions in their order: the person's levels (door, days, hours, assurance, lockdown), the other door, passback,
room in the area, the escort, the second person. The first that is answered with no is the reason; the way out asks only
the first three. Whether a door is open, and for how long, is the door's own business (model/door.py): this service says
who may pass, and when a door stays unlocked by its schedule.

The journal is the only memory, as it is for every service: `recorded` rebuilds it event by event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.model.access import Assurance, Decision, DenyReason
from kazasu.model.access_level import Circumstances, Verdict
from kazasu.model.company import Company
from kazasu.model.cue import CueName
from kazasu.model.event import moment_of
from kazasu.model.order import EVERY_DOOR
from kazasu.model.passback import Passback
from kazasu.model.policy import CUE_OF_REASON
from kazasu.model.presence import answered, movements_in, party_of
from kazasu.model.timed_unlock import TimedUnlock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kazasu.model.access import Enrolment, EventFields, Identifier, Presentation
    from kazasu.model.access_level import AccessLevels
    from kazasu.model.door_rules import DoorPolicy, DoorSite, Passage
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

_RENEWED_AFTER_S = 12 * 3600  # a start reads two days: what holds for longer is said again
_AHEAD_S = 86400  # a roster from tomorrow: the clock went back, and nobody knows how old it is


class DoorAccess:
    """The door access service. Implements ports.services.Service.

    Args:
        site: what the configuration says.
        levels: those that this terminal knows.
        secure: whether a door is closed and locked, as its own state says.
        roster_made_s: since when the site vouches for the roster, Unix time; see ports.store.Roster.made_s.
    """

    name = "door"

    def __init__(
        self,
        site: DoorSite,
        levels: AccessLevels,
        *,
        secure: Callable[[str], bool],
        roster_made_s: Callable[[], int | None],
    ) -> None:
        self._site = site
        self._levels = levels
        self._secure = secure
        self._roster_made_s = roster_made_s
        self._doors = {door.name: door for door in site.doors}
        self._passback = Passback(site.areas)
        self._alone, self._visitors, self._hosts = (Company(site.company_within_s) for _ in range(3))
        self._lockdowns: dict[str, tuple[Moment, str]] = {}
        self._unlocks = {
            door.name: TimedUnlock(door.unlock, first_person=door.first_person)
            for door in site.doors
            if door.unlock is not None
        }

    def follow(self, policy: DoorPolicy) -> None:
        """Take over what the site says of levels and hours from now on.

        The reader's thread may be in `asks` meanwhile: it has the old levels or the new ones.
        """
        self._levels = policy.levels
        for door, schedule in policy.unlock.items():
            self._unlocks[door].follow(schedule)

    def serves(self, reader: str) -> bool:
        """Whether a reader is at a door."""
        return reader in self._site.passages

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """Answer with `door.granted` or `door.denied`.

        Args:
            presentation: one that policy admits, identified and enrolled, at a reader of a door.
            moment: now, in the terminal's time zone.
        """
        identifier, enrolment = presentation.identifier, presentation.enrolment
        if identifier is None or enrolment is None:
            raise ValueError("a presentation without an enrolment is refused by policy before it gets here")
        passage = self._site.passages[presentation.reader]
        number = enrolment.cardholder.number
        verdict = self._verdict(identifier, enrolment, passage, moment)
        reason = verdict.reason or self._in_the_way(number, verdict, passage, moment)
        if reason is not None:
            return self.refused(presentation, reason)
        details = self._described(presentation) | self._granted(number, verdict, passage, moment)
        return Decision(event_type="door.granted", cue=CueName.GRANTED, details=details)

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """The least that a read has to prove for one of this terminal's doors to open to the person now."""
        levels = () if enrolment is None else enrolment.cardholder.levels
        doors = {passage.door for passage in self._site.passages.values()}
        now = Circumstances(moment=moment, roster_stale=self._stale(moment, roster_made_s), lockdown=False)
        return self._levels.asked(levels, doors, now)

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """Answer with `door.denied`; see ports.services.Service."""
        details = self._described(presentation)
        return Decision(event_type="door.denied", reason=reason, cue=CUE_OF_REASON[reason], details=details)

    def recorded(self, event: Event) -> None:
        """Take over who went where, who waits for whom, and lockdowns. Has to be told of every event, in order."""
        fields, moment = event.fields, moment_of(event.fields)
        moment = msgspec.structs.replace(moment, at=moment.at.astimezone(self._site.zone))
        self._passback.elapse(moment.at)
        match answered(fields):
            case "granted", _:
                self._entered(fields, moment)
            case "denied", reason:
                self._waits(fields, reason, moment)
        match fields["event_type"]:
            case "lockdown.begun":
                self._lockdowns[str(fields["door"])] = (moment, str(fields["by"]))
                for company in (self._alone, self._visitors, self._hosts):
                    company.forget()
            case "lockdown.ended":
                self._end_lockdown(str(fields["door"]))
            case "passback.reset":
                person = fields.get("cardholder")
                self._passback.reset(None if person is None else str(person))

    def locked_down(self, door: str) -> bool:
        """Whether a door is locked down."""
        return door in self._lockdowns or EVERY_DOOR in self._lockdowns

    def unlocked(self, moment: Moment) -> Mapping[str, bool]:
        """Which doors stay unlocked by their schedules now; asked at start, then at least once a minute.

        A lockdown goes before: then none does, and when it ends, the hours wait for a person as after a start.
        """
        for name, unlock in self._unlocks.items():
            if self.locked_down(name):
                unlock.lock()
        return {name: unlock.tick(moment) for name, unlock in self._unlocks.items()}

    def inside(self, moment: Moment) -> Mapping[str, str]:
        """Everybody who is known to be somewhere: number and area."""
        return self._passback.inside(moment)

    def due(self, moment: Moment) -> Sequence[tuple[str, EventFields]]:
        """Event types and fields to record now, before anything else of this moment: lockdowns that go on.

        A start reads the last two days of the journal; a lockdown that was last said longer ago would be forgotten.
        """
        return [
            ("lockdown.begun", {"door": door, "by": by, "renewed": 1})
            for door, (said, by) in self._lockdowns.items()
            if abs(moment.at.timestamp() - said.at.timestamp()) >= _RENEWED_AFTER_S
        ]

    def _described(self, presentation: Presentation) -> EventFields:
        """What every event at a door says."""
        passage = self._site.passages[presentation.reader]
        return {"door": passage.door, "way": passage.way}

    def _now(self, door: str, moment: Moment) -> Circumstances:
        stale = self._stale(moment, self._roster_made_s())
        return Circumstances(moment=moment, roster_stale=stale, lockdown=self.locked_down(door))

    def _stale(self, moment: Moment, made_s: int | None) -> bool:
        most_s = self._site.roster_max_age_s
        if most_s is None:
            return False
        return made_s is None or not -_AHEAD_S <= moment.at.timestamp() - made_s <= most_s

    def _verdict(self, identifier: Identifier, enrolment: Enrolment, passage: Passage, moment: Moment) -> Verdict:
        now = self._now(passage.door, moment)
        return self._levels.verdict(enrolment.cardholder.levels, passage.door, identifier.assurance, now)

    def _in_the_way(self, number: str, verdict: Verdict, passage: Passage, moment: Moment) -> DenyReason | None:
        """Why somebody whose levels open the door does not pass now."""
        door = self._doors[passage.door]
        if not all(map(self._secure, door.interlock)):
            return DenyReason.INTERLOCK
        rule = self._passback.rule(passage.enters)
        if rule != "soft" and not verdict.no_passback and self._breaches(number, passage, moment):
            return DenyReason.PASSBACK
        if passage.way == "out":
            return None
        company = self._company(number, verdict, passage, moment)
        entering = [number, *(other for role, other in company.items() if role != "escort")]
        if self._passback.full(passage.enters, entering, moment):
            return DenyReason.AREA_FULL
        if verdict.needs_escort:
            return None if "escort" in company else DenyReason.ESCORT_NEEDED
        return DenyReason.SECOND_PERSON_NEEDED if door.two_person and "second_person" not in company else None

    def _company(self, number: str, verdict: Verdict, passage: Passage, moment: Moment) -> dict[str, str]:
        """With whom a person enters, by what the others are: `second_person`, `visitor`, `escort`."""
        found = {
            "second_person": self._alone if self._doors[passage.door].two_person and not verdict.needs_escort else None,
            "visitor": self._visitors if verdict.escorts and not verdict.needs_escort else None,
            "escort": self._hosts if verdict.needs_escort else None,
        }
        others = {role: each and each.of(passage.door, number, moment) for role, each in found.items()}
        return {role: other for role, other in others.items() if other}

    def _breaches(self, number: str, passage: Passage, moment: Moment) -> bool:
        return self._passback.breached(number, passage.leaves, passage.enters, moment)

    def _granted(self, number: str, verdict: Verdict, passage: Passage, moment: Moment) -> EventFields:
        """What the event of a grant says."""
        details: EventFields = {"level": verdict.level}
        if passage.enters:
            details["area"] = passage.enters
        if verdict.extended:
            details["extended"] = 1
        if self._breaches(number, passage, moment):
            details["passback"] = "breached"
        now = self._now(passage.door, moment)
        if now.clock_unset or now.roster_stale:
            details["emergency"] = 1
        if passage.way == "out":
            return details
        if verdict.first_person:
            details["first_person"] = 1
        if verdict.escorts:
            details["escorts"] = 1
        return details | self._company(number, verdict, passage, moment)

    def _entered(self, fields: EventFields, moment: Moment) -> None:
        number, door = str(fields["cardholder"]), str(fields["door"])
        for each in party_of(fields):
            for company in (self._alone, self._visitors, self._hosts):
                company.left(each)  # who passed somewhere waits nowhere
        for each, area in movements_in(fields):
            self._passback.moved(each, area, moment)
        if fields["way"] == "out":
            return
        if "escorts" in fields:
            self._hosts.came(door, number, moment)
        rules = self._doors.get(door)
        starts = rules is not None and ("first_person" in fields or not rules.first_person)
        if door in self._unlocks and starts and not self.locked_down(door):
            self._unlocks[door].entered(moment)

    def _waits(self, fields: EventFields, reason: str, moment: Moment) -> None:
        if "cardholder" not in fields:
            return
        number, door = str(fields["cardholder"]), str(fields["door"])
        match reason:
            case DenyReason.SECOND_PERSON_NEEDED:
                self._alone.came(door, number, moment)
            case DenyReason.ESCORT_NEEDED:
                self._visitors.came(door, number, moment)

    def _end_lockdown(self, door: str) -> None:
        if door == EVERY_DOOR:
            self._lockdowns.clear()
        else:
            self._lockdowns.pop(door, None)
