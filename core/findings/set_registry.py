"""The findings of the set as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from .finding import SET_COLOR, Finding

_OF_SETS = (
    Finding(
        name="imbalance",
        label="Small classes",
        description="images of classes that are much smaller than the largest",
        color=SET_COLOR,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="label_shift",
        label="Label shift",
        description="images of the classes whose share differs between splits",
        color=SET_COLOR,
        unit="findings",
        needs="splits",
    ),
    Finding(
        name="appearance_shift",
        label="Appearance shift",
        description="images that give their split away by how they look",
        color=SET_COLOR,
        unit="findings",
        needs="splits",
    ),
    Finding(
        name="shortcuts",
        label="Shortcuts",
        description="images with a property that gives their class or split away",
        color=SET_COLOR,
        unit="findings",
    ),
    Finding(
        name="overlapping_classes",
        label="Overlapping classes",
        description="images that look like those of another class",
        color=SET_COLOR,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="divided_classes",
        label="Divided classes",
        description="images of the smaller groups of classes that fall apart",
        color=SET_COLOR,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="thin_regions",
        label="Thin regions",
        description="images that have hardly any others like them",
        color=SET_COLOR,
        unit="findings",
        sort_by="outlier_distance",
        descending=True,
    ),
)

SET_FINDINGS: Mapping[str, Finding] = {one.name: one for one in _OF_SETS}
"""By kind, in the order of every list. Each may hold several, with keys of their own
(:class:`core.overview.records.SetFinding`); ``set_findings`` of an image lists them."""
