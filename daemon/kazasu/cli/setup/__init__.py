"""Set this terminal up: questions, configuration, cues, doctor, service.

It may be run again: what is configured now is the default of each question, and what is replaced stays as FILE.old.

A terminal joins its site with the bundle that the desk made: `kazasu setup --bundle FILE` brings names, keys and
certificate along, and asks only for the rest. Without a way to the broker: `--bundle FILE --request OUT`, bring OUT to
the desk, and finish with `--reply FILE`.

For many terminals: `kazasu setup --print-answers >answers.toml`, fill it in, `kazasu setup --answers answers.toml`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazasu.cli import EXIT_INTERRUPTED, EXIT_OK, add_config_argument
from kazasu.cli.setup import answers_file, service
from kazasu.cli.setup.enrolment import Enrolment
from kazasu.cli.setup.interview import BACK, Interview
from kazasu.cli.setup.joining import joined
from kazasu.cli.setup.place import Place, place_of, value_at
from kazasu.cli.setup.plan import Plan, account, carry_out, plan_of
from kazasu.cli.setup.trial import try_out
from kazasu.errors import KazasuError
from kazasu.model.configuration import Keys

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--answers", type=Path, metavar="FILE", help="take the answers from this file; ask nothing")
    parser.add_argument(
        "--print-answers", action="store_true", help="print a file of answers to fill in, as configured now, and end"
    )
    joining = parser.add_argument_group("joining a site", "the bundle comes from `kazasu site add-terminal`")
    joining.add_argument("--bundle", type=Path, metavar="FILE", help="open it, ask the site over the broker, set up")
    joining.add_argument(
        "--request", type=Path, metavar="FILE", help="with --bundle: write the request here, not to the broker"
    )
    joining.add_argument("--reply", type=Path, metavar="FILE", help="the site's reply to that request; set up")
    joining.add_argument("--code-file", type=Path, metavar="FILE", help="the bundle's code is in this file; ask nobody")
    joining.add_argument(
        "--new-event-key", action="store_true", help="with --bundle: end this terminal's event key and journal first"
    )
    parser.add_argument("--play-cues", action="store_true", help="with --answers: play the cues, too")
    parser.add_argument("--no-start", action="store_true", help="leave the service as it is")
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Set up."""
    path: Path = arguments.config.absolute()
    place = place_of(path, arguments.answers)
    if arguments.print_answers:
        print("\n".join(answers_file.template(place)))
        return EXIT_OK
    _expect_writable(path.parent)
    enrolment = _enrolment(place)
    if not joined(enrolment, arguments, lambda: _retire_event_key(path)):
        return EXIT_OK
    unit = None if arguments.no_start else service.find(path.parent)
    if arguments.answers is not None:
        plan = plan_of(path, answers_file.load(arguments.answers, place, enrolment.answers()), place)
        print("\n".join(account(plan)))
        carry_out(plan, enrolment)
        return try_out(plan, unit, None, play_cues=arguments.play_cues)
    interview = Interview(_Keyboard(), japanese=_reads_japanese(), given=enrolment.answers())
    try:
        plan = _agree(path, place, interview)
    except (KeyboardInterrupt, EOFError):
        interview.tell("\n\nStopped. Nothing was changed.", "中止しました。何も変更していません。")
        return EXIT_INTERRUPTED
    carry_out(plan, enrolment)
    try:
        return try_out(plan, unit, interview, play_cues=True)
    except (KeyboardInterrupt, EOFError):
        interview.tell(
            f"\n\nStopped. The configuration is written; kazasu doctor{plan.option} says what is left.",
            "中止しました。設定は書き込み済みです。",
        )
        return EXIT_INTERRUPTED


def _enrolment(place: Place) -> Enrolment:
    event_key = place.folder / (value_at(place.present, ("keys", "event")) or Keys().event)
    state_dir = value_at(place.present, ("terminal", "state_dir")) or f"/var/lib/{place.folder.name}"
    return Enrolment(place.folder, event_key, place.folder / state_dir / "journal.db")


def _retire_event_key(path: Path) -> None:
    """Move key and journal aside.

    Raises:
        KazasuError: the service runs, or events are not sent yet.
    """
    from kazasu.cli.setup.event_key import retire
    from kazasu.config import load

    unit = service.find(path.parent)
    if unit is not None and unit.active:
        raise KazasuError(f"{unit.name} runs and writes into the journal: `sudo systemctl stop {unit.name}` first")
    for moved in retire(load(path), path.parent / "event.pub.pem"):
        print(f"aside      {moved}")


class _Keyboard:
    """Implements interview.Dialogue."""

    def __init__(self) -> None:
        import readline  # lines can be edited, and names of files completed

        readline.parse_and_bind("tab: complete")
        readline.set_completer_delims(" ")

    def tell(self, line: str) -> None:
        print(line)

    def ask(self, prompt: str) -> str:
        return input(prompt)


def _reads_japanese() -> bool:
    language = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return language.startswith("ja")


def _expect_writable(folder: Path) -> None:
    """Say it now, and not after all the questions."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        raise KazasuError(f"{folder} cannot be written by this user; run this as root, with sudo")


def _agree(path: Path, place: Place, interview: Interview) -> Plan:
    """Ask until the person agrees with what would be written.

    Raises:
        EOFError: nobody is there any more.
    """
    if place.present:
        interview.tell(f"What {path} says now stands in brackets.", f"かっこ内は {path} の現在の値です。")
    interview.explain()
    answers: dict[str, Any] = {}
    while True:
        interview.ask_all(place, answers)
        plan = plan_of(path, answers, place)
        for line in ("", *account(plan), ""):
            interview.tell(line)
        words = {"y": ("y", "yes", "はい"), BACK: (BACK, "n", "no", "いいえ")}
        prompt = f"[Y, {BACK} goes back]"
        if interview.choose("Write this, and try it?", "書き込んで動作を確かめますか?", prompt, words) == "y":
            return plan
        interview.go_back(answers)
