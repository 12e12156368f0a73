"""Remembers what a person decided, so that no later scan flags it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import Result
from ..core.errors import CurationError, InputError
from ..core.progress import silent
from .adapter.dataset.decisions import (
    KEEP,
    KEEPER,
    LABEL_VERIFIED,
    MAY_GO,
    NOT_DUPLICATE,
    RELABEL,
)
from .adapter.dataset.internals import dataset_of, shows_objects
from .adapter.dataset.object_decisions import (
    keep_objects,
    undo_on_objects,
    verify_object_labels,
)
from .adapter.dataset.objects import chosen_objects
from .adapter.dataset.present import present
from .adapter.dataset.store_decisions import (
    choose_keepers,
    keep,
    let_go,
    part_duplicates,
    relabel,
    undo_choose_keepers,
    undo_keep,
    undo_let_go,
    undo_part_duplicates,
    undo_relabel,
    undo_verify_labels,
    verify_labels,
)
from .adapter.runs.reapply import reapply_thresholds, settings_of
from .adapter.runs.run_record import ScanRun, complete_run
from .adapter.ui.inputs import ask_prefix, prefix_of, show_error
from .adapter.ui.surface import Operator, keywords
from .adapter.views.object_views import scanned_objects

Samples: TypeAlias = fo.core.collections.SampleCollection


@dataclass(frozen=True)
class _Decision:
    """A decision that can be made.

    Attributes:
        label: what a person calls it
        description: what follows from it
        done: the sentence afterwards
        undone: the sentence after it was taken back
        store: remembers it of samples, as the options and the run's record ask
        take_back: forgets it; both return of how many images
        store_objects: remembers it of objects of a field, by the ids of their labels,
            and returns of how many; None for a decision on whole images
        is_for_later: no finding changes until it is applied
    """

    label: str
    description: str
    done: str
    undone: str
    store: Callable[[Samples, DecideOptions, ScanRun], int]
    take_back: Callable[[Samples], int]
    store_objects: Callable[[fo.Dataset, str, Sequence[str]], int] | None = None
    is_for_later: bool = False


_DECISIONS = {
    KEEPER: _Decision(
        "The one to keep",
        "Of its cluster this copy stays and the others go, whatever the rules say; "
        "the last choice counts. An outlier or a bad image it may still be",
        "{} chosen as the one to keep",
        "{} no longer chosen: the rules choose again",
        lambda samples, _, run: choose_keepers(samples, run.prefix),
        undo_choose_keepers,
    ),
    KEEP: _Decision(
        "Never flag",
        "It is fine: never again a duplicate to drop, an outlier, a leak or a bad "
        "image. It leaves its cluster, whose other copies stay one",
        "{} kept: not flagged again",
        "{} no longer kept",
        lambda samples, *_: keep(samples),
        undo_keep,
        keep_objects,
    ),
    NOT_DUPLICATE: _Decision(
        "Not a duplicate",
        "It is not a copy of the other images in its cluster; they only look alike",
        "{} stored as not duplicates",
        "{} may be duplicates again",
        lambda samples, _, run: part_duplicates(samples, run.prefix),
        undo_part_duplicates,
    ),
    LABEL_VERIFIED: _Decision(
        "The label is right",
        "Its label is never again an issue, as long as it stays the same",
        "{} stored as correctly labeled",
        "Labels of {} are checked again",
        lambda samples, _, run: verify_labels(samples, run.label_field),
        undo_verify_labels,
        verify_object_labels,
    ),
    RELABEL: _Decision(
        "Another label",
        "It should get the label below. Nothing changes until the labels that were "
        "decided are corrected, by one plan",
        "{} to be relabeled",
        "{} keep their labels",
        lambda samples, options, _: relabel(samples, options.label),
        undo_relabel,
        is_for_later=True,
    ),
    MAY_GO: _Decision(
        "It may go",
        "It is a copy too many, or does not belong here. Nothing changes until what "
        "may go is quarantined, by one plan",
        "{} may go",
        "{} stay",
        lambda samples, *_: let_go(samples),
        undo_let_go,
        is_for_later=True,
    ),
}


@dataclass(frozen=True)
class DecideOptions:
    """What can be chosen.

    Attributes:
        what: the decision.
            ``keeper``: each is the copy to keep of its cluster, before all rules,
            and instead of an earlier choice; the others are the redundant copies.
            ``keep``: the images are never flagged again as redundant copies,
            leaks, outliers or bad images. That chooses no keeper: an image that is
            not the keeper leaves its cluster, and the rest stays a cluster.
            ``not_duplicate``: each is not a copy of the others in its cluster.
            ``label_verified``: their labels are right.
            ``relabel``: they should get ``label``; ``retag(dataset, "relabel")``
            does it.
            ``may_go``: they may be quarantined; ``quarantine(dataset, "may_go")``
            does it
        undo (False): take the decision back instead
        objects (None): ids of labels of the field that was scanned for objects; the
            decision, ``keep`` or ``label_verified``, is then on these objects. A view
            of patches stands for its objects
        label (None): the label, for ``relabel``
        update (True): bring the findings in line at once; False for the first of
            many decisions, and the next scan, threshold or decision does
        prefix (None): prefix of the scan's fields
    """

    what: str
    _: KW_ONLY
    undo: bool = False
    objects: Sequence[str] | None = None
    label: str | None = None
    update: bool = True
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what not in _DECISIONS:
            raise InputError(
                f"There is no decision '{self.what}'. Use one of "
                f"{', '.join(_DECISIONS)}."
            )
        if self.objects is not None:
            _check_of_objects(self.what)


@dataclass(frozen=True)
class Decided(Result):
    """The outcome of a decision.

    Attributes:
        count: images, or objects, that it is stored for
        updated: whether the findings follow it already; else the next scan does
        text: one sentence
    """

    count: int
    updated: bool
    text: str

    def summary(self) -> str:
        """Returns what happened, in a sentence."""
        return self.text


class Decide(Operator):
    """``@winnow/curate/decide``"""

    form_names = ("problem", "status")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="decide",
            label="Winnow: decide",
            description=(
                "Choose copies to keep, leave images alone, separate duplicates or "
                "confirm labels, for this and all later scans"
            ),
            icon="how_to_reg",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    @keywords(DecideOptions)
    def __call__(
        self, samples: fo.core.collections.SampleCollection, options: DecideOptions
    ) -> Decided:
        """Stores a decision on each sample or object, and updates the findings.

        Decisions hold in every later scan, whatever its prefix, until they are
        taken back. They are the fields ``winnow_decisions`` and
        ``winnow_not_duplicate_of``, so they can be filtered, and they leave with the
        sample. A verified label counts as long as the sample carries it. Decisions on
        objects are an attribute ``winnow_decisions`` of their labels.

        Example::

            decide = foo.get_operator("@winnow/curate/decide")
            print(decide(dataset.match_tags("fine"), "keep"))

        Args:
            samples: a view of the images, such as ``dataset.select(ids)``; of
                ``objects``, the data set

        Returns:
            a :class:`Decided`

        Raises:
            InputError: there is no such decision, or it does not apply here
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        dataset, decision = dataset_of(samples), _DECISIONS[options.what]
        run = complete_run(dataset, options.prefix)
        objects = chosen_objects(samples, options.objects)
        thing = "image" if objects is None else "object"
        if objects is not None:
            count = _decide_on_objects(dataset, options, objects)
        elif options.undo:
            count = decision.take_back(samples)
        else:
            count = decision.store(present(samples), options, run)
        sentence = decision.undone if options.undo else decision.done
        text = sentence.format(f"{count:,} {thing}{'' if count == 1 else 's'}")
        if not options.update or decision.is_for_later:
            dataset.reload()
            return Decided(count, False, f"{text}.")
        try:
            reapply_thresholds(dataset, settings_of(run), options.prefix, silent)
        except CurationError as error:
            # The decision stands; only the findings on screen are older
            dataset.reload()
            return Decided(count, False, f"{text} from the next scan on. {error}")
        return Decided(count, True, text + ".")

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        choices = types.RadioGroup()
        for name, one in _DECISIONS.items():
            choices.add_choice(name, label=one.label, description=one.description)
        inputs.enum(
            "what", choices.values(), required=True, label="Decide", view=choices
        )
        try:
            complete_run(ctx.dataset, prefix_of(ctx.params))
            target = self.target(ctx)
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            things = "objects" if shows_objects(target) else "images"
            text = f"For {target.count():,} selected {things}"
            inputs.view("status", types.Notice(label=text))
        if ctx.params.get("what") == RELABEL:
            inputs.str("label", required=True, label="New label")
        inputs.bool("undo", default=False, label="Take it back instead")
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Decide", submit_button_label="Store"),
        )

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        if ctx.params.get("objects"):
            return ctx.dataset
        if not ctx.selected:
            raise InputError("Select the images in the grid first, then decide.")
        grid = ctx.view if shows_objects(ctx.view) else ctx.dataset
        return grid.select(ctx.selected)

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        decided: Decided = self.run(ctx)
        # A review stores many, one after the other, and shows them itself
        if ctx.params.get("update", True):
            as_meant = decided.updated or _DECISIONS[ctx.params["what"]].is_for_later
            variant = "success" if as_meant else "warning"
            ctx.ops.notify(decided.text, variant=variant)
            ctx.ops.reload_samples()
        return decided.to_dict()

    def resolve_output(self, ctx: foo.ExecutionContext) -> None:
        """Shows nothing: the App notifies."""


def _check_of_objects(what: str) -> None:
    if _DECISIONS[what].store_objects is None:
        known = [name for name, one in _DECISIONS.items() if one.store_objects]
        raise InputError(
            f"'{what}' is decided of whole images. Of objects, decide one of "
            f"{', '.join(known)}; retag and remove_objects change them."
        )


def _decide_on_objects(
    dataset: fo.Dataset, options: DecideOptions, objects: Sequence[str]
) -> int:
    _check_of_objects(options.what)
    field = scanned_objects(dataset, options.prefix)
    if options.undo:
        return undo_on_objects(dataset, field, objects, options.what)
    store = _DECISIONS[options.what].store_objects
    assert store is not None
    return store(dataset, field, objects)
