"""How far a command is: bars on a terminal, a line a stage anywhere else."""

import sys
from collections.abc import Callable

from core.progress import Progress


def on_terminal() -> bool:
    """Returns True if a person watches standard output, where bars can be redrawn."""
    return sys.stdout.isatty()


def bars_or_lines() -> bool | Callable[[Progress], None]:
    """Returns what operators take as ``progress``."""
    return True if on_terminal() else _one_line_per_stage()


def _one_line_per_stage() -> Callable[[Progress], None]:
    printed = ""

    def print_stage(progress: Progress) -> None:
        nonlocal printed
        if progress.stage != printed:
            printed = progress.stage
            print(f"{printed} ...", flush=True)

    return print_stage
