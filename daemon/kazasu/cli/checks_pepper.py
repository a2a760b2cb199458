"""What `kazasu doctor` says of the pepper: how many layers are here, and whether the site has one more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.app.cards import pepper_of
from kazasu.cli.finding import Finding, Grade
from kazasu.errors import SignatureInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config


def check_pepper(config: Config) -> Iterator[Finding]:
    """Look at the pepper that is here.

    Raises:
        KeyMaterialError: it cannot be used.
    """
    pepper = pepper_of(config)
    layers = f", {len(pepper.layers)} layers, the newest {pepper.newest}" if len(pepper.layers) > 1 else ""
    yield Finding(Grade.OK, "pepper", f"{config.keys.pepper}{layers}")


def check_announced(config: Config, payload: bytes) -> Iterator[Finding]:
    """Compare it with what the site says there is, which is untrusted.

    Raises:
        KeyMaterialError: the pepper or the site's key cannot be used.
    """
    from kazasu.enrolment.layers import layers_in
    from kazasu.store.keys import load_verifiers

    if config.site is None:
        return
    try:
        newest = layers_in(payload, config.terminal.site, *load_verifiers(config.site.key))[-1]
    except SignatureInvalid as error:
        yield Finding(Grade.NOTE, "pepper", f"what the broker says of its layers is not the site's: {error}")
        return
    if newest not in pepper_of(config).ids:
        todo = "`sudo kazasu renew` asks for it, and `kazasu site accept` at the desk gives it"
        yield Finding(Grade.NOTE, "pepper", f"the site has a newer layer of it, {newest}, which is not here yet", todo)
