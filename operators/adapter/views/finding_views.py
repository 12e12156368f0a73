"""Views and counts of what a run found, by field filters, never by lists of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField as F

from ....core.errors import InputError
from ....core.findings.image_issues import SURE_ISSUES
from ....core.findings.schema import QUARANTINED, UNREADABLE, UNSURE_RELATIONS
from ..dataset.fields import field_name
from ..dataset.present import HERE, present
from ..dataset.samples import label_path
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import complete_run


@dataclass(frozen=True)
class Finding:
    """Something that a run finds.

    Attributes:
        label: what a person calls it
        description: which images it is
        color: of its saved view
    """

    label: str
    description: str
    color: str


FINDINGS: dict[str, Finding] = {
    "duplicates": Finding(
        "Duplicates", "images that have a copy, by cluster", "#4C78A8"
    ),
    "redundant_copies": Finding(
        "Redundant copies", "all copies but the keeper of each cluster", "#4C78A8"
    ),
    "conflicts": Finding(
        "Conflicts", "duplicates whose copy has another label", "#E45756"
    ),
    "outliers": Finding("Outliers", "images unlike most others", "#F58518"),
    "label_issues": Finding(
        "Label issues", "images that similar images contradict", "#E45756"
    ),
    "leaks": Finding("Leaks", "images with a copy in another split", "#B279A2"),
    "leaks_to_remove": Finding(
        "Leaks to remove", "the side of each leak to remove", "#B279A2"
    ),
    "image_issues": Finding(
        "Bad images", "damaged, dark, bright, blurry, empty or odd images", "#72B7B2"
    ),
    "unreadable": Finding(
        "Unreadable", "files that are damaged, empty or missing", "#9D755D"
    ),
    "not_read": Finding(
        "Not read",
        "files that may be whole, but are of a kind or size that is not read, or may "
        "not be read",
        "#9D755D",
    ),
}


def found_view(
    dataset: fo.Dataset, what: str, prefix: str | None = None
) -> fo.DatasetView:
    """Returns the images of a finding, worst or by cluster first.

    Args:
        dataset: that was scanned
        what: a name of :data:`FINDINGS`
        prefix: of the scan's fields

    Raises:
        InputError: no such finding
        StaleRunError: no finished scan
    """
    complete_run(dataset, prefix)
    view = present(dataset).match(found_expression(what, prefix))
    field, falling = _ORDER.get(what, ("dup_cluster", False))
    return view.sort_by(field_name(field, prefix), reverse=falling)


_ORDER = {
    "outliers": ("outlier_distance", True),
    "label_issues": ("label_score", False),
    "image_issues": ("image_issues", False),
    "unreadable": ("scan_status", False),
    "not_read": ("scan_status", False),
}
"""By which field a finding's images are sorted, and whether largest first."""


def found_expression(what: str, prefix: str | None) -> Any:
    """Returns the filter of a finding's images.

    Raises:
        InputError: no such finding
    """

    def field(name: str) -> Any:
        return F(field_name(name, prefix))

    expressions = {
        "duplicates": field("dup_cluster").exists(),
        "redundant_copies": (field("dup_keeper") == False)  # noqa: E712
        & ~field("dup_relation").starts_with(list(UNSURE_RELATIONS)),
        "conflicts": field("dup_conflict") == True,  # noqa: E712
        "outliers": field("outlier") == True,  # noqa: E712
        "label_issues": field("label_issue") == True,  # noqa: E712
        "leaks": field("leak") == True,  # noqa: E712
        "leaks_to_remove": field("leak_remove") == True,  # noqa: E712
        "image_issues": field("image_issues").length() > 0,
        "unreadable": field("scan_status").is_in(list(UNREADABLE)),
        "not_read": field("scan_status").exists()
        & ~field("scan_status").is_in(["ok", QUARANTINED, *UNREADABLE]),
    }
    if what not in expressions:
        raise InputError(
            f"There is no finding '{what}'. Use one of {', '.join(FINDINGS)}."
        )
    return expressions[what]


@dataclass(frozen=True)
class Clean:
    """What is left without findings and tags.

    Attributes:
        view: the samples
        replacements: copies in it because the copy to keep is left out
        lost: groups of copies of which none is left
    """

    view: fo.DatasetView
    replacements: int
    lost: int


