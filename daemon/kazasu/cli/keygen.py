"""Make this terminal's event key and, if the site has none yet, its pepper; nothing is ever overwritten.

The public key is written beside the configuration: the collector and the auditor need it. The pepper is the
same on every terminal of a site: make it on the first one and copy it to the others before anybody is enrolled there.

--card-key makes a symmetric key that cards prove to hold, or the next version of one that is there: cards with the old
version still work, and new cards get the new one. The cards' issuer needs it too; it is in the file, and shown nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.config import load
from kazasu.store.card_keys import LENGTHS, generate_card_key
from kazasu.store.keys import generate_pepper, generate_signer, load_pepper, load_signer, write_public

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from kazasu.model.configuration import Keys


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--card-key", metavar="NAME", help="make this key, or its next version, and nothing else")
    parser.add_argument(
        "--bits", type=int, choices=[8 * length for length in LENGTHS], default=128, help="default: 128"
    )
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Make what is missing."""
    keys = load(arguments.config).keys
    if arguments.card_key is None:
        make_missing(keys, arguments.config.parent)
    else:
        keys.cards.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        version = generate_card_key(keys.cards, arguments.card_key, arguments.bits // 8)
        print(f"card key   {keys.cards}: {arguments.card_key}, version {version}: made")
    return EXIT_OK


def make_missing(keys: Keys, folder: Path) -> None:
    """Make the keys that are not there yet, and say so.

    Args:
        keys: where they belong.
        folder: the configuration's; the public key goes there.

    Raises:
        KeyMaterialError: one that is there cannot be used, or a new one cannot be written.
    """
    public = folder / "event.pub.pem"
    for private in {keys.event.parent, keys.pepper.parent}:
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    if keys.event.exists():
        signer = load_signer(keys.event)
        print(f"event key  {keys.event}: kept")
    else:
        signer = generate_signer(keys.event)
        print(f"event key  {keys.event}: made")
    if not public.exists():
        write_public(public, signer)
    print(f"public key {public}: for the collector; key id {signer.keyid}")
    if keys.pepper.exists():
        load_pepper(keys.pepper)
        print(f"pepper     {keys.pepper}: kept")
    else:
        generate_pepper(keys.pepper)
        print(f"pepper     {keys.pepper}: made; if the site has one already, put that one in its place now")
