"""One terminal to one state: of two that write one journal neither could record any more."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from kazasu.errors import KazasuError
from kazasu.store.durable import make_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def alone(state_dir: Path) -> Iterator[None]:
    """Be the only one that runs with a state; it ends with the process, however that ends.

    Args:
        state_dir: made if it is missing. One that cannot be made or opened is the journal's to tell: nobody gets green
            (design, rule 1).

    Raises:
        KazasuError: another runs with it.
    """
    with contextlib.suppress(OSError):
        make_directory(state_dir)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
            descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise KazasuError(
                    f"a terminal runs with {state_dir} already, and two would put its journal out of order: end that"
                    " one first, such as with `systemctl stop kazasu`"
                ) from error
        yield