def clean_samples(
    samples: fo.core.collections.SampleCollection,
    *,
    without: Sequence[str],
    issues: Sequence[str] = SURE_ISSUES,
    without_tags: Sequence[str] = (),
    prefix: str | None = None,
) -> Clean:
    """Returns the samples without findings and tags.

    Where the copy to keep is left out for another reason, an extra copy that
    nothing else is said of stands in for it.

    Args:
        samples: a data set that was scanned, or a view of it
        without: names of :data:`FINDINGS`
        issues: those for which bad images are left out
        without_tags: samples with any of these tags are left out
        prefix: of the scan's fields
    """
    complete_run(samples._dataset, prefix)
    out = [
        _with_issues(issues, prefix)
        if what == "image_issues"
        else found_expression(what, prefix)
        for what in without
        if what != "redundant_copies"
    ]
    if without_tags:
        out.append(F("tags").contains(list(without_tags)))
    view = present(samples)
    left = view.match(~F.any(out)) if out else view
    if "redundant_copies" not in without:
        return Clean(left, 0, 0)
    extra = found_expression("redundant_copies", prefix)
    cluster = field_name("dup_cluster", prefix)
    is_keeper = F(field_name("dup_keeper", prefix)) == True  # noqa: E712
    gone = (
        set(view.match(is_keeper).match(F.any(out)).values(cluster)) if out else set()
    )
    # Their keeper was put away, and the findings do not know it yet
    here = present(samples._dataset).match(is_keeper)
    gone |= set(view.match(extra).values(cluster)) - set(here.values(cluster))
    found: dict[int, str] = {}
    if gone:
        others = left.match(extra & F(cluster).is_in(sorted(gone)))
        likeness = field_name("dup_similarity", prefix)
        others = others.sort_by([(likeness, -1), ("id", 1)])
        for number, sample in zip(*others.values([cluster, "id"]), strict=True):
            found.setdefault(number, sample)
    kept = ~extra
    if found:
        kept = kept | F("_id").is_in([ObjectId(one) for one in found.values()])
    return Clean(left.match(kept), len(found), len(gone) - len(found))


def _with_issues(issues: Sequence[str], prefix: str | None) -> Any:
    return F(field_name("image_issues", prefix)).contains(list(issues))


def grouped_view(
    dataset: fo.Dataset, what: str, prefix: str | None = None
) -> fo.DatasetView:
    """Returns the view as the App shows it best: copies behind one tile."""
    view = found_view(dataset, what, prefix)
    if what not in ("duplicates", "conflicts"):
        return view
    return view.group_by(
        field_name("dup_cluster", prefix),
        order_by=field_name("dup_keeper", prefix),
        reverse=True,
        sort_expr=F().length(),
    )


def leak_view(
    dataset: fo.Dataset, run: Any, one: str, other: str, prefix: str | None
) -> fo.DatasetView:
    """Returns the images of two splits with a copy in the other, side by side."""
    leaks = F(field_name("leak_splits", prefix))
    between = (in_split(run, one) & leaks.contains(other)) | (
        in_split(run, other) & leaks.contains(one)
    )
    return present(dataset).match(between).sort_by(field_name("dup_cluster", prefix))


def pair_view(
    dataset: fo.Dataset,
    run: Any,
    given: str,
    suggested: str,
    score: float | None,
    prefix: str | None,
) -> fo.DatasetView:
    """Returns the images of a label that similar images call otherwise.

    Args:
        dataset: that was scanned
        run: its record
        given: the label
        suggested: the label that similar images agree on
        score: those that score below; None for those that are label issues
        prefix: of the scan's fields
    """
    path = label_path(dataset, run.settings["label_field"])
    worst = field_name("label_score", prefix)
    wrong = found_expression("label_issues", prefix)
    if score is not None:
        # None is less than any number to the database
        wrong = F(worst).exists() & (F(worst) < score)
    pair = (F(path) == given) & (F(field_name("label_suggestion", prefix)) == suggested)
    return present(dataset).match(wrong & pair).sort_by(worst)


