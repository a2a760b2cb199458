"""A process with a journal, for the tests that break the disk under it or kill it.

    python journal_child.py PATH          answers one JSON line to each line on its standard input
    python journal_child.py PATH loop     appends for ever, printing each acknowledged number

Commands: `open`, `append`, `idle`, `recent`, `verify`, `close`, and `sh` with a shell command, which runs in the same
mount namespace.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.errors import KazasuError
from kazasu.model.event import Draft
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.journal import Journal


class Child:
    """Carries out the commands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clock = FakeClock()
        self.journal: Journal | None = None

    def open(self) -> dict[str, object]:
        self.journal = Journal(self._path, "city", "front", SIGNER, max_events=1_000_000, keep_s=0, collector=True)
        return {"epoch": self.journal.epoch, "seq": self.journal.seq}

    def append(self) -> dict[str, object]:
        assert self.journal is not None
        self._clock.advance(1)
        draft = Draft(
            event_type="attendance.in", moment=self._clock.now(), fields={"reader": "front", "credential": "a" * 32}
        )
        return {"seq": self.journal.append(draft).seq}

    def idle(self) -> dict[str, object]:
        assert self.journal is not None
        self.journal.idle()
        return {}

    def recent(self) -> dict[str, object]:
        assert self.journal is not None
        return {"seqs": [event.seq for event in self.journal.recent(10**6)]}

    def verify(self) -> dict[str, object]:
        *_, last = verify(self._path, Ed25519Verifier(SIGNER.public))
        return {"seq": last.seq, "count": last.count}

    def close(self) -> dict[str, object]:
        assert self.journal is not None
        self.journal.close()
        return {}

    def sh(self, command: str) -> dict[str, object]:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        return {"rc": done.returncode, "out": done.stdout + done.stderr}


def main() -> None:
    child = Child(Path(sys.argv[1]))
    if sys.argv[2:] == ["loop"]:
        child.open()
        while True:
            print(child.append()["seq"], flush=True)  # noqa: T201
            if child.journal is not None and child.journal.seq % 50 == 0:
                child.journal.idle()
    for line in sys.stdin:
        name, *rest = json.loads(line)
        try:
            answer = getattr(child, name)(*rest)
        except KazasuError as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201


main()
