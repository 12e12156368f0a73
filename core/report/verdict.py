"""What a scan comes to, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

IMAGES = "images"

_FAULTS = {
    "leaks_to_remove": (IMAGES[:-1], IMAGES, "that leak between splits"),
    "conflicts": ("cluster", "clusters", "of copies with two labels"),
    "unreadable": ("file", "files", "that cannot be read"),
    "damaged": (IMAGES[:-1], IMAGES, "damaged inside"),
    "object_leaks": ("object", "objects", "that leak between splits"),
    "box_disagreements": ("box", "boxes", "that copies contradict"),
    "bad_boxes": ("box", "boxes", "broken, outside or there twice"),
}
"""By count: what is wrong whatever the images are for; one, several, and what they
are."""

_DOUBTS = {
    "removable": ("redundant copy", "redundant copies", ""),
    "label_issues": ("label", "labels", "in doubt"),
    "outliers": ("outlier", "outliers", ""),
    "bad_images": (IMAGES[:-1], IMAGES, "dark, bright, blurry or empty"),
    "odd_images": (IMAGES[:-1], IMAGES, "of odd size, shape or color"),
    "object_label_issues": ("label of an object", "labels of objects", "in doubt"),
    "object_outliers": ("object", "objects", "unlike the others"),
}
"""Likewise: what a person should look at."""


def verdict(
    counts: Mapping[str, int], not_looked_for: Mapping[str, str], kind: str = IMAGES
) -> str:
    """Returns whether a set is fit for use, and what stands in the way.

    Args:
        counts: of a scan, by the names of its findings
        not_looked_for: why a finding is not known, by its name in a policy
        kind: what the set holds, in the plural
    """
    # Runs of before did not count them apart
    counts = {"bad_images": counts.get("image_issues", 0), **counts}
    faults, doubts = (_phrases(counts, kinds, kind) for kinds in (_FAULTS, _DOUBTS))
    among = f"{counts['images']:,} {kind}"
    if "objects" in counts:
        among += f" and {counts['objects']:,} objects"
    if faults:
        said = f"To mend before use: {_listed(faults)}."
        said += f" To look at: {_listed(doubts)}." if doubts else ""
    elif doubts:
        said = f"No certain fault in {among}. To look at: {_listed(doubts)}."
    else:
        said = f"Nothing was found in {among}."
    unknown = [
        name
        for name in ("leaks", "label issues", "outliers")
        # Of a set of boxes it is the objects that have labels
        if name in not_looked_for
        and ("objects" not in counts or f"object {name}" in not_looked_for)
    ]
    return said + (f" Not looked for: {_listed(unknown)}." if unknown else "")


def _phrases(
    counts: Mapping[str, int], kinds: Mapping[str, tuple[str, str, str]], kind: str
) -> list[str]:
    phrases = []
    for name, (one, several, what) in kinds.items():
        if several == IMAGES:
            one, several = kind[:-1], kind
        if count := counts.get(name, 0):
            phrases.append(f"{count:,} {one if count == 1 else several} {what}".strip())
    return phrases


def _listed(phrases: list[str]) -> str:
    *first, last = phrases
    return f"{', '.join(first)} and {last}" if first else last
