"""Debian's own Python packages, for what few need and the package of Kazasu does not carry."""

from __future__ import annotations

import sys

_PACKAGES = "/usr/lib/python3/dist-packages"


def see_debian() -> None:
    """Let Debian's own packages be found, behind all others.

    Only where the Python is Debian's, for which they were built.
    """
    if sys.base_prefix == "/usr" and _PACKAGES not in sys.path:
        sys.path.append(_PACKAGES)
