"""Runs a long job for the App: progress, what came of it, errors that are seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.common.text import escape_markdown
from ....core.errors import CurationError
from ....core.progress import OnProgress, Progress
from .panel_jobs import (
    Notice,
    begin,
    end,
    is_asking,
    is_job_of_panel,
    leave_notice,
    show_at_work,
)
from .progress import steps

_REPORT_SECONDS = 0.3


class Outcome(Protocol):
    """What a job ends with: something to show on a card, or in the panel."""

    def summary(self) -> str: ...

    def details(self) -> Iterable[str]: ...

    def to_markdown(self) -> str: ...


class _Screen(Protocol):
    """Where a person sees a job: what each part of it sends to the App.

    Attributes:
        raises: whether an error goes on to the App once it was shown
    """

    raises: bool

    def progress(self, progress: Progress) -> Iterator[Any]: ...

    def done(self, outcome: Outcome) -> Iterator[Any]: ...

    def failed(self, text: str) -> Iterator[Any]: ...

    def close(self) -> None: ...


def stream(
    ctx: foo.ExecutionContext, work: Callable[[OnProgress], Outcome]
) -> Iterator[Any]:
    """Yields what an ``execute()`` generator sends to the App.

    Nothing is done for a form of the panel: it calls again to do it.
    """
    if is_asking(ctx):
        return
    screen = _screen_of(ctx)
    job = steps(work)
    last = 0.0
    try:
        while True:
            progress = next(job)
            ended = progress.done >= progress.total
            if ended or time.monotonic() - last > _REPORT_SECONDS:
                last = time.monotonic()
                yield from screen.progress(progress)
    except StopIteration as finished:
        yield from screen.done(finished.value)
    # All kinds: the App shows nothing of an exception that leaves a generator
    except Exception as error:
        text = str(error) if isinstance(error, CurationError) else repr(error)
        yield from screen.failed(text)
        if screen.raises:
            raise
    finally:
        job.close()
        screen.close()


def _screen_of(ctx: foo.ExecutionContext) -> _Screen:
    if ctx.delegated:
        return _Document(ctx)
    return _Panel(ctx) if is_job_of_panel(ctx) else _Dialog(ctx)


class _Dialog:
    """The App's dialog: a bar, then a card that wants to be closed."""

    raises = True

    def __init__(self, ctx: foo.ExecutionContext) -> None:
        self._ctx = ctx

    def progress(self, progress: Progress) -> Iterator[Any]:
        yield self._ctx.ops.set_progress(
            progress=_share(progress), label=_label(progress)
        )

    def done(self, outcome: Outcome) -> Iterator[Any]:
        yield self._card(outcome.to_markdown())
        yield self._ctx.ops.reload_dataset()

    def failed(self, text: str) -> Iterator[Any]:
        yield self._ctx.ops.notify(text, variant="error")
        yield self._card(escape_markdown(text))

    def close(self) -> None:
        """Leaves the card: the person closes it."""

    def _card(self, text: str) -> Any:
        """Replaces the progress bar, which would stay at 100 % for ever."""
        card = text_output()
        return self._ctx.ops.show_output(outputs=card.to_json(), results={"text": text})


class _Panel:
    """Our panel, which looks every other second."""

    # The App would put it in place of the panel
    raises = False

    def __init__(self, ctx: foo.ExecutionContext) -> None:
        self._ctx = ctx
        begin(ctx.dataset)

    def progress(self, progress: Progress) -> Iterator[Any]:
        show_at_work(self._ctx.dataset, progress)
        # A connection on which nothing comes for a while is cut by proxies
        yield self._ctx.ops.console_log(_label(progress))

    def done(self, outcome: Outcome) -> Iterator[Any]:
        notice = Notice(outcome.summary(), tuple(outcome.details()))
        leave_notice(self._ctx.dataset, notice)
        yield self._ctx.ops.reload_dataset()

    def failed(self, text: str) -> Iterator[Any]:
        leave_notice(self._ctx.dataset, Notice(text, failed=True))
        yield self._ctx.ops.notify(text, variant="error")

    def close(self) -> None:
        end(self._ctx.dataset)


class _Document:
    """The document of a queued run: there is no App."""

    raises = True

    def __init__(self, ctx: foo.ExecutionContext) -> None:
        self._ctx = ctx

    def progress(self, progress: Progress) -> Iterator[Any]:
        self._ctx.set_progress(progress=_share(progress), label=_label(progress))
        yield from ()

    def done(self, outcome: Outcome) -> Iterator[Any]:
        yield from ()

    def failed(self, text: str) -> Iterator[Any]:
        yield from ()

    def close(self) -> None:
        """There is nothing to close."""


def _share(progress: Progress) -> float:
    return progress.done / max(1, progress.total)


def _label(progress: Progress) -> str:
    return f"{progress.stage}: {progress.done:,} of {progress.total:,}"


def text_output() -> types.Property:
    """Returns the form of a result that is Markdown under the name ``text``."""
    outputs = types.Object()
    outputs.str("text", view=types.MarkdownView())
    return types.Property(outputs)
