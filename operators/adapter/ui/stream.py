"""Runs a long job for the App: progress, a result card, errors that are seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.common.text import escape_markdown
from ....core.errors import CurationError
from ....core.progress import OnProgress, Progress
from .progress import steps

_REPORT_SECONDS = 0.3


class Outcome(Protocol):
    """What a job ends with: something to show on a card."""

    def to_markdown(self) -> str: ...


def stream(
    ctx: foo.ExecutionContext, work: Callable[[OnProgress], Outcome]
) -> Iterator[Any]:
    """Yields what an ``execute()`` generator sends to the App.

    Delegated runs have no App: their progress goes to the run's document.
    """
    job = steps(work)
    last = 0.0
    try:
        while True:
            progress = next(job)
            ended = progress.done >= progress.total
            if ended or time.monotonic() - last > _REPORT_SECONDS:
                last = time.monotonic()
                yield from _show_progress(ctx, progress)
    except StopIteration as finished:
        if not ctx.delegated:
            yield _card(ctx, finished.value.to_markdown())
            yield ctx.ops.reload_dataset()
    # All kinds: the App shows nothing of an exception that leaves a generator
    except Exception as error:
        if not ctx.delegated:
            text = str(error) if isinstance(error, CurationError) else repr(error)
            yield ctx.ops.notify(text, variant="error")
            yield _card(ctx, escape_markdown(text))
        raise
    finally:
        job.close()


def _show_progress(ctx: foo.ExecutionContext, progress: Progress) -> Iterator[Any]:
    share = progress.done / max(1, progress.total)
    label = f"{progress.stage}: {progress.done:,} of {progress.total:,}"
    if ctx.delegated:
        ctx.set_progress(progress=share, label=label)
    else:
        yield ctx.ops.set_progress(progress=share, label=label)


def _card(ctx: foo.ExecutionContext, text: str) -> Any:
    """Replaces the progress bar, which would stay at 100 % for ever."""
    card = text_output()
    return ctx.ops.show_output(outputs=card.to_json(), results={"text": text})


def text_output() -> types.Property:
    """Returns the form of a result that is Markdown under the name ``text``."""
    outputs = types.Object()
    outputs.str("text", view=types.MarkdownView())
    return types.Property(outputs)
