"""What operations do at the desk for a whole site: keys, terminals, broker.

A site directory holds all of it; but for its `keys/` it is made for version control. Start with
`kazasu site init DIR`; what to do next, each action says.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kazasu.errors import KeyMaterialError

if TYPE_CHECKING:
    from kazasu.site.directory import Site


class ActionModule(Protocol):
    """What an action's module holds."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def execute(self, arguments: argparse.Namespace) -> int:
        """Do it, and return the exit code.

        Raises:
            KazasuError: shown to the person as it is, without a traceback.
        """
        ...


class Action(NamedTuple):
    """One line of `kazasu site --help`."""

    name: str
    summary: str


ACTIONS = (
    Action("init", "make a site: its directory, its keys, its certificate authority"),
    Action("broker-config", "write what the site's mosquitto runs with"),
    Action("add-terminal", "invite a terminal: a bundle and its code"),
    Action("accept", "answer terminals that ask to be admitted or renewed"),
    Action("list", "each terminal's state, key and certificate"),
    Action("revoke", "end a terminal's keys and certificates"),
    Action("renew", "renew the certificates of the broker and of the site's own clients of it"),
    Action("rotate-pepper", "lay another layer over the pepper, after a terminal was stolen"),
    Action("rotate-key", "replace the site key, while terminals go on"),
    Action("command", "command terminals, and see what becomes of it"),
    Action("watch", "every terminal at a glance, the worst first"),
    Action("discovery", "tell Home Assistant which terminals there are"),
    Action("import-people", "make people.csv of what a personnel system exports"),
    Action("publish", "sign and publish who is known at every terminal"),
    Action("set-code", "give a person without a card a code for the keypads"),
    Action("day-card", "lend day cards, at every terminal at once"),
    Action("revoke-card", "let a card be worth nothing everywhere, at once"),
    Action("simulate", "a fleet of made-up terminals at a site made for it: load figures"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    width = max(len(action.name) for action in ACTIONS)
    lines = "\n".join(f"  {action.name:<{width}}  {action.summary}" for action in ACTIONS)
    parser.usage = "kazasu site ACTION [OPTION ...]"
    parser.epilog = f"actions:\n{lines}\n\n`kazasu site ACTION --help` tells more.\n{parser.epilog}"
    parser.add_argument("action", type=_action, metavar="ACTION", help="see below")
    parser.add_argument("rest", nargs=argparse.REMAINDER, default=[], help=argparse.SUPPRESS)
    parser.set_defaults(formatter=parser.formatter_class)


def execute(arguments: argparse.Namespace) -> int:
    """Do one action."""
    module: ActionModule = importlib.import_module(f"kazasu.cli.site.{arguments.action.replace('-', '_')}")
    parser = argparse.ArgumentParser(
        prog=f"kazasu site {arguments.action}", description=module.__doc__, formatter_class=arguments.formatter
    )
    module.configure(parser)
    return module.execute(parser.parse_args(arguments.rest))


def add_site_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--site`, the same for every action on a site that is there."""
    parser.add_argument(
        "--site",
        type=Path,
        default=Path(os.environ.get("KAZASU_SITE", ".")),
        metavar="DIR",
        help="the site's directory; default: $KAZASU_SITE, else where you are",
    )


def add_passphrase_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--passphrase-file`, the same for every action that signs."""
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="the passphrase is in this file's first line; ask nobody"
    )


def site_of(arguments: argparse.Namespace) -> Site:
    """Open the site that `--site` names.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from kazasu.site.directory import open_site

    return open_site(arguments.site)


def passphrase_of(arguments: argparse.Namespace, prompt: str = "Passphrase of the site: ") -> str:
    """Read the passphrase from its file, or ask for it.

    Raises:
        KeyMaterialError: the file cannot be read, or others can read it; or nobody is there to ask.
        EOFError: nobody answered.
    """
    if arguments.passphrase_file is not None:
        from kazasu.store.keys import read_checked

        content = read_checked(arguments.passphrase_file, "passphrase", secret=True)
        try:
            return next(iter(content.decode().splitlines()), "")
        except UnicodeDecodeError as error:
            raise KeyMaterialError(f"{arguments.passphrase_file} is not UTF-8: it holds no passphrase") from error
    import getpass

    if not sys.stdin.isatty():
        raise KeyMaterialError("nobody is there to ask for the passphrase: --passphrase-file names a file with it")
    return getpass.getpass(prompt)


def _action(text: str) -> str:
    """Read an argument.

    Raises:
        argparse.ArgumentTypeError: there is no such action; the nearest is named.
    """
    names = [action.name for action in ACTIONS]
    if text not in names:
        import difflib  # only a mistake needs it

        near = difflib.get_close_matches(text, names, n=1)
        hint = f"did you mean {near[0]}?" if near else "`kazasu site --help` lists them"
        raise argparse.ArgumentTypeError(f"there is none called {text!r}; {hint}")
    return text
