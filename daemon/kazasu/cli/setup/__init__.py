"""Set this terminal up: questions, configuration, cues, doctor, service.

It may be run again: what is configured now is the default of each question. With --answers nothing is asked.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from kazasu.cli import DEFAULT_CONFIG, EXIT_INTERRUPTED, EXIT_OK, EXIT_PROBLEM, add_config_argument, doctor
from kazasu.cli.keygen import make_missing
from kazasu.cli.setup import answers_file, configuration_text, service
from kazasu.cli.setup.answers import document, files
from kazasu.cli.setup.files import PUBLIC, NewFile, install, make_folders, old
from kazasu.cli.setup.interview import Interview
from kazasu.cli.setup.questions import Place
from kazasu.config import parse, problems
from kazasu.errors import ConfigurationError, KazasuError, KeyMaterialError
from kazasu.store.keys import load_pepper, load_signer

if TYPE_CHECKING:
    from kazasu.model.configuration import Config

_USER = "kazasu"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--answers", type=Path, metavar="FILE", help="take the answers from this file; ask nothing")
    parser.add_argument(
        "--print-answers", action="store_true", help="print a file of answers to fill in, as configured now, and end"
    )
    parser.add_argument("--play-cues", action="store_true", help="with --answers: play the cues, too")
    parser.add_argument("--no-start", action="store_true", help="leave the service as it is")
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Set up."""
    path: Path = arguments.config.absolute()
    present = _present(path)
    if arguments.print_answers:
        place = _place(path.parent, present, Path.cwd())
        print("\n".join(answers_file.template(place)))
        return EXIT_OK
    _expect_writable(path.parent)
    if arguments.answers is not None:
        place = _place(path.parent, present, arguments.answers.absolute().parent)
        answers = answers_file.load(arguments.answers, place)
        _write(path, answers, place, None)
        return _try_out(path, arguments, None)
    interview = Interview(_Keyboard(), japanese=_reads_japanese())
    place = _place(path.parent, present, Path.cwd())
    try:
        answers = interview.ask_all(place)
        written = _write(path, answers, place, interview)
    except (KeyboardInterrupt, EOFError):
        interview.tell("\nStopped: nothing was changed.", "中止しました。何も変更していません。")
        return EXIT_INTERRUPTED
    return _try_out(path, arguments, interview) if written else EXIT_PROBLEM


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


def _place(folder: Path, present: dict[str, Any], here: Path) -> Place:
    from kazasu.readers.pcsc import list_readers

    return Place(folder, present, here, list_readers)


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
        raise ConfigurationError(f"{folder} cannot be written by this user; run this as root, with sudo")


def _write(path: Path, answers: dict[str, Any], place: Place, interview: Interview | None) -> bool:
    """Write the configuration and all that belongs to it; returns whether that was wanted."""
    text = configuration_text.write(document(answers, place)).encode()
    config = parse(text, path)
    new = [*files(answers, place), NewFile(path, text, PUBLIC)]
    _check_keys(config)
    print()
    for file in new:
        print(_fate(file))
    if interview is not None and not interview.agree("Write this now?", "書き込みますか?"):
        interview.tell("Nothing was changed.", "何も変更していません。")
        return False
    make_folders(new)
    install(new)
    make_missing(config.keys, path.parent)
    _make_state_dir(config.terminal.state_dir)
    return True


def _fate(file: NewFile) -> str:
    if file.there:
        return f"kept        {file.path}"
    if file.path.exists():
        return f"replaced    {file.path}; what is there now stays as {old(file.path).name}"
    return f"new         {file.path}"


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


def _try_out(path: Path, arguments: argparse.Namespace, interview: Interview | None) -> int:
    """Play the cues, run the doctor, start the service; returns the exit code."""
    print()
    unit = None if arguments.no_start else service.find(path.parent)
    config = parse(path.read_bytes(), path)
    found = EXIT_OK
    try:
        if unit is not None and unit.active:
            print(f"stopping {unit.unit}, which uses the pins")
            unit.stop()
        if interview is not None or arguments.play_cues:
            found = _play(config, interview)
        found = max(found, doctor.execute(argparse.Namespace(config=path, tap=False)))
    finally:
        if unit is not None:
            found = max(found, _start(unit))
    _say_next(path, config, started=unit is not None)
    return found


def _play(config: Config, interview: Interview | None) -> int:
    from kazasu.cli.setup.cue_round import play_all

    try:
        wrong = play_all(config, interview)
    except KazasuError as error:
        print(f"the cues cannot be played: {error}")
        return EXIT_PROBLEM
    if wrong:
        print(
            f"not as they should be: {', '.join(wrong)}; check the wiring, docs/wiring.md, and `kazasu cue play NAME`"
        )
    print()
    return EXIT_PROBLEM if wrong else EXIT_OK


def _start(unit: service.Service) -> int:
    print(f"starting {unit.unit}, now and at each boot …", flush=True)
    if unit.start():
        print(f"{unit.unit} runs")
        return EXIT_OK
    print(f"{unit.unit} did not start: journalctl -u {unit.unit} -n 20 says why; systemd goes on trying")
    return EXIT_PROBLEM


def _say_next(path: Path, config: Config, *, started: bool) -> None:
    option = "" if str(path) == DEFAULT_CONFIG else f" --config {path}"
    print("\nNext:")
    if not started:
        print(f"  start it:                     kazasu run{option}, or the service")
    print(f"  give a first card to someone: kazasu enroll 1001 'Hanako Yamada'{option}")
    print("  tap it:                       green means that it is recorded")
    print(f"  see what was recorded:        kazasu journal list{option}")
    if config.mqtt is not None:
        print(f"  the site's collector needs:   {path.parent / 'event.pub.pem'}")
    print(f"  the site's next terminals:    the same pepper, {config.keys.pepper}")
