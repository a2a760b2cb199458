"""What a site's mosquitto runs with: the shipped configuration and access list, with the site's own names in them.

The text is config/mosquitto's, which the demo and the tests run with, too; here it gets paths, the site's name, a
revocation list, the bundles that may knock, and at a large site another way of saving.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kazasu.enrolment.bundle import BOOTSTRAP
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kazasu.site.directory import Site

SHIPPED: Final = Path(__file__).with_name("mosquitto")
INSTALLED: Final = Path("/etc/mosquitto/kazasu")
PUBLIC: Final = 0o644
SECRET: Final = 0o600
SAVES_EACH_CHANGE: Final = 100
"""Up to so many terminals mosquitto follows when it writes its whole store at each change (decision 0028)."""


def configuration(changes: Mapping[str, str]) -> str:
    """Write the shipped configuration with other lines.

    Args:
        changes: lines that replace those with the same first word, or come on top.
    """
    return changed((SHIPPED / "kazasu.conf").read_text(encoding="utf-8"), changes)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Write a configuration with other lines; see `configuration`."""
    left = dict(changes)
    kept = [left.pop(line.split()[0], line) if line else line for line in text.splitlines()]
    return "\n".join([*kept, *left.values(), ""])


def saves_by_time(site: Site) -> bool:
    """Whether the site has so many terminals that its broker saves every other second, and not at each change."""
    return sum(record.state != "revoked" for record in site.terminals().values()) > SAVES_EACH_CHANGE


def files(site: Site, folder: Path = INSTALLED) -> dict[str, tuple[bytes, int]]:
    """Everything that the broker needs: content and mode, by name.

    Args:
        site: whose.
        folder: where they will lie on the broker's machine.

    Raises:
        OSError: a certificate or key of the broker's is missing.
    """
    changes = {
        "listener": f"listener {site.address.port}",
        "cafile": f"cafile {folder}/ca.pem",
        "certfile": f"certfile {folder}/broker.pem",
        "keyfile": f"keyfile {folder}/broker.key",
        "acl_file": f"acl_file {folder}/acl",
    }
    found = {
        "ca.pem": (site.file("ca.pem").read_bytes(), PUBLIC),
        "broker.pem": (site.certificate_file("broker").read_bytes(), PUBLIC),
        "broker.key": (site.key_file("clients/broker").read_bytes(), SECRET),
        "acl": (access_list(site).encode(), SECRET),
    }
    revoked = site.file("crl.pem")
    if revoked.exists():  # a CA elsewhere has one of its own
        changes["keyfile"] += f"\n# Certificates that were revoked: `kazasu site revoke`.\ncrlfile {folder}/crl.pem"
        found["crl.pem"] = (revoked.read_bytes(), PUBLIC)
    if saves_by_time(site):
        changes["autosave_on_changes"] = (
            f"# More than {SAVES_EACH_CHANGE} terminals: every other second.\nautosave_on_changes false"
        )
    return {"kazasu.conf": (configuration(changes).encode(), PUBLIC), **found}


def access_list(site: Site) -> str:
    """Write the shipped access list for this site alone, and with it who is invited."""
    shipped = (SHIPPED / "acl").read_text(encoding="utf-8").replace("kazasu/v1/+/", f"kazasu/v1/{site.name}/")
    patterns = [line.split()[-1] for line in shipped.splitlines() if line.startswith("pattern ")]
    return "\n".join([shipped.rstrip("\n"), *_invited(site, patterns), ""])


def _invited(site: Site, patterns: Sequence[str]) -> Iterator[str]:
    """Lines for each bundle that is open: it may ask and hear the answer, and nothing that terminals may.

    Patterns hold for everybody, so each of them is denied; mosquitto looks at denials first.
    """
    for record in site.terminals().values():
        if record.invitation is None or record.invitation.serial is None:
            continue
        bundle, own = BOOTSTRAP + record.id, Topics(site.name, record.id)
        yield ""
        yield f"# The bundle for {record.id}, until {record.invitation.expires:%Y-%m-%d %H:%M %Z}."
        yield f"user {bundle}"
        yield from (f"topic deny {pattern.replace('%u', bundle)}" for pattern in patterns)
        yield f"topic write {own.enrol_request}"
        yield f"topic read {own.enrol_reply}"
