"""A small site on one machine: a desk, a broker, two terminals that have joined, the collector; for the demo.

Only inside the sandbox. It is made with the commands that operations and installers type, in the order of docs/site.md.
Only the cards are virtual.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.app.cards import card_identifier
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.model.access import Assurance
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.wire import Topics
from kazasu.readers.demand import FixedDemand
from kazasu.runtime.clock import TIMESYNCD, SystemClock
from kazasu.site.directory import open_site
from kazasu.virtual.broker import free_port
from kazasu.virtual.collector import SiteCollector
from kazasu.virtual.desk import typed
from kazasu.virtual.issuer import JpkiIssuer
from kazasu.virtual.pcscd import PrivatePcscd
from kazasu.virtual.scene import Scene
from kazasu.virtual.site import PASSPHRASE, SiteBroker
from kazasu.virtual.site_terminal import GATE, Joining, SiteTerminal
from kazasu.virtual.staff import staff_of, write_roster
from kazasu.virtual.tapping import wait_for
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from kazasu.collector.records import Alert
    from kazasu.virtual.staff import Person

SITE: Final = "town-hall"
TERMINALS: Final = ("entrance-1", "annex-1")
_LEVEL = "staff"
_PCSCD_PORT = 15_000  # free: the sandbox has a network of its own
_REQUEST_S = 30.0
_NOTHING = ("nothing of it",)
_COMMAND_WIDTH = 68


class SmallSite(Scene):
    """Sets all of it up, and says how; leaves no process behind.

    Args:
        directory: where everything goes; made if it is missing.
        say: prints a line.

    Attributes:
        directory: the same.
        passphrase: what lets a command sign that has nobody to ask.
        staff: five people with their cards.
        site: its directory, opened.
        broker: running, with the files of `kazasu site broker-config`.
        terminals: two that have joined, and know nobody yet; their daemons run.
        collector: running.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        super().__init__()
        self.directory = directory
        self._say = say

    def asks(self, *words: str) -> list[str]:
        """Type a command about what the collector keeps; see `types`."""
        return self.types(*words, besides=("--config", self.collector.config_file))

    def types(
        self, *words: str, besides: Iterable[str | Path] = (), shows: tuple[str, ...] = ("",), note: str = ""
    ) -> list[str]:
        """Type a command in the site's directory, and show what it says.

        Args:
            words: behind `kazasu`.
            besides: words that are not shown: files in place of what somebody would be asked for.
            shows: how the lines begin that are shown; all by default.
            note: what else there is to say.

        Returns:
            The lines that it printed.

        Raises:
            RuntimeError: it failed.
        """
        folder = self.directory / "site"
        self._typed(" ".join(words), note)
        code, lines = typed(*words, *besides, at=folder if folder.exists() else self.directory)
        for line in lines:
            if code or line.startswith(shows):
                self._say(f"      {line}")
        if code:
            raise RuntimeError(f"kazasu {' '.join(words)} ended with {code}: {lines}")
        return lines

    def enlist(self, people: Sequence[Person]) -> None:
        """Write the roster's files, with the pseudonyms that the terminals' own card kinds give to these cards."""
        config = self.terminals[0].config
        identifier = card_identifier(config, SystemClock(config.terminal.timezone), FixedDemand(Assurance.SERIAL))
        folder = self.site.file("roster")
        folder.mkdir(exist_ok=True)
        write_roster(folder / "people.csv", people, identifier, {person.number: _LEVEL for person in people})
        (folder / "levels.toml").write_text(f'[[levels]]\nname = "{_LEVEL}"\ndoors = ["{GATE}"]\n')

    def kept(self, terminal: SiteTerminal) -> int:
        """Up to which event the collector keeps everything of a terminal, and vouches for it."""
        with closing(self._store()) as store:
            chains = [chain for chain in store.chains() if chain.terminal == terminal.name]
            if not chains or store.receipt_from(terminal.name, chains[-1].epoch, chains[-1].seq) is None:
                return 0
            return chains[-1].seq

    def keeps_all(self, terminal: SiteTerminal) -> bool:
        """Wait until the collector vouches for everything that a terminal recorded; returns whether it came to that."""
        return wait_for(lambda: self.kept(terminal) == terminal.backlog.last_seq())

    def alerts(self) -> Sequence[Alert]:
        """What stands open at the collector."""
        with closing(self._store()) as store:
            return store.alerts()

    def _typed(self, words: str, note: str) -> None:
        self._say(f"  $ {f'kazasu {words}':<{_COMMAND_WIDTH}} {note}".rstrip())

    def _store(self) -> SqliteStore:
        return SqliteStore(self.collector.store_file, make=False)

    def _build(self, stack: ExitStack) -> None:
        self.directory.mkdir(exist_ok=True)
        passphrase_file = self.directory / "passphrase"
        passphrase_file.touch(0o600)
        passphrase_file.write_text(PASSPHRASE)
        self.passphrase = ("--passphrase-file", passphrase_file)
        TIMESYNCD.parent.mkdir(parents=True, exist_ok=True)  # in the sandbox's own /run: a time server keeps the clock
        TIMESYNCD.touch()
        stack.callback(TIMESYNCD.unlink, missing_ok=True)
        issuer = JpkiIssuer()
        (self.directory / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.staff = staff_of(issuer)
        self._say(
            "A small site, run from a desk: two terminals, one broker, the collector beside it. What is typed ($), what"
        )
        self._say("people see (●) and hear (♪), what the lock does, what is recorded.\n")
        self._say(
            "The site is made, and two terminals join it with a bundle each. (Passphrases and codes come from files.)"
        )
        self._found(stack)
        self._join(stack)
        self._typed("run", "at each terminal")
        for terminal in self.terminals:
            stack.callback(terminal.daemon.kill)
            terminal.daemon.start()
        self._typed("collect", "beside the broker")
        self.collector = stack.enter_context(
            SiteCollector(
                self.directory / "collector",
                SITE,
                self.site.broker("collector"),
                key_file=self.site.key_file("collector"),
                terminals=self.site.file("terminals"),
            )
        )

    def _found(self, stack: ExitStack) -> None:
        """The desk's part, and the broker's."""
        named = ("--name", SITE, "--broker", "localhost", "--port", str(free_port()))
        self.types("site", "init", "site", *named, besides=self.passphrase, shows=("site is made",))
        self.site = open_site(self.directory / "site")
        for name in TERMINALS:
            besides = ("--code-file", self.directory / f"{name}.code", *self.passphrase)
            self.types("site", "add-terminal", name, besides=besides, shows=("bundle",))
        broker = self.directory / "broker"
        self.types(
            "site",
            "broker-config",
            besides=("--out", broker, "--installed", broker),
            shows=_NOTHING,
            note="its files go to the broker",
        )
        self.broker = stack.enter_context(SiteBroker(self.site, broker))

    def _join(self, stack: ExitStack) -> None:
        """The installers' part, at both terminals at once; the desk answers when both have asked."""
        pcscd = stack.enter_context(PrivatePcscd(self.directory / "pcscd", _PCSCD_PORT))
        with ExitStack() as waiting:
            asked = (Topics(SITE, "+").enrol_request,)
            ear = waiting.enter_context(exchanging(self.site.broker("operations"), "ear", asked))
            joining: list[Joining] = []
            for number, name in enumerate(TERMINALS):
                self._typed(f"setup --bundle {name}.bundle --answers answers.toml", f"at {name}")
                joining.append(
                    Joining(
                        name,
                        self.directory / f"t{number}",  # short: the path of a socket has 107 bytes at most
                        bundle=self.site.path / f"{name}.bundle",
                        code=self.directory / f"{name}.code",
                        reader=f"Virtual PCD ?? 0{number}",
                        jpki_ca=self.directory / "authca.pem",
                    )
                )
                waiting.callback(joining[-1].kill)
            if not all(ear.receive(_REQUEST_S) for _ in joining):
                raise RuntimeError("no terminal asked to be admitted")
            self.types("site", "accept", besides=self.passphrase, shows=("accepted",))
            for each in joining:
                each.end()
        self.terminals = tuple(
            SiteTerminal(name, each.config_file, stack.enter_context(Slot(port)))
            for name, each, port in zip(TERMINALS, joining, pcscd.ports, strict=True)
        )
