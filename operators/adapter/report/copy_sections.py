"""The sections of a report on copies: duplicates, conflicts, leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ....core.common.text import counted, size_text
from ....core.findings.duplicates import KINDS
from ....core.findings.finding import Finding
from ....core.report.model import Bars, Gallery, Section, Table
from ..dataset.labels import LabelField
from ..runs.scan_report import ScanReport
from ..views import queries
from ..views.cluster_queries import why_kept
from ..views.finding_views import aggregate
from . import charts
from .report_queries import Shown, not_looked_for

_COPY = ("dup_cluster", "dup_kind", "dup_relation", "dup_similarity", "dup_keeper")
_KEPT = (*_COPY, "keeper_reason")
_EXACT = ["bytes", "pixels"]
_SAME = {"bytes": "same bytes", "pixels": "same pixels", "near": "near copy"}
_FROM_TO = ("Goes", "Stays")


def duplicates_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Near and exact copies, each beside the one to keep."""
    counts = report.counts
    text = (
        f"{counts['duplicates']:,} images have a copy, in "
        f"{counted(counts['duplicate_clusters'], 'cluster')}. Keeping one of each "
        f"saves {counted(counts['removable'], 'file')}, "
        f"{size_text(counts['removable_bytes'])}.",
        "One pair per cluster: the redundant copy and the copy to keep, "
        "with the reason. Near copies are sorted by similarity, exact ones by how "
        "many there are.",
    )
    if not counts["duplicates"]:
        return Section(finding.section, finding.label, 0, ("No image has a copy.",))
    near = {"dup_similarity": -1}
    galleries = (
        _copies(shown, "near", "Near copies", ["near"], near),
        _copies(shown, "exact", "Same bytes or same pixels", _EXACT, {"size": -1}),
    )
    kept = tuple(one for one in galleries if one.total)
    kinds = charts.bars(
        "Images with a copy, by kind",
        ((_SAME[kind], counts[f"duplicates_{kind}"]) for kind in KINDS),
    )
    return Section(
        finding.section,
        finding.label,
        counts["duplicates"],
        text,
        galleries=kept,
        bars=kinds
        or charts.group_sizes(shown, "dup_cluster", "Clusters by number of images"),
    )


def _copies(
    shown: Shown, key: str, title: str, kinds: list[str], sort: Mapping[str, int]
) -> Gallery:
    match = {shown.field("dup_keeper"): False, shown.field("dup_kind"): {"$in": kinds}}
    found = shown.one_a_cluster(match, _COPY, sort)
    numbers = [one.values["dup_cluster"] for one in found]
    # By nothing: the first image of each cluster is its keeper
    keepers = shown.members(numbers, _KEPT, None)
    pairs = []
    for copy in found:
        values = copy.values
        keeper = shown.reader.picture(keepers[values["dup_cluster"]][0], _KEPT)
        says = [_SAME[values["dup_kind"]]]
        if values["dup_relation"]:
            says = [values["dup_relation"]]
        if keeper.values["keeper_reason"]:
            says.append(f"stays: {why_kept(keeper)}")
        if values["size"] > 1:
            says.append(f"{values['size'] - 1:,} more like it")
        metadata = {
            "cluster": values["dup_cluster"],
            "kind": values["dup_kind"],
            "relation": values["dup_relation"],
            "keeper_reason": keeper.values["keeper_reason"],
            "copies_of_this_kind": values["size"],
        }
        pairs.append(shown.pair(copy, keeper, values["dup_similarity"], says, metadata))
    total = shown.count_clusters(match)
    return Gallery(key, title, _FROM_TO, "clusters", total, tuple(pairs))


