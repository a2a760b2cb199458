"""As much of a site's directory as a program needs that only reads along at a broker."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.broker import PrivateBroker


def reading_site(folder: Path, name: str, broker: PrivateBroker, client: str) -> Path:
    """Make one: its site.toml, the CA's certificate, and the client's own with its key."""
    files = broker.client(client)
    for part in ("clients", "keys/clients"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(files.ca_file, folder / "ca.pem")
    shutil.copyfile(files.certificate_file, folder / "clients" / f"{client}.pem")
    shutil.copyfile(files.key_file, folder / "keys" / "clients" / f"{client}.key")
    text = f'name = "{name}"\ntimezone = "Asia/Tokyo"\n[broker]\nhost = "localhost"\nport = {files.port}\n'
    (folder / "site.toml").write_text(text)
    return folder
