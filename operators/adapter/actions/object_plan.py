"""Plans of what becomes of labeled objects: other labels, or removal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import fiftyone as fo

from ....core.actions.limits import Totals
from ....core.actions.plan import ActionPlan
from ....core.actions.planner import Request, Rules, make_plan
from ....core.errors import InputError
from ....core.findings.registry import OBJECT_FINDINGS
from ....core.objects.agreement import DISAGREEMENTS
from ....core.progress import OnProgress, silent
from ..dataset.fields import field_name
from ..dataset.internals import dataset_id, dataset_of, sample_documents_name
from ..dataset.objects import objects_of, objects_path
from ..dataset.present import present
from ..runs.paths import plans_folder
from ..runs.run_record import complete_run
from ..views.finding_views import found_objects
from .object_updates import OBJECTS
from .plan_builder import RETAG, ActionOptions, Change, where_of
from .sample_index import SampleIndex
from .selection import Selection

REMOVE_OBJECTS = "remove_objects"

Label = dict[str, Any]


def plan_objects(
    samples: fo.core.collections.SampleCollection,
    change: Change,
    selection: Selection,
    options: ActionOptions,
    on_progress: OnProgress = silent,
) -> ActionPlan:
    """Makes the plan of an action on objects; nothing but the plan is written.

    Args:
        samples: a scanned data set; or a view, to limit the selection to it
        change: :data:`REMOVE_OBJECTS`, or another label
        selection: a finding of objects, or a tag of their labels
        options: how; objects with a protected tag stay

    Raises:
        InputError: a choice that cannot work
        ScanNotFoundError: it was not scanned yet, or not its objects
        StaleRunError: its scan was cut short, or is out of date
    """
    dataset = dataset_of(samples)
    run = complete_run(dataset, selection.prefix)
    if selection.what is None:
        raise InputError("Say what to act on: what='bad_boxes', for example.")
    if run.objects is None:
        raise InputError(
            "The last scan did not look at objects, so there is none to act on. Scan "
            'again with objects= and the name of their field, such as "ground_truth".'
        )
    path = objects_path(dataset, run.objects)
    view = _chosen(samples, selection.what, selection, run.objects)
    path_of = dict(zip(*view.values(["id", "filepath"]), strict=True))
    every = Counter(
        label.get("label")
        for _, labels in objects_of(present(dataset), path)
        for label in labels
    )
    if change.action == RETAG:
        _check_label(change, every)
    wanted = set(view.values(f"{path}.id", unwind=True))
    why_of = _WHY.get(selection.what, _tagged)

    def requests() -> Iterator[tuple[float, Request]]:
        for sample, labels in objects_of(view, path):
            for label in labels:
                if str(label["_id"]) not in wanted:
                    continue

                def value(name: str, label: Label = label) -> Any:
                    return label.get(field_name(name, selection.prefix))

                new = change.label
                if change.action == RETAG and new is None:
                    new = value("label_suggestion")
                pair = (label.get("label"), new)
                if selection.pair and pair != tuple(selection.pair):
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
                                },
                            }
                        ],
                        label=label.get("label"),
                        stays=True,
                        refusal=_refusal(change, label, new, options),
                    ),
                )

    index = SampleIndex(dataset, selection.prefix)
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
            "prefix": selection.prefix,
            "what": selection.what,
            OBJECTS: path,
        },
        on_progress=on_progress,
    )


def _chosen(
    samples: fo.core.collections.SampleCollection,
    what: str,
    selection: Selection,
    field: str,
) -> fo.DatasetView:
    if what in OBJECT_FINDINGS:
        return found_objects(samples, what, selection.prefix)[0]
    view = present(samples).select_labels(tags=selection.tag, fields=field)
    if not view.count():
        raise InputError(f"No object is tagged '{selection.tag}'.")
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
    said = f" (score {score:.0f})" if score is not None else ""
    return f"labeled '{label}', similar objects '{value('label_suggestion')}'{said}"


def _outlier(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, outlier at distance {value('outlier_distance'):.2f}"


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


def _tagged(value: Value, label: str | None, new: str | None) -> str:
    return f"{label}, tagged" if new is None else f"'{label}' becomes '{new}'"


_WHY = {
    "object_label_issues": _relabeled,
    "object_outliers": _outlier,
    "object_duplicates": _twice,
    "object_leaks": _twice,
    "bad_boxes": _bad,
    "box_disagreements": _differs,
}
