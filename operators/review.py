"""Hands the panel's review what it goes through; the person decides there."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import silent
from .adapter.runs.reapply import reapply_if_scanned
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import prefix_of
from .adapter.views.queries import SampleQueries
from .adapter.views.review_queue import QUEUES, review_queue


class Review(foo.Operator):
    """``@winnow/curate/review``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="review",
            label="Winnow: what is to be reviewed",
            description="Labels, clusters or outliers that nothing was decided of",
            icon="rate_review",
            unlisted=True,
            risk_level=types.RiskLevel.LOW,
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        prefix = prefix_of(ctx.params)
        if ctx.params.get("end"):
            # The decisions of a review are stored without it, as it goes on
            reapply_if_scanned(ctx.dataset, prefix, silent)
            ctx.ops.reload_samples()
            return {}
        what = ctx.params["what"]
        run = complete_run(ctx.dataset, prefix)
        reader = SampleQueries(ctx.dataset, run, prefix)
        labels = []
        if what == "label_issues" and reader.label_path:
            labels = [one for one in ctx.dataset.distinct(reader.label_path) if one]
        assert what in QUEUES
        return {"items": review_queue(reader, what), "labels": labels}
