"""What the grid shows because of the panel, so that the panel can say it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo

from ..adapter.dataset.internals import serialized_stages

OWN = "a view of your own"
_SECONDS_TO_FOLLOW = 5
"""The App takes a while to show a view; until then, events carry the old one."""


def show(ctx: foo.ExecutionContext, view: fo.DatasetView, words: str) -> None:
    """Puts a view into the grid and remembers what it is called."""
    ctx.ops.set_view(view=view)
    _remember(ctx, words, serialized_stages(view))


def show_all(ctx: foo.ExecutionContext) -> None:
    """Puts all images into the grid."""
    ctx.ops.clear_view()
    _remember(ctx, None, [])


def shown(ctx: foo.ExecutionContext) -> str | None:
    """Returns what the grid shows, in words; None for all images."""
    if is_ours(ctx):
        words: str | None = ctx.panel.get_state("grid")["words"]
        return words
    return OWN if _stages(ctx) or ctx.request_params.get("view_name") else None


def is_ours(ctx: foo.ExecutionContext) -> bool:
    """True if the grid still shows what the panel put there last."""
    grid = ctx.panel.get_state("grid")
    if not grid or ctx.request_params.get("view_name"):
        return False
    now = _digest(_stages(ctx))
    fresh = time.time() - grid["at"] < _SECONDS_TO_FOLLOW
    return bool(now == grid["is"] or (fresh and now == grid["was"]))


def _remember(
    ctx: foo.ExecutionContext, words: str | None, stages: Sequence[Any]
) -> None:
    was = _digest(_stages(ctx))
    grid = {"words": words, "is": _digest(stages), "was": was, "at": time.time()}
    ctx.panel.set_state("grid", grid)


def _stages(ctx: foo.ExecutionContext) -> Sequence[Any]:
    return ctx.request_params.get("view") or []


def _digest(stages: Sequence[Any]) -> str:
    """Returns a short text that is the same for the same stages."""
    plain = [[stage.get("_cls"), stage.get("kwargs")] for stage in stages]
    text = json.dumps(plain, sort_keys=True, default=str)
    # A browser sends 10.0 back as 10
    same = json.loads(text, parse_int=float)
    text = json.dumps(same)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
