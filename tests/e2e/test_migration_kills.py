"""An upgrade that is killed at any write leaves the old journal whole, or the new one (strace kills it there)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fakes.journal import SIGNER
from kazasu.errors import JournalVersion
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.journal_file import JOURNAL

CHILD = Path(__file__).with_name("migrating_child.py")
TESTS = CHILD.parents[1]
VECTORS = TESTS / "vectors" / "stores"
STEPS = {
    2: "ALTER TABLE journal ADD COLUMN remark TEXT NOT NULL DEFAULT '';\nCREATE TABLE remark (words TEXT) STRICT;\n",
    3: "INSERT INTO remark SELECT CAST(body AS TEXT) FROM event;\nDROP TABLE remark;\n",
}
CALLS = ("pwrite64", "fdatasync", "ftruncate")
VERSIONS = {1, 3}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    shutil.copytree(JOURNAL.folder, folder)
    for number, statements in STEPS.items():
        (folder / f"journal_{number:04}.sql").write_text(statements, encoding="utf-8")
    return folder


def upgrade(path: Path, schema: Path, call: str, when: int) -> int:
    """Open it, killed at this call of its kind; returns the exit code."""
    command = ["strace", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "daemon")])}
    return subprocess.run([*command, sys.executable, str(CHILD), path, schema], check=False, env=environment).returncode


@pytest.mark.parametrize("call", CALLS)
def test_an_upgrade_killed_at_any_write_leaves_one_version_whole(tmp_path: Path, schema: Path, call: str) -> None:
    seen: dict[int, int] = dict.fromkeys(VERSIONS, 0)
    when = 0
    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        when += 1
        folder = tmp_path / f"{call}-{when}"
        folder.mkdir()
        for file in VECTORS.glob("journal_1_cut.db*"):
            shutil.copy(file, folder)
        path = folder / "journal_1_cut.db"
        code = upgrade(path, schema, call, when)
        with closing(sqlite3.connect(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            assert [row[0] for row in connection.execute("SELECT seq FROM event")] == [3, 4, 5, 6, 7, 8]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        seen[version] += 1  # no third version
        if version == 1:
            *_, progress = verify(path, Ed25519Verifier(SIGNER.public))
            assert progress.seq == 8
        else:
            with pytest.raises(JournalVersion):
                list(verify(path, Ed25519Verifier(SIGNER.public)))
        assert upgrade(path, schema, call, 10_000) == 0, "and the next start finishes it"
    assert code == 0
    assert when > 1
    assert seen[1] or call != "pwrite64", "no kill came before the commit: nothing was tested"
