"""Opens a journal as a Kazasu to come, for the test that kills it meanwhile: python migrating_child.py PATH SCHEMA."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from fakes.journal import SIGNER
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.journal_file import JOURNAL, Owner, open_journal

path, folder = Path(sys.argv[1]), Path(sys.argv[2])
schema = msgspec.structs.replace(JOURNAL, version=len(list(folder.glob("journal_*.sql"))), folder=folder)
owner = Owner(site="city", terminal="front", verifier=Ed25519Verifier(SIGNER.public))
open_journal(path, owner, None, schema).connection.close()
