"""Set this terminal up: questions, configuration, cues, doctor, service.

It may be run again: what is configured now is the default of each question, and what is replaced stays as FILE.old.

A terminal joins its site with the bundle that the desk made: `kazasu setup --bundle FILE` brings names, keys and
certificate along, and asks only for the rest. Without a way to the broker: `--bundle FILE --request OUT`, bring OUT to
the desk, and finish with `--reply FILE`.

For many terminals: `kazasu setup --print-answers >answers.toml`, fill it in, `kazasu setup --answers answers.toml`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli

from kazasu.cli import DEFAULT_CONFIG, EXIT_INTERRUPTED, EXIT_OK, EXIT_PROBLEM, add_config_argument, doctor
from kazasu.cli.keygen import make_missing
from kazasu.cli.setup import answers_file, configuration_text, service
from kazasu.cli.setup.answers import brought, document, notes
from kazasu.cli.setup.enrolment import Enrolment
from kazasu.cli.setup.files import PUBLIC, NewFile, install, make_folders, old, signals_held
from kazasu.cli.setup.interview import BACK, Interview
from kazasu.cli.setup.joining import joined
from kazasu.cli.setup.questions import Configured, Place, value_at
from kazasu.config import parse
from kazasu.config.problems import problems
from kazasu.errors import KazasuError, KeyMaterialError
from kazasu.model.configuration import Keys
from kazasu.store.keys import load_pepper, load_signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config

_USER = "kazasu"
_WIDTH, _INDENT = 79, 11  # as keygen's lines


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
    place = _place(path, arguments.answers)
    if arguments.print_answers:
        print("\n".join(answers_file.template(place)))
        return EXIT_OK
    _expect_writable(path.parent)
    enrolment = _enrolment(place)
    if not joined(enrolment, arguments, lambda: _retire_event_key(path)):
        return EXIT_OK
    if arguments.answers is not None:
        plan = _plan(path, answers_file.load(arguments.answers, place, enrolment.answers()), place)
        print("\n".join(_account(plan)))
        _carry_out(plan, enrolment)
        return _try_out(plan, arguments, None)
    interview = Interview(_Keyboard(), japanese=_reads_japanese(), given=enrolment.answers())
    try:
        plan = _agree(path, place, interview)
    except (KeyboardInterrupt, EOFError):
        interview.tell("\n\nStopped. Nothing was changed.", "中止しました。何も変更していません。")
        return EXIT_INTERRUPTED
    _carry_out(plan, enrolment)
    try:
        return _try_out(plan, arguments, interview)
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


class _Plan(NamedTuple):
    """What is to be written.

    Attributes:
        path: the configuration's.
        config: the configuration.
        files: what goes where, the configuration last.
        notes: what is better looked at twice.
    """

    path: Path
    config: Config
    files: list[NewFile]
    notes: list[str]

    @property
    def option(self) -> str:
        """What each command needs to find the configuration."""
        return "" if str(self.path) == DEFAULT_CONFIG else f" --config {self.path}"


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


def _place(path: Path, answers: Path | None) -> Place:
    from kazasu.readers.pcsc import list_readers

    here = Path.cwd() if answers is None else answers.absolute().parent
    return Place(path.parent, _present(path), here, list_readers, tuple(_neighbours(path)))


def _neighbours(path: Path) -> Iterator[Configured]:
    """Find the other terminals of this Pi: /etc/kazasu@door/kazasu.toml beside /etc/kazasu/kazasu.toml."""
    if service.is_terminals(path.parent):
        for other in sorted(path.parent.parent.glob(f"kazasu*/{path.name}")):
            if other != path and service.is_terminals(other.parent):
                with contextlib.suppress(
                    OSError, ValueError, RecursionError
                ):  # that one's own commands say what is wrong
                    document = tomli.loads(other.read_bytes().decode())
                    if not problems(document):
                        yield Configured(other.parent, document)


def _present(path: Path) -> dict[str, Any]:
    """Read the configuration that is there; one that cannot be used counts as none, and is said."""
    try:
        present = tomli.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        print(f"{path} cannot be used, and is not taken over: {error}", file=sys.stderr)
        return {}
    if wrong := problems(present):
        for keys, words in wrong:
            print(f"{path}: {'.'.join(map(str, keys))}: {words}; it is not taken over", file=sys.stderr)
        return {}
    return present


def _expect_writable(folder: Path) -> None:
    """Say it now, and not after all the questions."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        raise KazasuError(f"{folder} cannot be written by this user; run this as root, with sudo")


def _agree(path: Path, place: Place, interview: Interview) -> _Plan:
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
        plan = _plan(path, answers, place)
        for line in ("", *_account(plan), ""):
            interview.tell(line)
        words = {"y": ("y", "yes", "はい"), BACK: (BACK, "n", "no", "いいえ")}
        prompt = f"[Y, {BACK} goes back]"
        if interview.choose("Write this, and try it?", "書き込んで動作を確かめますか?", prompt, words) == "y":
            return plan
        interview.go_back(answers)


