"""What a restart would need is tried before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazasu.app.powers import Process
from kazasu.store.keys import generate_pepper, generate_signer, write_public

EXAMPLE = """
[terminal]
site = "city"
id = "front"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.attendance]
[outputs]
driver = "terminal"
[collector]
key = "collector.pub"
[site]
key = "site.pub"
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir(mode=0o700)
    signer = generate_signer(tmp_path / "keys" / "event.key")
    generate_pepper(tmp_path / "keys" / "pepper.key")
    for name in ("collector.pub", "site.pub"):
        write_public(tmp_path / name, signer)
    path = tmp_path / "kazasu.toml"
    path.write_text(EXAMPLE)
    return path


def test_nothing_is_wrong_with_what_a_start_would_take(config_file: Path) -> None:
    assert Process(config_file).reload() == ""


@pytest.mark.parametrize("name", ["keys/event.key", "keys/pepper.key", "collector.pub", "site.pub", "kazasu.toml"])
def test_a_file_that_is_gone_is_named(config_file: Path, name: str) -> None:
    (config_file.parent / name).unlink()
    assert Path(name).name in Process(config_file).reload()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[collector]", "[colector]", "kazasu.toml:12: colector: unknown"),
        ('driver = "terminal"', 'driver = "terminal"\ncues = "none.toml"', "none.toml: cannot be read"),
    ],
)
def test_a_mistake_is_told_with_its_place(config_file: Path, old: str, new: str, said: str) -> None:
    config_file.write_text(EXAMPLE.replace(old, new))
    assert said in Process(config_file).reload()
