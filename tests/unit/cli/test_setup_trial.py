"""What was set up is tried: the doctor looks at it, and the service is started whatever he says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.configuration import SMALLEST
from kazasu.cli import EXIT_PROBLEM
from kazasu.cli.keygen import make_missing
from kazasu.cli.setup.plan import Plan
from kazasu.cli.setup.service import Service
from kazasu.cli.setup.trial import try_out
from kazasu.config import load
from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.systemctl import Systemctl

WITH_A_SITE = """
[mqtt]
host = "broker.example"
ca = "ca.pem"
certificate = "client.pem"
key = "client.key"

[site]
key = "site.pub"
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return written(tmp_path, SMALLEST)


def written(folder: Path, text: str) -> Plan:
    path = folder / "kazasu.toml"
    path.write_text(text.replace("[terminal]\n", f'[terminal]\nstate_dir = "{folder}"\n'))
    config = load(path)
    make_missing(config.keys, folder)
    return Plan(path, config, [], [])


def test_without_a_unit_the_doctor_looks_and_the_next_command_is_named(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert try_out(plan, None, None, play_cues=False) == EXIT_PROBLEM  # there is no pcscd
    said = capsys.readouterr().out
    assert "problem  " in said
    assert f"run the terminal          kazasu run --config {plan.path}" in said
    assert "collector" not in said.partition("Next:")[2]


def test_a_unit_that_runs_is_stopped_before_the_doctor_looks_and_started_again_once(
    plan: Plan, systemctl: Systemctl, capsys: pytest.CaptureFixture[str]
) -> None:
    systemctl.state("active")
    try_out(plan, Service("kazasu"), None, play_cues=False)
    asked = [line for line in systemctl.log.read_text().splitlines() if not line.startswith("is-active")]
    assert asked == ["stop kazasu", "enable --quiet kazasu", "restart kazasu"]
    said = capsys.readouterr().out
    assert said.index("stopping kazasu") < said.index("problem") < said.index("kazasu runs")
    assert "run the terminal" not in said


def test_a_unit_that_does_not_start_is_said_with_where_to_look(
    plan: Plan, systemctl: Systemctl, capsys: pytest.CaptureFixture[str]
) -> None:
    systemctl.fails_to("restart")
    assert try_out(plan, Service("kazasu"), None, play_cues=False) == EXIT_PROBLEM
    assert "kazasu did not start: `journalctl -u kazasu -n 20` says why" in capsys.readouterr().out


def test_what_was_stopped_is_started_again_though_the_trial_fails(plan: Plan, systemctl: Systemctl) -> None:
    systemctl.state("active")
    plan.path.write_text("[terminal")
    with pytest.raises(ConfigurationError):
        try_out(plan, Service("kazasu"), None, play_cues=False)
    assert systemctl.log.read_text().endswith("stop kazasu\nenable --quiet kazasu\nrestart kazasu\n")


@pytest.mark.parametrize("fails", [False, True])
def test_a_terminal_of_a_site_renews_each_day_or_is_told_that_it_does_not(
    tmp_path: Path, systemctl: Systemctl, capsys: pytest.CaptureFixture[str], fails: bool
) -> None:
    plan = written(tmp_path, SMALLEST + WITH_A_SITE)
    if fails:
        systemctl.fails_to("enable")
    try_out(plan, Service("kazasu"), None, play_cues=False)
    assert systemctl.log.read_text().endswith("enable --quiet --now kazasu-renew@kazasu.timer\n")
    said = capsys.readouterr().out
    assert ("certificates are not renewed by themselves" in said) == fails
    assert "the desk gives it to a person" in said
    assert "for the site's collector" not in said, "the desk has that key already"
