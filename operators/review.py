"""Hands the panel's review what it goes through; the person decides there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import TableResult
from ..core.errors import InputError
from ..core.progress import silent
from .adapter.runs.reapply import reapply_if_scanned
from .adapter.runs.run_record import complete_run
from .adapter.ui.surface import Operator, keywords
from .adapter.views.queries import SampleQueries
from .adapter.views.review_queue import QUEUES, Item, review_queue


@dataclass(frozen=True)
class ReviewOptions:
    """What can be chosen.

    Attributes:
        what: ``label_issues``, ``duplicates`` or ``outliers``
        update (False): bring the findings in line first with what was decided, as at
            the end of a review
        prefix (None): prefix of the scan's fields
    """

    what: str
    _: KW_ONLY
    update: bool = False
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what not in QUEUES:
            raise InputError(
                f"There is no review of '{self.what}'. Use one of {', '.join(QUEUES)}."
            )


@dataclass(frozen=True)
class ReviewQueue(TableResult):
    """What is to be reviewed.

    Attributes:
        what: the finding
        items: a question each, the worst first
        labels: all labels of the data set, for a review of labels
    """

    what: str
    items: tuple[Item, ...]
    labels: tuple[str, ...]

    def summary(self) -> str:
        """Returns how much there is to review."""
        count = len(self.items)
        return (
            f"{count:,} question{'' if count == 1 else 's'} about "
            f"{self.what.replace('_', ' ')}: decide on each in the panel's review, or "
            "with decide"
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the pictures of each question."""
        for number, item in enumerate(self.items):
            for one in item.pictures:
                yield {
                    "question": number,
                    "title": item.title,
                    "suggestion": item.suggestion,
                    "role": one.role,
                    "sample": one.id,
                    "file": one.name,
                    "label": one.label,
                    "split": one.split,
                }


class Review(Operator):
    """``@winnow/curate/review``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="review",
            label="Winnow: what is to be reviewed",
            description="Labels, clusters or outliers that nothing was decided of",
            icon="rate_review",
            unlisted=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    @keywords(ReviewOptions)
    def __call__(self, dataset: fo.Dataset, options: ReviewOptions) -> ReviewQueue:
        """Lists what a person should look at and has not decided yet.

        Each question has its pictures: a label stands beside the nearest images for
        and against it, a cluster begins with the copy that stays, an outlier stands
        beside the most similar image. ``decide`` stores the answers; the panel's
        review does it with a key each.

        Example::

            review = foo.get_operator("@winnow/curate/review")
            queue = review(dataset, "duplicates")
            print(queue.to_pandas())

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`ReviewQueue`

        Raises:
            InputError: there is no review of such a finding
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        if options.update:
            reapply_if_scanned(dataset, options.prefix, silent)
        reader = SampleQueries(
            dataset, complete_run(dataset, options.prefix), options.prefix
        )
        labels: tuple[str, ...] = ()
        if options.what == "label_issues" and reader.labels:
            labels = tuple(reader.labels.distinct(dataset))
        return ReviewQueue(options.what, review_queue(reader, options.what), labels)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.enum("what", list(QUEUES), required=True, label="What to review")
        return types.Property(inputs)

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        queue: ReviewQueue = self.run(ctx)
        if ctx.params.get("update"):
            ctx.ops.reload_samples()
        return queue.to_dict()

    def resolve_output(self, ctx: foo.ExecutionContext) -> None:
        """Shows nothing: the panel does."""
