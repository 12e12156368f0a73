"""Plans of what becomes of labeled objects: other labels, or removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from ....core.actions.limits import Totals
from ....core.actions.plan import ActionPlan
from ....core.actions.planner import Request, Rules, make_plan
from ....core.common.text import distance_text, score_text
from ....core.errors import InputError
from ....core.objects.agreement import DISAGREEMENTS
from ....core.progress import OnProgress, silent
from ..dataset.fields import field_name
from ..dataset.internals import dataset_id, dataset_of, sample_documents_name
from ..dataset.objects import box_of, chosen_objects, objects_of, objects_path
from ..dataset.present import present
from ..runs.paths import plans_folder
from ..runs.run_record import complete_run
from ..views.object_views import chosen_labels, scanned_objects
from .action_options import RETAG, ActionOptions, Change
from .object_updates import OBJECTS
from .plan_folders import where_of
from .sample_index import SampleIndex

REMOVE_OBJECTS = "remove_objects"
TAG = "tag"
"""Stands for objects whose labels have a tag."""

Label = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ObjectChoice:
    """The objects to act on.

    Attributes:
        what: a finding of objects, or :data:`TAG`; None for all that ``ids`` name
        ids: of the labels that it is limited to; None for no limit
        tag: of the labels
        pair: given and suggested label that it is limited to; None for all
        prefix: of the scan's fields
    """

    what: str | None = None
    ids: Sequence[str] | None = None
    tag: str | None = None
    pair: Sequence[str] | None = None
    prefix: str | None = None


def plan_objects(
    samples: fo.core.collections.SampleCollection,
    change: Change,
    choice: ObjectChoice,
    options: ActionOptions,
    on_progress: OnProgress = silent,
) -> ActionPlan:
    """Makes the plan of an action on objects; nothing but the plan is written.

    Args:
        samples: a scanned data set; or a view, also of patches, to limit it
        change: :data:`REMOVE_OBJECTS`, or another label
        choice: which
        options: how; objects with a protected tag stay

    Raises:
        InputError: a choice that cannot work
        ScanNotFoundError: it was not scanned yet, or not its objects
        StaleRunError: its scan was cut short, or is out of date
    """
    dataset = dataset_of(samples)
    run = complete_run(dataset, choice.prefix)
    ids = chosen_objects(samples, choice.ids)
    if choice.what is None and ids is None:
        raise InputError("Say what to act on: what='bad_boxes', for example.")
    field = scanned_objects(dataset, choice.prefix)
    path = objects_path(dataset, field)
    view = _chosen(samples, choice, ids, field)
    path_of = dict(zip(*view.values(["id", "filepath"]), strict=True))
    every = Counter(
        label.get("label")
        for _, labels in objects_of(present(dataset), path)
        for label in labels
    )
    if change.action == RETAG:
        _check_label(change, every)
    wanted = set(view.values(f"{path}.id", unwind=True))
    why_of = _WHY.get(choice.what or "", _named)

    def requests() -> Iterator[tuple[float, Request]]:
        for sample, labels in objects_of(view, path):
            for label in labels:
                if str(label["_id"]) not in wanted:
                    continue

                def value(name: str, label: Label = label) -> Any:
                    return label.get(field_name(name, choice.prefix))

                new = change.label
                if change.action == RETAG and new is None:
                    new = value("label_suggestion")
                pair = (label.get("label"), new)
                if choice.pair and pair != tuple(choice.pair):
                    continue
                score = value("label_score") if change.action == RETAG else None
                yield (
                    float("inf") if score is None else score,
                    Request(
                        path=path_of[sample],
                        why=why_of(value, label.get("label"), new),
                        records=[
                            {
                                "collection": sample_documents_name(dataset),
                                "id": sample,
                                "path": path_of[sample],
                                "own": True,
                                "object": {
                                    "id": str(label["_id"]),
                                    "label": new,
                                    "was": label.get("label"),
                                    "box": box_of(label),
                                },
                            }
                        ],
                        label=label.get("label"),
                        stays=True,
                        refusal=_refusal(change, label, new, options),
                    ),
                )

    index = SampleIndex(dataset, choice.prefix)
    classes = {name: count for name, count in every.items() if name is not None}
    found = sorted(requests(), key=lambda one: one[0])
    return make_plan(
        change.action,
        [request for _, request in found],
        where=where_of(index, Change(RETAG), options),
        totals=Totals(every.total(), classes, {}, "objects"),
        rules=Rules(may_empty=change.action == RETAG),
        folder=plans_folder(dataset),
        options={
            "dataset": dataset_id(dataset),
            "collection": sample_documents_name(dataset),
            "scanned_at": run.completed_at,
            "prefix": choice.prefix,
            "what": choice.what,
            OBJECTS: path,
        },
        on_progress=on_progress,
    )


def _chosen(
    samples: fo.core.collections.SampleCollection,
    choice: ObjectChoice,
    ids: Sequence[str] | None,
    field: str,
) -> fo.DatasetView:
    """Returns the samples with the chosen objects alone."""
    if choice.what != TAG:
        return chosen_labels(samples, choice.what, ids, choice.prefix)
    view = chosen_labels(samples, None, ids, choice.prefix)
    view = view.select_labels(tags=choice.tag, fields=field)
    if not view.count():
        raise InputError(f"No object is tagged '{choice.tag}'.")
    return view


def _check_label(change: Change, every: Counter[str | None]) -> None:
    label = change.label
    if label is None or label in every or change.allow_new_label:
        return
    known = sorted(name for name in every if name is not None)
    shown = ", ".join(known[:20]) + (" ..." if len(known) > 20 else "")
    raise InputError(
        f"No object is labeled '{label}' yet. Labels: {shown}. If it is meant as a new "
        "one, give allow_new_label=True."
    )


def _refusal(
    change: Change, label: Label, new: str | None, options: ActionOptions
) -> str | None:
    for tag in options.protect_tags:
        if tag in (label.get("tags") or ()):
            return f"it is protected by the tag '{tag}'"
    if change.action != RETAG:
        return None
    if new is None:
        return "there is no suggestion for it"
    if new == label.get("label"):
        return "it has that label already"
    return None


Value = Callable[[str], Any]


def _relabeled(value: Value, label: str | None, new: str | None) -> str:
    score = value("label_score")
    said = f" (score {score_text(score)})" if score is not None else ""
    return f"labeled '{label}', similar objects '{value('label_suggestion')}'{said}"


def _outlier(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, outlier at distance {distance_text(value('outlier_distance'))}"


def _twice(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, also in another picture (cluster {value('dup_cluster')})"


def _bad(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, {', '.join(value('box_issues'))}".replace("_", " ")


def _differs(value: Value, label: str | None, new: str | None) -> str:
    kind = value("copy_agreement")
    assert kind in DISAGREEMENTS
    if kind == "other label":
        return f"labeled '{label}', in a copy '{value('copy_label')}'"
    return f"{label}, {'a copy lacks it' if kind == 'missing' else 'shifted'}"


def _named(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, chosen" if new is None else f"'{label}' becomes '{new}'"


_WHY = {
    "object_label_issues": _relabeled,
    "object_outliers": _outlier,
    "object_duplicates": _twice,
    "object_leaks": _twice,
    "bad_boxes": _bad,
    "box_disagreements": _differs,
}
