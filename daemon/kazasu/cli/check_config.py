"""Read the configuration as the daemon does, and say what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.app.cards import attendance_policy, terminal_policy
from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.door_sentences import door_sentences
from kazasu.config import load
from kazasu.model.access import Assurance
from kazasu.model.schedule import WEEKDAYS
from kazasu.outputs import cues

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.model.configuration import Config, Terminal
    from kazasu.model.configuration_attendance import Attendance
    from kazasu.model.configuration_display import Display
    from kazasu.model.policy import AssurancePolicy


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check and describe; no key or pepper is opened."""
    config = load(arguments.config)
    cues.load(config.outputs.cues or cues.DEFAULT_PATH)
    for sentence in _sentences(config):
        print(sentence)
    return EXIT_OK


def _sentences(config: Config) -> Iterator[str]:
    terminal = config.terminal
    yield f"Terminal {terminal.id} of site {terminal.site}, on {terminal.timezone} time; data in {terminal.state_dir}."
    for reader in config.readers:
        yield f"Reader {reader.name}: the first PC/SC reader whose name fits {reader.match!r}."
    yield f"Cards: {', '.join(config.cards.kinds)}; a renewed card's old one ends after {config.cards.renewal_grace}."
    yield f"A card has to prove at least: {terminal_policy(config).min_assurance.word}."
    if config.services.attendance is not None:
        yield from _attendance(config.services.attendance, terminal)
    yield from door_sentences(config)
    yield from _codes(config)
    yield from _muster(config)
    pins = config.outputs.gpio
    if pins is None:
        yield "The answer is drawn in a terminal."
    else:
        relay = "" if pins.relay is None else f", relay on GPIO{pins.relay.pin}"
        yield f"Green on GPIO{pins.green.pin}, red on GPIO{pins.red.pin}, buzzer on GPIO{pins.buzzer.pin}{relay}."
    if config.display is not None:
        yield _display(config.display)
    if config.mqtt is None:
        yield "Stand-alone: no broker; events are taken out with `kazasu journal export`."
    else:
        yield f"Events go to {config.mqtt.host}:{config.mqtt.port} over TLS."
    if config.mqtt is not None and config.site is not None:
        yield f"The site moves this terminal with commands and rosters that the key in {config.site.key} signs."
        if config.doors:
            yield "Its levels, schedules and holidays count until the site's roster brings others."
    keep_days = config.journal.keep / 86400
    if config.collector.present:
        yield f"Events stay here until the collector's receipt, and at least {keep_days:g} days."
    else:
        most = config.journal.max_events
        yield f"There is no collector: events stay here {keep_days:g} days, or fewer if they are more than {most}."


def _codes(config: Config) -> Iterator[str]:
    codes = config.codes
    if codes is None:
        return
    reader = codes.at_reader([reader.name for reader in config.readers])
    where = "" if config.keypad is not None else ", which `kazasu keypad press` stands for"
    yield f"Codes: code and PIN on the keypad{where}; an entry counts as a tap on reader {reader}."
    tries = f"{codes.tries_per_person} wrong tries with a code, {codes.tries_per_terminal} in all"
    yield f"  Within {codes.within!s} at most {tries}; {codes.timeout!s} for the code, and again for the PIN."
    attendance = config.services.attendance
    if attendance is not None and (attendance.readers is None or reader in attendance.readers):
        asked = attendance_policy(attendance, config.terminal).min_assurance
        yield "  It is a punch." if asked <= Assurance.CODE else f"  It is no punch: that asks for {asked.word}."
    for door in config.doors:
        levels = [level for level in config.levels if level.opens(door.name)]
        if reader in (*door.readers, *door.exit_readers) and not any(
            Assurance.from_word(level.min_assurance) <= Assurance.CODE for level in levels
        ):
            yield f'  No level opens door {door.shown} by code: that takes min_assurance = "code" in [[levels]].'


def _display(display: Display) -> str:
    if display.is_panel:
        where = f"{display.kind} at {display.address:#04x} on I2C bus {display.port}"
    else:
        where = "drawn in a terminal" if display.page is None else f"the page {display.page}"
    language = {"ja": "Japanese", "en": "English"}[display.language]
    names = {"mask": "names masked", "full": "names in full", "off": "no names"}[display.names]
    dark = f"dark after {display.dark_after!s}" if display.dark_after else "never dark"
    return f"Display: {where}; in {language}, {names}, {dark}."


def _attendance(service: Attendance, terminal: Terminal) -> Iterator[str]:
    ways = {
        "alternate": "in and out by turns",
        "button": f"in and out by button, pressed at most {service.button_within:g} s before the tap",
        "schedule": "in and out by time of day",
    }
    boundary = service.day_boundary.isoformat("minutes")
    yield f"Attendance: {ways[service.direction]}; a working day begins at {boundary}."
    for way, ranges in (("in", service.in_), ("out", service.out)):
        for hours in ranges:
            yield f"  From {hours.first.isoformat('minutes')} to {hours.last.isoformat('minutes')}: {way}."
    yield f"  The same person again within {service.repeat_after:g} s is a repeat."
    if service.readers is not None:
        yield f"  A tap is a punch on: {', '.join(service.readers)}."
    yield from _assurance(attendance_policy(service, terminal))


def _muster(config: Config) -> Iterator[str]:
    service = config.services.muster
    if service is not None:
        fire = " or the fire input of a door" if service.fire else ""
        where = ", ".join(service.readers)
        yield f"Meeting point: reader {where}; a muster begins by `kazasu muster begin`{fire}."
    if config.muster is not None:
        yield f"The roll call is incomplete without: {', '.join(config.muster.terminals) or 'nobody else'}."
    elif config.sees_people and config.mqtt is not None:
        yield "The roll call knows no other terminal: there is no [muster]."


def _assurance(policy: AssurancePolicy) -> Iterator[str]:
    yield f"  For a punch a card has to prove at least: {policy.min_assurance.word}."
    for rule in policy.stricter:
        hours, days = rule.during.hours, rule.during.weekdays
        when = "every day" if len(days) == len(WEEKDAYS) else ", ".join(WEEKDAYS[day] for day in sorted(days))
        span = f"from {hours.first.isoformat('minutes')} to {hours.last.isoformat('minutes')}"
        yield f"  {span}, {when}: {max(rule.min_assurance, policy.min_assurance).word}."
