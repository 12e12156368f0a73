"""The section of a report on the set as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.report.model import Gallery, Section
from ....core.report.of_set import set_section as section_of
from ..runs.scan_report import ScanReport
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
    galleries = [_gallery(shown, one) for one in findings if one["count"]]
    return section_of(report.overview, galleries, shown.top)


def _gallery(shown: Shown, finding: Mapping[str, Any]) -> Gallery:
    found = shown.reader.pictures(
        {shown.field("set_findings"): finding["key"]},
        (),
        limit=min(shown.top, _MOST_PICTURES),
    )
    pairs = tuple(shown.pair(one, None, None, (), {}) for one in found)
    key, count = finding["key"], finding["count"]
    return Gallery(key, key[0].upper() + key[1:], ("Image", ""), "images", count, pairs)
