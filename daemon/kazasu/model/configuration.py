"""What an installer can set, as frozen values; each class is a table of config/kazasu.toml.

The tables of one subject stand in a `configuration_*.py` of their own; here are the others, and the whole file.
Checks that need more than one key stand beside the keys, those over several tables in `Config`. Reading the file, and
saying where in it a mistake is, is config/'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from kazasu.model.configuration_attendance import Attendance
from kazasu.model.configuration_broker import Mqtt
from kazasu.model.configuration_display import Display
from kazasu.model.configuration_doors import DoorService, DoorTables, problems_of_doors
from kazasu.model.configuration_muster import Muster, MusterService
from kazasu.model.configuration_people import Codes, DayCards, Vouching
from kazasu.model.configuration_site import Site
from kazasu.model.configuration_wires import Buttons, Keypad, Outputs
from kazasu.model.setting import Duration, within
from kazasu.model.table import AssuranceWord, Name, ReaderName, Table

if TYPE_CHECKING:
    from collections.abc import Mapping


class Terminal(Table, frozen=True, kw_only=True):
    """[terminal]."""

    site: Name
    id: Name
    timezone: ZoneInfo = ZoneInfo("Asia/Tokyo")
    min_assurance: AssuranceWord = "serial"
    state_dir: Path = Path("/var/lib/kazasu")

    @property
    def journal_path(self) -> Path:
        """The journal's database."""
        return self.state_dir / "journal.db"

    @property
    def roster_path(self) -> Path:
        """The roster's database."""
        return self.state_dir / "roster.db"

    @property
    def control_path(self) -> Path:
        """Where commands at this machine reach the running terminal."""
        return self.state_dir / "control.sock"

    @property
    def site_roster_path(self) -> Path:
        """What has come of the site's next roster."""
        return self.state_dir / "site-roster"

    @property
    def cursor_path(self) -> Path:
        """The send cursor's database."""
        return self.state_dir / "cursor.db"


class Keys(Table, frozen=True, kw_only=True):
    """[keys]."""

    event: Path = Path("keys/event.key")
    pepper: Path = Path("keys/pepper.key")
    cards: Path = Path("keys/cards.toml")


class Reader(Table, frozen=True, kw_only=True):
    """[[readers]]."""

    name: ReaderName
    match: Annotated[str, msgspec.Meta(min_length=1, description="a name with * and ?")] = "*"


class KindSettings:
    """What stands under `[cards.<kind>]`, for each kind of `kinds` and for others that have a table.

    Args:
        by_kind: of the class that the kind's module calls `Settings`.
    """

    def __init__(self, by_kind: Mapping[str, Table]) -> None:
        self.by_kind = by_kind


class Cards(Table, frozen=True, kw_only=True):
    """[cards]. The tables in it are the kinds' own; config/ gathers them."""

    kinds: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("jpki", "felica", "mifare")
    renewal_grace: Duration = Duration(14 * 86400)
    settings: KindSettings

    def __post_init__(self) -> None:
        within(self.renewal_grace, "renewal_grace", 0, 92 * 86400)
        if len(set(self.kinds)) != len(self.kinds):
            raise ValueError("kinds names a kind twice")


class Services(Table, frozen=True, kw_only=True):
    """[services]: what the terminal is for."""

    attendance: Attendance | None = None
    door: DoorService | None = None
    muster: MusterService | None = None

    def __post_init__(self) -> None:
        if self.attendance is None and self.door is None and self.muster is None:
            raise ValueError(
                "name what the terminal is for: [services.attendance], [services.door], [services.muster] or several"
            )


class Collector(Table, frozen=True, kw_only=True):
    """[collector]."""

    present: bool = True
    key: Path | None = None

    def __post_init__(self) -> None:
        if self.present != (self.key is not None):
            raise ValueError(
                "a site with a collector names its public `key`; one without says `present = false`, and its terminals"
                " prune by age and size"
            )


class Journal(Table, frozen=True, kw_only=True):
    """[journal]."""

    max_events: Annotated[
        int, msgspec.Meta(ge=1000, le=10_000_000, description="a number of events, 1000 to 10000000")
    ] = 1_000_000
    keep: Duration = Duration(90 * 86400)

    def __post_init__(self) -> None:
        within(self.keep, "keep", 86400, 3650 * 86400)


