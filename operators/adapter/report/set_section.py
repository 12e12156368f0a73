"""The section of a report on the set as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ....core.findings.set_registry import SET_FINDINGS
from ....core.report.model import Gallery, Section
from ....core.report.of_set import set_section as section_of
from ..runs.scan_report import ScanReport
from ..views.count_queries import split_filter
from .report_queries import Shown

_MOST_PICTURES = 6
"""Of a finding: they only show what it is about."""


def set_section(shown: Shown, report: ScanReport) -> Section:
    """Returns what is wrong with the set, with images that show it.

    Args:
        shown: what may be shown
        report: of the scan
    """
    findings = report.overview.get("findings", ())
    splits = [split for split in report.overview.get("splits", ()) if split]
    galleries = [_gallery(shown, one, splits) for one in findings if one["count"]]
    return section_of(report.overview, galleries, shown.top)


def _gallery(
    shown: Shown, finding: Mapping[str, Any], splits: Sequence[str]
) -> Gallery:
    kind, most = SET_FINDINGS[finding["kind"]], min(shown.top, _MOST_PICTURES)
    of_finding = {shown.field("set_findings"): finding["key"]}
    order = {shown.field(kind.sort_by): -1 if kind.descending else 1}
    of_splits = [
        shown.reader.pictures(
            {**of_finding, **split_filter(shown.reader, split)},
            (),
            sort=order,
            limit=most,
        )
        for split in splits
    ]
    # The first of each split, then the second of each
    turns = zip_longest(*of_splits)
    found = [one for turn in turns for one in turn if one is not None]
    if not found:
        found = shown.reader.pictures(of_finding, (), sort=order, limit=most)
    pairs = tuple(shown.pair(one, None, None, (), {}) for one in found[:most])
    key, count = finding["key"], finding["count"]
    return Gallery(key, key[0].upper() + key[1:], ("Image", ""), "images", count, pairs)
