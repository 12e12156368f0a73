"""Gives FiftyOne our embeddings: sort by similarity, and the Embeddings panel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import Result
from ..core.errors import CurationError, InputError
from ..core.progress import OnProgress
from .adapter.curation.brain_runs import METHODS, register_brain_runs
from .adapter.runs.run_record import brain_keys, complete_run
from .adapter.ui.inputs import ask_prefix, prefix_of, show_error
from .adapter.ui.surface import LONG, LongOperator, keywords


@dataclass(frozen=True, kw_only=True)
class EmbeddingsOptions:
    """What can be chosen.

    Attributes:
        method ("pca"): layout of the map: ``pca`` takes seconds, ``tsne`` minutes;
            ``umap`` needs the package umap-learn
        prefix (None): prefix of the scan's fields
    """

    method: str = "pca"
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(
                f"There is no method '{self.method}'. Use one of {', '.join(METHODS)}."
            )


@dataclass(frozen=True)
class BrainRuns(Result):
    """What was registered.

    Attributes:
        similarity: brain key for sorting by similarity
        visualization: brain key for the Embeddings panel
        count: images that have an embedding
        field: field that holds the embeddings
    """

    similarity: str
    visualization: str
    count: int
    field: str

    def summary(self) -> str:
        """Returns what there is now, in a sentence."""
        return f"{self.count:,} embeddings are in the field {self.field}."

    def details(self) -> Iterator[str]:
        """Yields what to do with them."""
        yield (
            "Select an image and press the button with the picture above the grid to "
            f"sort by similarity ({self.similarity})"
        )
        yield f"Open the Embeddings panel and choose {self.visualization}"


class RegisterEmbeddings(LongOperator):
    """``@winnow/curate/register_embeddings``"""

    form_names = ("run", "status")

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
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(EmbeddingsOptions, long=True)
    def __call__(
        self, dataset: fo.Dataset, options: EmbeddingsOptions, on_progress: OnProgress
    ) -> BrainRuns:
        """Registers brain runs on the embeddings of the last scan.

        They are read from the cache (changed images are embedded again), written to a
        vector field, and registered with FiftyOne Brain, for sorting by similarity
        and the Embeddings panel. Brain runs of an earlier call are replaced.

        Example::

            register_embeddings = foo.get_operator(
                "@winnow/curate/register_embeddings"
            )
            runs = register_embeddings(dataset)
            query = dataset.first().id
            alike = dataset.sort_by_similarity(query, k=5, brain_key=runs.similarity)

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`BrainRuns` with the brain keys

        Raises:
            InputError: there is no such method, or another brain run has that name
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        count, field = register_brain_runs(
            dataset, options.method, options.prefix, on_progress
        )
        return BrainRuns(*brain_keys(options.prefix), count, field)

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
                submit_button_label="Make both",
            ),
        )
