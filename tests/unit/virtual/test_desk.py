"""A command that is typed in this process: where, what it printed, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_CONFIGURATION, EXIT_OK, EXIT_USAGE
from kazasu.virtual.desk import typed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_all_that_a_command_prints_is_heard_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = typed("setup", "--print-answers", "--config", tmp_path / "kazasu.toml")
    assert code == EXIT_OK
    assert lines[0] == "# Answers for `kazasu setup --answers FILE`. Relative paths begin in this file's folder."
    assert capsys.readouterr() == ("", "")


def test_it_is_typed_in_the_folder_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    code, lines = typed("check-config", "--config", "empty.toml", at=tmp_path)
    assert code == EXIT_CONFIGURATION
    assert lines[0].startswith("kazasu check-config: empty.toml: the table [terminal] is missing")


def test_wrong_usage_is_an_exit_code_too() -> None:
    code, lines = typed("keygen", "--louder")
    assert code == EXIT_USAGE
    assert lines[-1] == "kazasu keygen: error: unrecognized arguments: --louder"
