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
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import FINDINGS, SEGMENTS, VIDEO_ISSUES
from ....core.findings.schema import QUARANTINED
from ....core.findings.set_registry import SET_FINDINGS
from ..dataset.fields import field_name
from ..dataset.internals import dataset_of, sample_documents
from ..dataset.labels import label_field_of
from ..dataset.present import HERE, IS_HERE, present
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import ScanRun, complete_run
from .expressions import found_expression
from .object_views import object_view


def found_view(
    dataset: fo.Dataset, what: str, prefix: str | None = None
) -> fo.DatasetView:
    """Returns the images of a finding, worst or by cluster first.

    Args:
        dataset: that was scanned
        what: a name of :data:`~core.findings.registry.FINDINGS`; or of an object's
            finding, for a view of patches (of images, if the field holds one object an
            image); or of a finding of the set, or the key of one; or, of videos,
            ``video_issues``, or ``segments`` for a view of clips
        prefix: of the scan's fields

    Raises:
        InputError: no such finding
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    run = complete_run(dataset, prefix)
    if what in OBJECT_FINDINGS:
        return object_view(dataset, what, prefix)
    if keys := set_keys(run, what):
        return _set_view(dataset, run, keys, prefix)
    if what in (SEGMENTS, VIDEO_ISSUES.name):
        return _video_view(dataset, run, what, prefix)
    view = present(dataset).match(found_expression(what, prefix))
    finding = FINDINGS[what]
    by = field_name(finding.sort_by, prefix)
    if not finding.then_by:
        return view.sort_by(by, reverse=finding.descending)
    return view.sort_by([(by, 1), (field_name(finding.then_by, prefix), 1)])


def set_keys(run: ScanRun, what: str) -> list[str]:
    """Returns the keys of the findings of the set of one kind, or one key.

    Args:
        run: the record of a scan
        what: a name of :data:`~core.findings.set_registry.SET_FINDINGS`, or a key

    Returns:
        none if it is neither; of a kind of which nothing was found, the kind, which
        no image has
    """
    overview = run.report.get("overview", {})
    found = overview.get("findings", ())
    keys = [one["key"] for one in found if what in (one["kind"], one["key"])]
    return keys or [what] * (what in SET_FINDINGS)


def _video_view(
    dataset: fo.Dataset, run: ScanRun, what: str, prefix: str | None
) -> fo.DatasetView:
    """Returns the videos with issues, or a clip of each stretch that was found."""
    if VIDEO_ISSUES.name not in run.report["counts"]:
        raise InputError(
            f"'{what}' is found in videos, and the last scan was of images. Use "
            f"one of {', '.join(FINDINGS)}."
        )
    view = present(dataset)
    if what == SEGMENTS:
        stretches = field_name("winnow_segments", prefix)
        return view.match(F(f"{stretches}.detections").length() > 0).to_clips(stretches)
    issues = field_name(VIDEO_ISSUES.sort_by, prefix)
    return view.match(F(issues).length() > 0).sort_by(issues)


def _set_view(
    dataset: fo.Dataset, run: ScanRun, keys: Sequence[str], prefix: str | None
) -> fo.DatasetView:
    shows = F(field_name("set_findings", prefix)).contains(list(keys))
    view = present(dataset).match(shows)
    found = run.report.get("overview", {}).get("findings", ())
    for kind in {one["kind"] for one in found if one["key"] in keys}:
        finding = SET_FINDINGS[kind]
        by = field_name(finding.sort_by, prefix)
        view = view.sort_by(by, reverse=finding.descending)
    return view


@dataclass(frozen=True)
class Clean:
    """What is left without findings and tags.

    Attributes:
        view: the samples
        replacements: copies in it because the copy to keep is left out
        dropped_clusters: groups of copies of which none is left
    """

    view: fo.DatasetView
    replacements: int
    dropped_clusters: int


def clean_samples(
    samples: fo.core.collections.SampleCollection,
    *,
    without: Sequence[str],
    issues: Sequence[str] = SURE_ISSUES,
    without_tags: Sequence[str] = (),
    prefix: str | None = None,
) -> Clean:
    """Returns the samples without findings and tags.

    Where a cluster's keeper is left out for another reason, its best remaining copy
    takes its place.

    Args:
        samples: a data set that was scanned, or a view of it
        without: names of :data:`~core.findings.registry.FINDINGS`
        issues: those for which bad images are left out
        without_tags: samples with any of these tags are left out
        prefix: of the scan's fields
    """
    complete_run(dataset_of(samples), prefix)
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
    # Their keeper is in quarantine, and the findings do not know it yet
    here = present(dataset_of(samples)).match(is_keeper)
    gone |= set(view.match(extra).values(cluster)) - set(here.values(cluster))
    found: dict[int, str] = {}
    if gone:
        others = left.match(extra & F(cluster).is_in(sorted(gone)))
        similarity = field_name("dup_similarity", prefix)
        others = others.sort_by([(similarity, -1), ("id", 1)])
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
    """Returns the view as the App shows it best: copies behind one tile.

    It has no ``sort_expr``: the App would take the view for one without groups, and
    show nothing of a sample that is opened.
    """
    view = found_view(dataset, what, prefix)
    if what not in FINDINGS or not FINDINGS[what].grouped:
        return view
    return view.group_by(
        field_name("dup_cluster", prefix),
        order_by=field_name("dup_keeper", prefix),
        reverse=True,
    )


def leak_view(
    dataset: fo.Dataset, run: ScanRun, one: str, other: str, prefix: str | None
) -> fo.DatasetView:
    """Returns the images of two splits with a copy in the other, side by side."""
    leaks = F(field_name("leak_splits", prefix))
    between = (in_split(run, one) & leaks.contains(other)) | (
        in_split(run, other) & leaks.contains(one)
    )
    return present(dataset).match(between).sort_by(field_name("dup_cluster", prefix))


def pair_view(
    dataset: fo.Dataset,
    run: ScanRun,
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
    if run.label_field is None:
        return dataset.limit(0)
    worst = field_name("label_score", prefix)
    wrong = found_expression("label_issues", prefix)
    if score is not None:
        # None is less than any number to the database
        wrong = F(worst).exists() & (F(worst) < score)
    pair = F(field_name("label_suggestion", prefix)) == suggested
    of_label = label_field_of(dataset, run.label_field).matches(given)
    view = present(dataset).match(wrong & pair).mongo([{"$match": of_label}])
    return view.sort_by(worst)


def in_split(run: ScanRun, split: str) -> Any:
    """Returns the expression that a sample is in a split of the run."""
    split_by = run.split_by
    if isinstance(split_by, str):
        return F(split_by) == split
    return F("tags").contains(split)


def save_found_views(dataset: fo.Dataset, prefix: str | None = None) -> list[str]:
    """Saves a view of each finding that the run has; returns their names."""
    run = complete_run(dataset, prefix)
    names = []
    of_objects = OBJECT_FINDINGS if run.objects else {}
    for what, finding in {**FINDINGS, **of_objects}.items():
        if finding.needs == "predictions" and run.predictions is None:
            continue
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
        counts: by the names of :data:`~core.findings.registry.FINDINGS`, and
            ``images``, ``clusters``
        added: samples that came after the scan
        deleted: samples that were scanned and are gone
    """

    counts: Mapping[str, int]
    added: int
    deleted: int


