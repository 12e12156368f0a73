"""Gives FiftyOne our embeddings: sort by similarity, and the Embeddings panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.progress import OnProgress
from .adapter.curation.brain_runs import METHODS, brain_keys, register_brain_runs
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import ask_prefix, prefix_of, show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import stream


@dataclass(frozen=True)
class BrainRuns:
    """What was registered.

    Attributes:
        similarity: brain key for sorting by similarity
        visualization: brain key for the Embeddings panel
        images: how many have an embedding
        field: that holds the embeddings
    """

    similarity: str
    visualization: str
    images: int
    field: str

    def to_markdown(self) -> str:
        return (
            f"{self.images:,} embeddings are in the field *{self.field}*.\n\n"
            "Select an image and press the button with the picture above the grid to "
            f"sort by similarity (*{self.similarity}*), or open the Embeddings panel "
            f"and choose *{self.visualization}*."
        )


class RegisterEmbeddings(foo.Operator):
    """``@winnow/curate/register_embeddings``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="register_embeddings",
            label="Winnow: register the embeddings",
            description=(
                "Register the scan's embeddings for sorting by similarity and the "
                "Embeddings panel"
            ),
            icon="workspaces",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        dataset: fo.Dataset,
        *,
        method: str = "pca",
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> BrainRuns:
        """Registers brain runs on the embeddings of the last scan.

        They are read from the cache (changed images are embedded again), written to a
        vector field, and registered with FiftyOne Brain, for sorting by similarity
        and the Embeddings panel. Brain runs of an earlier call are replaced.

        Args:
            dataset: the scanned data set
            method ("pca"): layout of the map: ``pca`` takes seconds, ``tsne``
                minutes; ``umap`` needs the package umap-learn
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`BrainRuns` with the brain keys

        Raises:
            InputError: there is no such method, or another brain run has that name
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        with progress_bars(progress) as on_progress:
            return _register(dataset, method, prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
        except CurationError as error:
            show_error(inputs, "run", error)
        else:
            choices = types.RadioGroup()
            for name, description in METHODS.items():
                choices.add_choice(name, label=name.upper(), description=description)
            inputs.enum(
                "method",
                choices.values(),
                default="pca",
                label="Draw the map by",
                view=choices,
            )
            text = (
                f"Gives the embeddings of {run.samples:,} images to FiftyOne, in a "
                "field: then select an image and sort by similarity, or open the map "
                "of all images in the Embeddings panel."
            )
            inputs.view("status", types.Notice(label=text))
            ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Sort by similarity, map of embeddings",
                submit_button_label="Add them",
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> BrainRuns:
            method = ctx.params.get("method", "pca")
            return _register(ctx.dataset, method, prefix_of(ctx.params), on_progress)

        yield from stream(ctx, work)


def _register(
    dataset: fo.Dataset, method: str, prefix: str | None, on_progress: OnProgress
) -> BrainRuns:
    if method not in METHODS:
        raise InputError(
            f"There is no method '{method}'. Use one of {', '.join(METHODS)}."
        )
    images, field = register_brain_runs(dataset, method, prefix, on_progress)
    return BrainRuns(*brain_keys(prefix), images, field)
