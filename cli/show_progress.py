"""How far a command is: bars on a terminal, a line a stage anywhere else."""

import sys
from collections.abc import Callable

from core.progress import Progress


def on_terminal() -> bool:
    """Returns True if a person watches standard output, where bars can be redrawn."""
    return sys.stdout.isatty()


def bars_or_lines() -> bool | Callable[[Progress], None]:
    """Returns what operators take as ``progress``."""
    return True if on_terminal() else _line_a_stage()


def _line_a_stage() -> Callable[[Progress], None]:
    said = ""

    def say(progress: Progress) -> None:
        nonlocal said
        if progress.stage != said:
            said = progress.stage
            print(f"{said} ...", flush=True)

    return say