def conflicts_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Copies with two labels."""
    key, title, conflict = finding.section, finding.label, shown.field("dup_conflict")
    labels = shown.reader.labels
    if labels is None or not report.counts["labeled"]:
        return not_looked_for(key, title, report, finding)
    found = shown.one_a_cluster(
        {conflict: True}, ("dup_cluster", "dup_keeper"), {"size": -1}
    )
    numbers = [one.values["dup_cluster"] for one in found]
    members = shown.members(numbers, _COPY, f"${labels.path}")
    pairs = []
    for number in numbers:
        # One image a label; without a label there is nothing to disagree with
        by_label: dict[str | None, Mapping[str, Any]] = {}
        for row in members[number]:
            by_label.setdefault(labels.text(row.get("label")), row)
        labeled = [row for label, row in by_label.items() if label]
        if len(labeled) < 2:
            continue
        keeper, other = (shown.reader.picture(row, _COPY) for row in labeled[:2])
        says = [f"{other.label} or {keeper.label}"]
        if len(labeled) > 2:
            says.append(f"{len(labeled)} labels in this cluster")
        similarity = _similarity(other, keeper)
        metadata = {"cluster": number, "labels": len(labeled)}
        pairs.append(shown.pair(other, keeper, similarity, says, metadata))
    text = "Clusters with two labels: one of the labels is wrong."
    galleries = (
        Gallery(
            "conflicts",
            "",
            ("A copy", "The one to keep"),
            "clusters",
            shown.count_clusters({conflict: True}),
            tuple(pairs),
        ),
    )
    count = report.counts["conflicts"]
    if not count:
        return Section(key, title, 0, ("No two copies carry two labels.",))
    bars = charts.bars("Clusters by their labels", _label_sets(shown, labels))
    return Section(key, title, count, (text,), galleries=galleries, bars=bars)


def _label_sets(shown: Shown, labels: LabelField) -> list[tuple[str, int]]:
    """Counts clusters by the labels that their copies carry, most frequent first."""
    cluster, conflict = shown.field("dup_cluster"), shown.field("dup_conflict")
    # Counted where they are stored: there may be as many clusters as images
    steps: list[dict[str, Any]] = [
        {"$match": {conflict: True}},
        {"$group": {"_id": {"cluster": f"${cluster}", "label": f"${labels.path}"}}},
        {"$sort": {"_id.label": 1}},
        {"$group": {"_id": "$_id.cluster", "labels": {"$push": "$_id.label"}}},
        {"$group": {"_id": "$labels", "clusters": {"$sum": 1}}},
    ]
    sets: Counter[str] = Counter()
    for row in aggregate(shown.reader.dataset, steps):
        names = sorted({labels.text(one) or "" for one in row["_id"]})
        sets[" or ".join(filter(None, names))] += row["clusters"]
    return sorted(sets.items(), key=lambda one: (-one[1], one[0]))


def leaks_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Copies in two splits: how many, and side by side."""
    key, title, counts = finding.section, "Leaks between splits", report.counts
    if not report.leak_matrix:
        return not_looked_for(key, title, report, finding)
    if not counts["leaks"]:
        return Section(key, title, 0, ("No image has a copy in another split.",))
    fields = (*_COPY, "leak_splits", "leak_remove_reason", "leak_conflict")
    match = {shown.field("leak_remove"): True}
    sort = {"leak_conflict": -1, "dup_similarity": -1}
    found = shown.one_a_cluster(match, fields, sort)
    members = shown.members(
        [one.values["dup_cluster"] for one in found], fields, _own_split(shown)
    )
    pairs = []
    for one in found:
        where = one.values["leak_splits"] or []
        rows = members[one.values["dup_cluster"]]
        others = (shown.reader.picture(row, fields) for row in rows)
        other = next((o for o in others if o.split in where), None)
        says = [_SAME[one.values["dup_kind"]]] if one.values["dup_kind"] else []
        if one.values["leak_conflict"]:
            says.append("with another label there")
        if one.values["leak_remove_reason"]:
            says.append(f"to remove: {one.values['leak_remove_reason']}")
        if one.values["size"] > 1:
            says.append(f"{one.values['size'] - 1:,} more in this cluster")
        similarity = _similarity(one, other) if other else None
        metadata = {
            "cluster": one.values["dup_cluster"],
            "kind": one.values["dup_kind"],
            "reason": one.values["leak_remove_reason"],
            "other_label": one.values["leak_conflict"],
        }
        pairs.append(shown.pair(one, other, similarity, says, metadata))
    columns = ("The side to remove", "Its copy")
    galleries = [
        Gallery(
            "leaks",
            "",
            columns,
            "clusters",
            shown.count_clusters(match),
            tuple(pairs),
        )
    ]
    galleries += _unclustered_leaks(shown, columns)
    text = (
        f"{counts['leaks']:,} images have a copy in another split; removing "
        f"{counts['leaks_to_remove']:,} closes all of them.",
    )
    both = (_matrix(report), _by_class(shown, report))
    tables = tuple(table for table in both if table.rows)
    return Section(
        key, title, counts["leaks"], text, tables, tuple(galleries), _leak_bars(report)
    )