def _plan(path: Path, answers: dict[str, Any], place: Place) -> _Plan:
    """Make a configuration of answers that were checked.

    Raises:
        KazasuError: what only shows now.
    """
    text = configuration_text.write(document(answers, place)).encode()
    config = parse(text, path)
    _check_keys(config)
    return _Plan(path, config, [*brought(answers, place), NewFile(path, text, PUBLIC)], list(notes(config, place)))


def _account(plan: _Plan) -> Iterator[str]:
    for file in plan.files:
        yield _fate(file)
    for note in plan.notes:
        yield from textwrap.wrap(note, _WIDTH, initial_indent="note".ljust(_INDENT), subsequent_indent=" " * _INDENT)


def _carry_out(plan: _Plan, enrolment: Enrolment) -> None:
    """Write all of it, or nothing."""
    make_folders(plan.files)
    with signals_held():
        install(plan.files)
        make_missing(plan.config.keys, plan.path.parent)
        enrolment.end()
    _make_state_dir(plan.config.terminal.state_dir)


def _fate(file: NewFile) -> str:
    if file.there:
        return f"kept       {file.path}"
    if file.path.exists():
        return f"replaced   {file.path}; what is there now stays as {old(file.path).name}"
    return f"new        {file.path}"


def _check_keys(config: Config) -> None:
    """Find keys that cannot be used, or are lost, before anything is written."""
    terminal, keys = config.terminal, config.keys
    if keys.event.exists():
        load_signer(keys.event)
    elif terminal.journal_path.exists():
        raise KeyMaterialError(
            f"there is a journal, {terminal.journal_path}, but the key that signs it, {keys.event}, is missing: bring"
            " it back, or move the journal away; a new key would end its chain"
        )
    if keys.pepper.exists():
        load_pepper(keys.pepper)


def _make_state_dir(state_dir: Path) -> None:
    if not state_dir.exists():
        state_dir.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            with contextlib.suppress(LookupError):  # not an installed system: whoever runs this owns it
                shutil.chown(state_dir, _USER, _USER)


def _try_out(plan: _Plan, arguments: argparse.Namespace, interview: Interview | None) -> int:
    """Play the cues, run the doctor, start the service; returns the exit code."""
    unit = None if arguments.no_start else service.find(plan.path.parent)
    found = EXIT_OK
    with contextlib.ExitStack() as stack:
        if unit is not None:
            # Whoever hangs up now leaves a terminal that runs.
            for number in (signal.SIGHUP, signal.SIGTERM):
                stack.callback(signal.signal, number, signal.signal(number, signal.default_int_handler))
            if unit.active:
                print(f"\nstopping {unit.name}, which uses the pins")
                stack.callback(unit.start)
                unit.stop()
        if interview is not None or arguments.play_cues:
            found = _play(plan.config, interview)
        print()
        found = max(found, doctor.execute(argparse.Namespace(config=plan.path, tap=False)))
        if unit is not None:
            found = max(found, _start(unit))
            if plan.config.mqtt is not None and plan.config.site is not None and not service.renew_daily(unit):
                print("certificates are not renewed by themselves: run `sudo kazasu renew` each day")
                found = EXIT_PROBLEM
            stack.pop_all()
    _say_next(plan, started=unit is not None)
    return found


def _play(config: Config, interview: Interview | None) -> int:
    from kazasu.cli.setup.cue_round import play_all

    print("\nEach cue is played now: look and listen.")
    try:
        wrong = play_all(config, interview)
    except KazasuError as error:
        print(f"the cues cannot be played: {error}")
        return EXIT_PROBLEM
    if wrong:
        print(f"not as they should be: {', '.join(wrong)}; see docs/wiring.md, and try `kazasu cue play NAME`")
    return EXIT_PROBLEM if wrong else EXIT_OK


def _start(unit: service.Service) -> int:
    print(f"\nstarting {unit.name}, now and at each boot …", flush=True)
    if unit.start():
        print(f"{unit.name} runs")
        return EXIT_OK
    print(f"{unit.name} did not start: `journalctl -u {unit.name} -n 20` says why; systemd goes on trying")
    return EXIT_PROBLEM


def _say_next(plan: _Plan, *, started: bool) -> None:
    print("\nNext:")
    if not started:
        print(f"  run the terminal          kazasu run{plan.option}")
    print(f"  give a card to a person   sudo kazasu enroll{plan.option} 1001 'Hanako Yamada'")
    print("  tap it                    green means that it is recorded")
    print(f"  see what was recorded     sudo kazasu journal list{plan.option}")
    if plan.config.mqtt is not None:
        print(f"  for the site's collector  {plan.path.parent / 'event.pub.pem'}")
    print(f"  for the next terminals    {plan.config.keys.pepper}: the site has one pepper")
