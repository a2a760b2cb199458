"""Files that an installer brings along (certificates, keys, pepper): which can be taken, and what is proposed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazasu.cli.setup import files
from kazasu.cli.setup.place import value_at
from kazasu.cli.setup.question import NONE, Wrong
from kazasu.model.configuration import Keys
from kazasu.store.keys import pepper_in, verifier_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.cli.setup.place import Place
    from kazasu.cli.setup.question import Answer, Answers

NEW = "new"
"""The answer where the site has no pepper yet."""

KEEP = "keep"
"""The answer where this terminal has its pepper already."""

PEPPER = Keys().pepper


def check_jpki_ca(answer: list[str], _answers: Answers, place: Place) -> None:
    """Certificates, each of a CA, under different names."""
    from kazasu.cards.certificates import TrustedIssuers

    paths = [place.path(each) for each in answer]
    TrustedIssuers.load(paths)
    if len({path.name for path in paths}) != len(paths):
        raise Wrong("two of the files have the same name")


def check_broker_ca(answer: str, _answers: Answers, place: Place) -> None:
    """A CA's certificate, which counts now."""
    files.check_ca(place.path(answer), datetime.now(UTC))


def check_client_certificate(answer: str, answers: Answers, place: Place) -> None:
    """Issued for this terminal, and counts now."""
    files.check_client_certificate(place.path(answer), answers.get("terminal", ""), datetime.now(UTC))


def check_client_key(answer: str, answers: Answers, place: Place) -> None:
    """The key to the certificate, where that is known."""
    certificate = answers.get("client_certificate")
    files.check_client_key(place.path(answer), None if certificate is None else place.path(certificate))


def check_public_key(answer: str, _answers: Answers, place: Place) -> None:
    """A public key."""
    if answer != NONE:
        path = place.path(answer)
        verifier_in(files.read(path, "public key"), path)


def pepper_path(folder: Path, document: Mapping[str, Any]) -> Path:
    """Where a configuration's pepper is."""
    return folder / (value_at(document, ("keys", "pepper")) or PEPPER)


def state_dir_of(answers: Answers) -> Path:
    """Where journal and roster are; somewhere without any if that answer was refused."""
    return Path(answers.get("state_dir", os.devnull))


def check_pepper(answer: str, answers: Answers, place: Place) -> None:
    """The site's, and no other than the one that is there: the cards that are enrolled here hang on it."""
    there = pepper_path(place.folder, place.present)
    if answer == KEEP:
        if not there.exists():
            raise Wrong(f"there is no pepper yet in {there}")
        return
    if answer == NEW:
        if there.exists():
            raise Wrong(f"there is a pepper already, {there}: keep it, or move it away first")
        roster = state_dir_of(answers) / "roster.db"
        if roster.exists():
            raise Wrong(f"cards are enrolled here, in {roster}, under a pepper that is missing: bring it back")
        return
    path = place.path(answer)
    pepper = pepper_in(files.read(path, "pepper"), path)
    if not there.exists():
        return
    layers = pepper_in(files.read(there, "pepper"), there).layers
    if pepper.layers[: len(layers)] != layers:
        raise Wrong(
            f"{there} holds another pepper, or more layers of it, under which cards may be enrolled here: keep it, or"
            " move it away first"
        )


def default_jpki_ca(_answers: Answers, place: Place) -> Answer | None:
    """What lies where it belongs already."""
    return [str(path) for path in sorted((place.folder / "jpki-ca").glob("*.pem"))] or None


def default_pepper(_answers: Answers, place: Place) -> Answer:
    """All terminals of a site have the same."""
    if pepper_path(place.folder, place.present).exists():
        return KEEP
    others = [pepper_path(*neighbour) for neighbour in place.neighbours]
    return next((str(path) for path in others if path.exists()), NEW)


def there(path: str) -> Callable[[Answers, Place], Answer | None]:
    """A file that lies where it belongs already."""
    return lambda _, place: str(place.folder / path) if (place.folder / path).exists() else None