def _leak_bars(report: ScanReport) -> tuple[Bars, ...]:
    """Returns the images with a copy in another split, by kind of copy."""
    kinds = [kind for kind in KINDS if kind in report.leak_matrix]
    counts: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        for one, others in report.leak_matrix[kind].items():
            for other, count in others.items():
                row = counts.setdefault(f"{one} in {other}", [0] * len(kinds))
                row[place] += 0 if one == other else count
    rows = sorted(counts.items(), key=lambda row: (-sum(row[1]), row[0]))
    shown = tuple((name, tuple(numbers)) for name, numbers in rows if any(numbers))
    title = "Images with a copy in another split"
    return (Bars(title, tuple(_SAME[kind] for kind in kinds), shown),)


def _unclustered_leaks(shown: Shown, columns: tuple[str, str]) -> list[Gallery]:
    """Returns those with a copy that does not resemble the keeper of a cluster."""
    match = {shown.field("leak_remove"): True, shown.field("dup_cluster"): None}
    total = shown.reader.count(match)
    if not total:
        return []
    found = shown.reader.pictures(match, ("leak_splits",), limit=shown.top)
    pairs = []
    for one in found:
        where = ", ".join(one.values["leak_splits"] or [])
        pairs.append(shown.pair(one, None, None, (f"a copy in {where}",), {}))
    title = "With a copy that is in no cluster with it"
    return [Gallery("alone", title, columns, "images", total, tuple(pairs))]


def _own_split(shown: Shown) -> Any:
    """Returns the expression of a sample's split."""
    split_by = shown.reader.split_by
    if isinstance(split_by, str):
        return f"${split_by}"
    return {"$setIntersection": ["$tags", list(split_by or [])]}


def _matrix(report: ScanReport) -> Table:
    total: Counter[tuple[str, str]] = Counter()
    for by_split in report.leak_matrix.values():
        for one, others in by_split.items():
            for other, count in others.items():
                total[one, other] += count
    names = list(dict.fromkeys(one for one, _ in total))
    rows = [
        (one, *("" if one == other else total[one, other] for other in names))
        for one in names
    ]
    title = "Images of the split on the left with a copy in the split above"
    headers = ("", *(f"in {name}" for name in names))
    return Table("matrix", title, headers, tuple(rows), len(rows))


def _by_class(shown: Shown, report: ScanReport) -> Table:
    rows = [
        (row["class"], row["split"], row["other_split"], sum(row[k] for k in KINDS))
        for row in report.leaks_by_class
    ]
    rows.sort(key=lambda row: (-row[3], *row[:3]))
    headers = ("Class", "Split", "Copies in", "Images")
    return Table(
        "by_class", "By class", headers, tuple(rows[: shown.top]), total=len(rows)
    )


def _similarity(one: queries.Picture, other: queries.Picture) -> float | None:
    """Returns what the scan kept: similarities to the keeper of the cluster."""
    if other.values["dup_keeper"]:
        similarity: float | None = one.values["dup_similarity"]
        return similarity
    return other.values["dup_similarity"] if one.values["dup_keeper"] else None
