"""Finds the images of recordings that show no more than one that is kept."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.text import counted
from ..core.errors import CurationError
from ..core.progress import OnProgress
from .adapter.curation.thin import PREFER, ThinChoice, ThinReport, thin
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import ask_prefix, prefix_of, show_error
from .adapter.ui.surface import LONG, LongOperator, keywords


class Thin(LongOperator):
    """``@winnow/curate/thin``"""

    form_names = ("run", "about")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="thin",
            label="Winnow: thin recordings",
            description="Find frames that show no more than one that is kept",
            icon="compress",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ThinChoice, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: ThinChoice,
        on_progress: OnProgress,
    ) -> ThinReport:
        """Finds the frames of recordings and bursts that show nothing new.

        In the order of each sequence an image is kept when it differs from the last
        kept one; without sequences, in the order of the paths. Kept in any case are
        images of test and validation splits, those that a person decided to keep, and
        of each burst one of each class. Only fields are written: ``burst`` and
        ``burst_keep``. What can go is the finding ``bursts``.

        Example::

            thin = foo.get_operator("@winnow/curate/thin")
            print(thin(dataset, min_change=0.1))
            print(thin(dataset, keep=10))

        Args:
            samples: a scanned data set, or a view; only its images are thinned

        Returns:
            a :class:`operators.adapter.curation.thin.ThinReport`

        Raises:
            InputError: an argument is not valid, or there is nothing to thin
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        return thin(samples, options, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx, action_description="Thin", default_target=foo.ViewTarget.DATASET
        )
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
        except CurationError as error:
            show_error(inputs, "run", error)
        else:
            counts = run.report["counts"]
            found = (
                f"The last scan found {counted(counts['sequences'], 'frame')} of "
                f"{counted(counts['sequence_groups'], 'recording')}."
                if counts.get("sequences")
                else "The last scan found no recordings: all images are thinned in "
                "the order of their paths."
            )
            inputs.view("about", types.Notice(label=f"{found} No file is touched."))
            inputs.float(
                "min_change",
                default=ThinChoice.min_change,
                label="Least change",
                description="Cosine distance from the last kept image. Higher keeps "
                "fewer",
            )
            inputs.int(
                "keep",
                label="Or keep so many",
                description="The images of the whole set that stand for the rest",
            )
            choices = types.RadioGroup(orientation="horizontal")
            for name in PREFER:
                choices.add_choice(name, label=f"The {name}")
            inputs.enum(
                "prefer",
                choices.values(),
                default=PREFER[0],
                label="Of a burst keep",
                view=choices,
            )
            inputs.bool(
                "keep_parts",
                default=False,
                label="Keep what differs in a part",
                description="Something small that came or went. Where something always "
                "moves, nearly all images are kept",
            )
            ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Thin recordings", submit_button_label="Thin"),
        )
