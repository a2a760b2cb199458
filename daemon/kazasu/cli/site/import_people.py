"""Make roster/people.csv of what a personnel system exports as CSV, in Shift_JIS or UTF-8, with columns of its own.

A mapping file says which column is what:

    encoding = "shift_jis"          # or "utf-8"
    always = "staff"                # optional: levels of everybody
    [columns]
    cardholder = "職員番号"
    name = ["姓", "名"]
    level = "所属"                  # optional, with [levels]
    [levels]
    "情報政策課" = "it server-room"

Cards stay with whoever stands in people.csv already; who is in the export no longer is taken out. Day cards stay.
Publish it then: `kazasu site publish` shows what changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_site_argument, site_of
from kazasu.site.files_layer import layer_of
from kazasu.site.personnel import import_people

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("export", type=Path, metavar="FILE", help="what the personnel system wrote")
    parser.add_argument("--map", type=Path, required=True, metavar="MAPPING", help="which column is what; TOML")
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read, check, write."""
    site = site_of(arguments)
    folder = site.file("roster")
    folder.mkdir(exist_ok=True)
    with site.locked():
        _ = layer_of(site)  # people.csv is on no way to another one
        done = import_people(arguments.export, arguments.map, folder / "people.csv", site.pool)
    print(f"{done.people} people: {done.joined} joined, {done.left} left, {done.without_card} have no card yet")
    print("next: kazasu site publish")
    return EXIT_OK
