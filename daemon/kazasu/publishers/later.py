"""A module of the standard library that is imported only when something of it is asked for.

paho imports urllib.request, to look for a proxy where PySocks is installed, which no package of ours brings; with it
come http, email, tempfile and what these need: 1.4 MB, and more time than paho itself takes.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Later(types.ModuleType):
    """Stands for a module, and imports it to answer for it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def later(package: types.ModuleType, name: str) -> Iterator[None]:
    """Let what is imported meanwhile see a package's module that is not imported yet; what is there already stays.

    Args:
        package: imported.
        name: of the module in it.
    """
    full_name = f"{package.__name__}.{name}"
    if hasattr(package, name):  # it, or from the first time what stands for it
        yield
        return
    stands_for = _Later(full_name)
    sys.modules[full_name] = stands_for
    setattr(package, name, stands_for)
    try:
        yield
    finally:
        if sys.modules.get(full_name) is stands_for:
            del sys.modules[full_name]
