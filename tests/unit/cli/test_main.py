"""What every command has in common: arguments, exit codes, and no traceback for what can be expected."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kazasu.cli import EXIT_PROBLEM, EXIT_USAGE, main, number_of_seconds, whole_number
from kazasu.virtual.desk import at_a_terminal
from kazasu.virtual.site import make_site

NOBODY = 65_534

CONFIG = """
[terminal]
site = "demo"
id = "entrance-1"
state_dir = "{state}"
[keys]
event = "{state}/event.key"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.attendance]
[outputs]
driver = "terminal"
[collector]
present = false
"""


@pytest.mark.parametrize("text", ["0.5", "30", "3600"])
def test_a_wait_is_a_number_of_seconds(text: str) -> None:
    assert number_of_seconds(text) == float(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "3601", "soon", ""])
def test_a_wait_that_would_never_end_or_never_begin_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["identify", "--wait", text])
    assert ended.value.code == EXIT_USAGE
    assert "no number of seconds, such as 30" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-5", "1.5", "²", "all"])
def test_a_count_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["journal", "list", "--last", text])
    assert ended.value.code == EXIT_USAGE
    assert "no whole number, such as 20" in capsys.readouterr().err


def test_a_count_may_be_zero() -> None:
    assert whole_number("0") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jurnal"], "did you mean journal?"),
        (["melon"], "`kazasu --help` lists them"),
        (["--verbose"], "there is no command '--verbose'"),
        (["roster", "remove", "1001"], "'1001' is no credential"),
        (["cue", "play", "party"], "'granted'"),
        (["enroll", "1", "a", "--valid-from", "1.4.2026"], "'1.4.2026' is no date, such as 2026-04-01"),
    ],
)
def test_a_mistake_in_a_command_is_said_in_words(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == EXIT_USAGE
    assert said in capsys.readouterr().err


def test_help_does_not_import_what_only_measures_a_terminal() -> None:
    program = "import sys, kazasu.cli as cli; cli._formatter('kazasu'); print('shutil' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_name_that_the_locale_cannot_write_does_not_end_a_command(tmp_path: Path) -> None:
    config = tmp_path / "kazasu.toml"
    config.write_text(CONFIG.format(state=tmp_path / "状態"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "kazasu", "check-config", "--config", str(config)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u72b6\u614b" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_this_user_may_not_see_is_no_traceback() -> None:
    """State and keys are in folders that only the daemon may enter."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # which pytest's own are not
        state = Path(directory) / "state"
        state.mkdir(mode=0o700)
        config = Path(directory) / "kazasu.toml"
        config.write_text(CONFIG.format(state=state))
        for words in (["doctor"], ["journal", "list"], ["keygen"]):
            done = subprocess.run(
                [sys.executable, "-m", "kazasu", *words, "--config", str(config)],
                capture_output=True,
                text=True,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                check=False,
            )
            assert done.returncode == EXIT_PROBLEM, done
            assert "Traceback" not in done.stderr
            assert "with sudo" in done.stdout + done.stderr


def test_nobody_looks_for_garbage_in_what_a_command_is_made_of() -> None:
    program = """
import gc
from kazasu.cli import main
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase))
try:
    main(["journal", "--help"])
except SystemExit:
    print(len(looks) < 20, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "True True True"


def test_a_full_disk_under_what_is_printed_is_said(tmp_path: Path) -> None:
    make_site(tmp_path / "site")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kazasu", "site", "list", "--site", tmp_path / "site"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == EXIT_PROBLEM
    assert done.stderr == ("kazasu site: what was to be written: No space left on device; make room, and call again\n")


def test_a_question_that_is_left_with_ctrl_d_ends_the_command(tmp_path: Path) -> None:
    make_site(tmp_path / "site")
    command = [sys.executable, "-m", "kazasu", "site", "revoke", "gate", "--site", str(tmp_path / "site")]
    code, shown = at_a_terminal(command, "\x04", asks=b"Passphrase of the site")
    assert (code, "Traceback" in shown) == (EXIT_PROBLEM, False)
    assert "kazasu site: nobody answered what was asked, so nothing more was done" in shown
