"""How long work reports where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One report of a running stage.

    Attributes:
        stage: what is being done, for a person: "Reading images"
        done: finished units
        total: all units of the stage; never less than ``done``
    """

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
"""Called at most once a batch, on the caller's thread. It may raise to cancel."""


def silent(progress: Progress) -> None:
    """The reporter that says nothing."""
