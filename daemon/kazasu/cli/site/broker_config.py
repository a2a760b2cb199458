"""Write what the site's mosquitto runs with: TLS, access list, persistence, and the certificates that were revoked.

Run it again after `add-terminal`, after `revoke` and after `renew`, and bring the files to the broker. A restart of
mosquitto, and no reload, ends the connection of who was revoked; nothing is lost by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_site_argument, site_of
from kazasu.errors import KeyMaterialError
from kazasu.site.broker_files import INSTALLED, files, saves_by_time
from kazasu.site.directory import replace_file

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--out", type=Path, default=Path("mosquitto"), metavar="DIR", help="where to; default: ./%(default)s"
    )
    parser.add_argument(
        "--installed",
        type=Path,
        default=INSTALLED,
        metavar="DIR",
        help="where the files will lie on the broker's machine; default: %(default)s",
    )
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the files."""
    site = site_of(arguments)
    try:
        content = files(site, arguments.installed)
        arguments.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise KeyMaterialError(f"{error.filename}: {error.strerror}") from error
    for name, (what, mode) in content.items():
        replace_file(arguments.out / name, what, mode)
        print(f"written  {arguments.out / name}")
    print(f"saves    {'every other second' if saves_by_time(site) else 'at each change'} (decision 0028)")
    print("\nOn the broker's machine, as root:")
    print(f"  install -D -m 644 -t /etc/mosquitto/conf.d {arguments.out}/kazasu.conf")
    print(f"  install -d -m 750 -o root -g mosquitto {arguments.installed}")
    others = " ".join(f"{arguments.out}/{name}" for name in content if name != "kazasu.conf")
    print(f"  install -m 640 -o root -g mosquitto -t {arguments.installed} {others}")
    print("  systemctl restart mosquitto")
    return EXIT_OK
