"""The small display of a running terminal: what a person sees of their tap, and what a tap loses without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


def test_a_person_reads_their_masked_name_and_own_punch_and_then_it_is_gone(tmp_path: Path) -> None:
    page = tmp_path / "display.html"
    settings = f'[display]\nkind = "html"\npage = "{page}"\nlanguage = "en"\n'

    def rows() -> list[str]:
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        return text.partition('<pre role="status">')[2].partition("</pre>")[0].split("\n")

    with Stage(tmp_path / "stage", settings) as stage, stage.daemon:
        stage.tap(stage.staff[0].card)
        assert stage.daemon.wait_for(lambda: rows()[:2] == ["Recorded", "山田 〇子"] and rows()[2].endswith(" In"))
        stage.tap(stage.stranger)
        assert stage.daemon.wait_for(lambda: rows() == ["Not accepted", "", "Unknown card", "Have it enrolled"])
        assert "山田" not in page.read_text(encoding="utf-8")
    assert rows() == ["", "", "", ""]  # what stood there last is nobody's business


@pytest.mark.rule(2)
def test_a_panel_that_is_not_there_takes_nothing_from_a_tap(tmp_path: Path) -> None:
    with Stage(tmp_path / "stage", '[display]\nkind = "ssd1306"\nport = 99\n') as stage, stage.daemon:
        stage.tap(stage.staff[0].card)
        assert stage.daemon.wait_for(lambda: stage.daemon.greens() == 1)
        assert stage.daemon.terminate() == 0
    assert "display_lost" in stage.daemon.log_file.read_text(encoding="utf-8")
