"""Puts a file that is written in the place of an older one."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import InputError

_WAITS = (0.0, 0.1, 0.4, 1.0)
"""Seconds before each try: on Windows a virus scanner opens what was just written."""


def put_in_place(part: Path, path: Path) -> None:
    """Renames a file that is whole to its name; readers see the old one or the new.

    Raises:
        InputError: the old file cannot be replaced, such as one that is open in
            another program on Windows; the new one is removed
    """
    for wait in _WAITS:
        time.sleep(wait)
        try:
            part.replace(path)
        except PermissionError as error:
            problem = error.strerror
        else:
            return
    part.unlink(missing_ok=True)
    raise InputError(
        f"{path} cannot be replaced ({problem}). Close it where it is open, or choose "
        "another folder."
    )