def in_split(run: Any, split: str) -> Any:
    """Returns the expression that a sample is in a split of the run."""
    split_by = run.settings["split_by"]
    if isinstance(split_by, str):
        return F(split_by) == split
    return F("tags").contains(split)


def save_found_views(dataset: fo.Dataset, prefix: str | None = None) -> list[str]:
    """Saves a view of each finding that the run has; returns their names."""
    complete_run(dataset, prefix)
    names = []
    for what, finding in FINDINGS.items():
        view = grouped_view(dataset, what, prefix)
        name = f"Winnow: {finding.label.lower()}" + (f" ({prefix})" if prefix else "")
        dataset.save_view(
            name,
            view,
            description=finding.description,
            color=finding.color,
            overwrite=True,
        )
        names.append(name)
    return names


@dataclass(frozen=True)
class Tally:
    """How many images each finding has now.

    Attributes:
        counts: by the names of :data:`FINDINGS`, and ``images``, ``clusters``
        added: samples that came after the scan
        deleted: samples that were scanned and are gone
    """

    counts: Mapping[str, int]
    added: int
    deleted: int


def tally(dataset: fo.Dataset, run: Any, prefix: str | None) -> Tally:
    """Counts in one pass over the samples, in the database."""
    cache_key = cache_key_of(dataset, run)
    return cached(
        dataset, ("tally", prefix), cache_key, lambda: _count(dataset, run, prefix)
    )


def _count(dataset: fo.Dataset, run: Any, prefix: str | None) -> Tally:

    def path(field: str) -> str:
        return f"${field_name(field, prefix)}"

    def count(condition: Any) -> dict[str, Any]:
        return {"$sum": {"$cond": [condition, 1, 0]}}

    def has(condition: Any) -> dict[str, Any]:
        return count({"$and": [condition, here]})

    status = path("scan_status")
    known = {"$gt": [status, None]}
    here = HERE["$expr"]
    scanned = {"$and": [here, known]}
    read_at = datetime.fromisoformat(run.scanned_at).replace(tzinfo=None)
    sums = {
        "images": has(scanned),
        "duplicates": has({"$gt": [path("dup_cluster"), None]}),
        "redundant_copies": has(
            {
                "$and": [
                    {"$eq": [path("dup_keeper"), False]},
                    *(
                        {"$ne": [{"$indexOfCP": [path("dup_relation"), start]}, 0]}
                        for start in UNSURE_RELATIONS
                    ),
                ]
            }
        ),
        "clusters": has({"$eq": [path("dup_keeper"), True]}),
        "conflicts": has(
            {"$and": [{"$eq": [path("dup_keeper"), True]}, path("dup_conflict")]}
        ),
        "outliers": has({"$eq": [path("outlier"), True]}),
        "label_issues": has({"$eq": [path("label_issue"), True]}),
        "leaks": has({"$eq": [path("leak"), True]}),
        "leaks_to_remove": has({"$eq": [path("leak_remove"), True]}),
        "image_issues": has(
            {"$gt": [{"$size": {"$ifNull": [path("image_issues"), []]}}, 0]}
        ),
        "unreadable": has({"$in": [status, list(UNREADABLE)]}),
        "not_read": has(
            {
                "$and": [
                    known,
                    {"$not": {"$in": [status, ["ok", QUARANTINED, *UNREADABLE]]}},
                ]
            }
        ),
        "put_away": count({"$eq": [status, QUARANTINED]}),
        "added": has(
            {
                "$and": [
                    {"$not": {"$gt": [status, None]}},
                    {"$gt": ["$created_at", read_at]},
                ]
            }
        ),
    }
    group = [{"$group": {"_id": None, **sums}}]
    found = list(dataset._sample_collection.aggregate(group))
    counts = found[0] if found else dict.fromkeys(sums, 0)
    added, put_away = counts.pop("added"), counts.pop("put_away")
    counts.pop("_id", None)
    return Tally(counts, added, max(0, run.samples - counts["images"] - put_away))


def aggregate(
    dataset: fo.Dataset, pipeline: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Runs an aggregation over the samples that are present.

    FiftyOne's own aggregations count one field each; the panel needs a dozen
    numbers at once, in a tenth of the time.
    """
    return list(dataset._sample_collection.aggregate([{"$match": HERE}, *pipeline]))