def tally(dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> Tally:
    """Counts in one pass over the samples, in the database."""
    cache_key = cache_key_of(dataset, run)
    return cached(
        dataset, ("tally", prefix), cache_key, lambda: _count(dataset, run, prefix)
    )


def _count(dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> Tally:
    status = F(field_name("scan_status", prefix))
    is_keeper = F(field_name("dup_keeper", prefix)) == True  # noqa: E712
    read_at = datetime.fromisoformat(run.scanned_at).replace(tzinfo=None)
    conditions = {
        what: found_expression(what, prefix) & is_keeper
        if finding.unit == "clusters"
        else found_expression(what, prefix)
        for what, finding in FINDINGS.items()
    }
    conditions |= {
        "images": status.exists(),
        "clusters": is_keeper,
        "added": ~status.exists() & (F("created_at") > read_at),
        "quarantined": status == QUARANTINED,
    }
    sums = {
        name: {"$sum": {"$cond": [condition.to_mongo(), 1, 0]}}
        for name, condition in conditions.items()
    }
    # Whether a sample is present is asked once, not for each count
    groups = sample_documents(dataset).aggregate([{"$group": {"_id": IS_HERE, **sums}}])
    by_presence = {group.pop("_id"): group for group in groups}
    counts = by_presence.get(True, dict.fromkeys(sums, 0))
    quarantined = sum(group.pop("quarantined") for group in by_presence.values())
    added = counts.pop("added")
    counts.pop("quarantined", None)
    return Tally(counts, added, max(0, run.samples - counts["images"] - quarantined))


def aggregate(
    dataset: fo.Dataset, pipeline: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Runs an aggregation over the samples that are present.

    FiftyOne's own aggregations count one field each; the panel needs a dozen
    numbers at once, in a tenth of the time.
    """
    return list(sample_documents(dataset).aggregate([{"$match": HERE}, *pipeline]))
