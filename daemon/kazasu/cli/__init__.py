"""The commands an installer types: one file a command, imported only when it is called."""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kazasu import __version__
from kazasu.errors import ConfigurationError, KazasuError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK = 0
EXIT_PROBLEM = 1
EXIT_USAGE = 2  # argparse's own
EXIT_DEFECT = 70  # EX_SOFTWARE
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h; systemd shows it by name
EXIT_INTERRUPTED = 130

_LONGEST_WAIT_S = 3600

DEFAULT_CONFIG = "/etc/kazasu/kazasu.toml"

_EXIT_CODES = (
    f"Exit codes: {EXIT_OK} all well, {EXIT_PROBLEM} a problem that is named, {EXIT_USAGE} wrong usage, "
    f"{EXIT_DEFECT} a defect of Kazasu's, {EXIT_CONFIGURATION} the configuration cannot be used."
)


class CommandModule(Protocol):
    """What a command's module holds."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def execute(self, arguments: argparse.Namespace) -> int:
        """Do it, and return the exit code.

        Raises:
            KazasuError: shown to the person as it is, without a traceback.
        """
        ...


class Command(NamedTuple):
    """One line of `kazasu --help`."""

    name: str
    summary: str


COMMANDS = (
    Command("setup", "ask what this terminal is for, configure, try and start it"),
    Command("run", "run the terminal (what systemd starts)"),
    Command("check-config", "read the configuration and say what it means"),
    Command("doctor", "check everything a terminal needs, and say what to do"),
    Command("identify", "tap a card: what it is and what it proves"),
    Command("enroll", "tap a card and give it to a person"),
    Command("roster", "import who is known here, or end a credential"),
    Command("door", "say how the doors are; release, unlock or lock them down"),
    Command("passback", "forget where somebody is"),
    Command("muster", "the roll call: who is inside, and who is missing; begin or end a muster"),
    Command("daycard", "lend a card of the pool to a person until midnight"),
    Command("vouch", "let a colleague's tap stand for a person without a card"),
    Command("code", "give a person without a card a code and a PIN for the keypad"),
    Command("keypad", "press keys where there is no keypad, to try codes out"),
    Command("paper", "record the punches of a paper list"),
    Command("collect", "run the collector beside the broker (what systemd starts there)"),
    Command("report", "attendance for payroll, or a proof for an auditor, from the collector"),
    Command("journal", "list, verify or export what was recorded"),
    Command("cue", "play a cue on the real LEDs and buzzer"),
    Command("site", "keys, terminals and broker of a whole site, at the desk"),
    Command("renew", "get this terminal's next certificate, and the site's new key, from the site"),
    Command("keygen", "make this terminal's keys"),
    Command("demo", "the whole way of a tap with virtual cards, no hardware needed"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the console script's entry."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] not in {command.name for command in COMMANDS}:
        overview = _overview()
        _, unknown = overview.parse_known_args(words or ["--help"])
        overview.error(_no_command(unknown[0]))
    name, *rest = words
    module = _imported(name)
    parser = argparse.ArgumentParser(
        prog=f"kazasu {name}",
        description=module.__doc__,
        epilog=_EXIT_CODES,
        formatter_class=_formatter,
    )
    module.configure(parser)
    # A name in Japanese must not end a command where the locale knows none.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = module.execute(parser.parse_args(rest))
        sys.stdout.flush()  # a reader that has gone is noticed here, not when the interpreter ends
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `kazasu journal list | head` closed our output: that is how it ends, not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (KazasuError, EOFError, OSError) as error:
        told = _in_words(error)
        if not told:
            raise
        print(f"kazasu {name}: {told}", file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else EXIT_PROBLEM
    return code


def _imported(name: str) -> CommandModule:
    """Import a command, and look for no garbage in it, now or later: it stays. That takes a twelfth off a start."""
    gc.disable()
    module: CommandModule = importlib.import_module(f"kazasu.cli.{name.replace('-', '_')}")
    gc.freeze()
    gc.enable()
    return module


def _in_words(error: Exception) -> str:
    """What a person is told of an error; empty for a defect of Kazasu's."""
    match error:
        case KazasuError():
            return str(error)
        case EOFError():
            return "nobody answered what was asked, so nothing more was done"
        case PermissionError(filename=path, strerror=why):
            return f"{path}: {why}; run this as root, with sudo"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT, filename=path, strerror=why):
            return f"{path or 'what was to be written'}: {why}; make room, and call again"
    return ""


def number_of_seconds(text: str) -> float:
    """Read an argument: seconds, more than 0 and at most an hour.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_WAIT_S:  # which nan is not, either
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, such as 30; at most {_LONGEST_WAIT_S}")
    return seconds


def whole_number(text: str) -> int:
    """Read an argument: 0 or more.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, such as 20")
    return int(text)


def add_config_argument(parser: argparse._ActionsContainer) -> None:
    """Declare `--config`, the same for every command that needs the configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("KAZASU_CONFIG", DEFAULT_CONFIG)),
        metavar="FILE",
        help="configuration file; default: $KAZASU_CONFIG, else %(default)s",
    )


def _overview() -> argparse.ArgumentParser:
    width = max(len(command.name) for command in COMMANDS)
    lines = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="kazasu",
        usage="kazasu COMMAND [OPTION ...]",
        description="A time recorder and door terminal for the cards that people already carry.",
        epilog=f"commands:\n{lines}\n\n`kazasu COMMAND --help` tells more.\n{_EXIT_CODES}",
        formatter_class=_formatter,
    )
    parser.add_argument("--version", action="version", version=f"kazasu {__version__}")
    return parser


def _no_command(word: str) -> str:
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(word, [command.name for command in COMMANDS], n=1)
    hint = f"did you mean {near[0]}?" if near else "`kazasu --help` lists them"
    return f"there is no command {word!r}; {hint}"


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Lay help out as wide as the terminal; left to itself, argparse imports shutil, bz2 and lzma at every start."""
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=max(columns, 40) - 2)