class Log(Table, frozen=True, kw_only=True):
    """[log]."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(DoorTables, frozen=True, kw_only=True):
    """The whole file."""

    terminal: Terminal
    readers: Annotated[tuple[Reader, ...], msgspec.Meta(min_length=1, description="one [[readers]] table or more")]
    services: Services
    outputs: Outputs
    collector: Collector
    cards: Cards
    keys: Keys = Keys()
    buttons: Buttons | None = None
    keypad: Keypad | None = None
    display: Display | None = None
    day_cards: DayCards | None = None
    vouching: Vouching | None = None
    codes: Codes | None = None
    muster: Muster | None = None
    site: Site | None = None
    mqtt: Mqtt | None = None
    journal: Journal = Journal()
    log: Log = Log()

    def __post_init__(self) -> None:
        names = [reader.name for reader in self.readers]
        if len(set(names)) != len(names):
            raise ValueError("two [[readers]] have the same name")
        attendance = self.services.attendance
        by_button = attendance is not None and attendance.direction == "button"
        if by_button and self.buttons is None:
            raise ValueError('[buttons] is missing: services.attendance.direction = "button" needs them')
        if self.buttons is not None and self.outputs.driver != "gpio":
            raise ValueError('[buttons] needs outputs.driver = "gpio"')
        if self.keypad is not None and self.keypad.kind == "matrix" and self.outputs.driver != "gpio":
            raise ValueError('a keypad of kind = "matrix" needs outputs.driver = "gpio"')
        if self.vouching is not None and self.terminal.min_assurance != "vouched":
            raise ValueError(
                '[vouching] needs terminal.min_assurance = "vouched"; a card asks for what its enrolment says'
            )
        if self.codes is not None:
            self._check_codes(self.codes, names)
        self._check_doors(names)
        self._check_readers(names)

    def _check_codes(self, codes: Codes, readers: list[str]) -> None:
        codes.check_reader(readers)
        if self.keypad is None and self.outputs.driver != "terminal":
            raise ValueError("[codes] needs a [keypad]")
        if self.terminal.min_assurance not in {"code", "vouched"}:
            raise ValueError(
                '[codes] needs terminal.min_assurance = "code" (or "vouched"); a card asks for what its enrolment says'
            )

    @property
    def punching(self) -> tuple[str, ...]:
        """The readers where a tap is a punch: those that the service names, else all but the meeting point's."""
        attendance, muster = self.services.attendance, self.services.muster
        if attendance is None:
            return ()
        if attendance.readers is not None:
            return attendance.readers
        mustering = () if muster is None else muster.readers
        return tuple(reader.name for reader in self.readers if reader.name not in mustering)

    @property
    def sees_people(self) -> bool:
        """Whether anybody is seen to enter an area, or at a meeting point."""
        return self.services.muster is not None or any(door.area is not None for door in self.doors)

    def _check_readers(self, readers: list[str]) -> None:
        """Each reader is for something, and a service's readers are there."""
        muster = self.services.muster
        mustering = () if muster is None else muster.readers
        for service, named in (("attendance", self.punching), ("muster", mustering)):
            unknown = [name for name in named if name not in readers]
            if unknown:
                raise ValueError(
                    f"services.{service}.readers: {unknown[0]} is no reader; there are: {', '.join(readers)}"
                )
        at_doors = [name for door in self.doors for name in (*door.readers, *door.exit_readers)]
        both = [name for name in mustering if name in (*self.punching, *at_doors)]
        if both:
            raise ValueError(
                f"services.muster.readers: {both[0]} is for something else, too; the meeting point has a reader of its"
                " own, whose answer means one thing"
            )
        wired = self.outputs.driver == "gpio"
        if muster is not None and muster.fire and wired and all(door.fire is None for door in self.doors):
            raise ValueError("services.muster.fire is set, and no door has a `fire` input")
        idle = [name for name in readers if name not in (*self.punching, *mustering, *at_doors)]
        if idle:
            raise ValueError(f"reader {idle[0]} is for nothing: it is at no door, and no service names it")

    def _check_doors(self, readers: list[str]) -> None:
        if (self.services.door is None) != (not self.doors):
            raise ValueError("[services.door] and [[doors]] belong together: each needs the other")
        wrong = list(problems_of_doors(self, readers))
        if wrong:
            raise ValueError("; ".join(wrong))
        at_doors = [pin for door in self.doors for pin in door.pins]
        if self.display is not None:
            self.display.check_pins(at_doors + self._pins_elsewhere())
        if at_doors and self.outputs.driver != "gpio":
            raise ValueError('pins of [[doors]] need outputs.driver = "gpio"')
        taken = at_doors + self._pins_elsewhere()
        for pin in at_doors:
            if taken.count(pin) > 1:
                raise ValueError(f"GPIO {pin} of [[doors]] is taken twice; see docs/wiring.md")

    def _pins_elsewhere(self) -> list[int]:
        gpio = self.outputs.gpio
        wired = () if gpio is None else (gpio.green, gpio.red, gpio.buzzer, gpio.relay)
        buttons = () if self.buttons is None else (self.buttons.in_, self.buttons.out)
        matrix = () if self.keypad is None else (*(self.keypad.rows or ()), *(self.keypad.columns or ()))
        return [*(pin.pin for pin in (*wired, *buttons) if pin is not None), *matrix]
