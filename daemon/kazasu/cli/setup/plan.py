"""What a setup is going to write, and the writing of it: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from kazasu.cli import DEFAULT_CONFIG
from kazasu.cli.keygen import make_missing
from kazasu.cli.setup import configuration_text
from kazasu.cli.setup.answers import brought, document, notes
from kazasu.cli.setup.files import PUBLIC, NewFile, install, make_folders, old, signals_held
from kazasu.config import parse
from kazasu.errors import KeyMaterialError
from kazasu.store.keys import load_pepper, load_signer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.cli.setup.enrolment import Enrolment
    from kazasu.cli.setup.place import Place
    from kazasu.model.configuration import Config

_USER = "kazasu"
_WIDTH, _INDENT = 79, 11  # as keygen's lines


class Plan(NamedTuple):
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


def plan_of(path: Path, answers: dict[str, Any], place: Place) -> Plan:
    """Make a configuration of answers that were checked.

    Raises:
        KazasuError: what only shows now.
    """
    text = configuration_text.write(document(answers, place)).encode()
    config = parse(text, path)
    _check_keys(config)
    return Plan(path, config, [*brought(answers, place), NewFile(path, text, PUBLIC)], list(notes(config, place)))


def account(plan: Plan) -> Iterator[str]:
    """What becomes of which file, and what is better looked at twice; a line each."""
    for file in plan.files:
        yield _fate(file)
    for note in plan.notes:
        yield from textwrap.wrap(note, _WIDTH, initial_indent="note".ljust(_INDENT), subsequent_indent=" " * _INDENT)


def carry_out(plan: Plan, enrolment: Enrolment) -> None:
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
