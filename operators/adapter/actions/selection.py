"""What an action is for: which samples a person chooses, and what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from ....core.errors import InputError
from ....core.findings.duplicates import KINDS
from ....core.findings.image_issues import ISSUES, SURE_ISSUES
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.set_registry import SET_FINDINGS

PROVEN = "proven"
"""What may go without a person's eyes."""

WHAT = {
    PROVEN: "Safe by proof: exact copies, damaged files, exact leaks",
    "duplicates": "Duplicates: all but the copy to keep",
    "leaks": "Leaks: images with a copy in another split",
    "label_issues": "Labels that seem wrong",
    "outliers": "Outliers",
    "image_issues": "Bad images: damaged, dark, blurry ...",
    "unreadable": "Files that are damaged or empty",
    "not_read": "Files that may be whole, but are of a kind or size that is not read",
    "may_go": "What you decided may go",
    "relabel": "Labels that you decided to correct",
    "bursts": "Frames that show no more than a kept one, where thin was run",
    "tag": "Samples with a tag",
    "view": "The samples of the current view",
    "selected": "The selected samples",
}
"""What can be acted on, and how a form calls it."""


@dataclass(frozen=True)
class Selection:
    """The images to act on.

    Attributes:
        what (None): what to act on: ``proven`` (what ``clean`` recommends),
            ``duplicates`` (all but the keepers; with
            ``kinds``), ``leaks`` (the side to remove, or that of ``split``; with
            ``between`` only those of two splits), ``label_issues`` (with ``pair``),
            ``outliers``, ``image_issues`` (with ``issues``), ``unreadable``,
            ``not_read``, ``may_go`` and ``relabel`` (what was decided of them),
            ``bursts`` (what ``thin`` found to be redundant), ``tag`` (with ``tag``), or
            ``view`` for all samples of the view
        kinds (all): kinds of duplicates: ``bytes``, ``pixels`` and ``near``
        include_conflicts (False): include duplicates with different labels
        split (None): the side of leaks to act on; None for the side that the scan
            marks with leak_remove
        tag (None): tag of the samples, for ``what="tag"``
        issues: image issues; those that only differ from their set must be named
        pair (None): given and suggested label that limit label issues; None for all
        between (None): two splits that limit leaks; None for all
        prefix (None): prefix of the scan's fields
    """

    # No option: whether findings of objects can be chosen
    takes_objects = False

    what: str | None = None
    _: KW_ONLY
    kinds: Sequence[str] = KINDS
    include_conflicts: bool = False
    split: str | None = None
    tag: str | None = None
    issues: Sequence[str] = SURE_ISSUES
    pair: Sequence[str] | None = None
    between: Sequence[str] | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what in OBJECT_FINDINGS and not self.takes_objects:
            raise InputError(
                f"'{self.what}' is a finding of objects, and this works on whole "
                "images. Use retag for other labels, or remove_objects."
            )
        if self.what in SET_FINDINGS:
            raise InputError(
                f"'{self.what}' is a finding of the set as a whole, and its images are "
                "no worse than others. Look at them with show."
            )
        known = (*WHAT, *OBJECT_FINDINGS) if self.takes_objects else WHAT
        if self.what is not None and self.what not in known:
            hint = ""
            if self.what == "redundant_copies":
                hint = " 'duplicates' takes all copies but the one to keep of each."
            raise InputError(
                f"what={self.what!r} is not known.{hint} Use one of: "
                f"{', '.join(known)}."
            )
        _check_among("kinds", self.kinds, KINDS)
        _check_among("issues", self.issues, ISSUES)
        _check_two("pair", self.pair, "given and suggested label")
        _check_two("between", self.between, "splits")
        if self.what == "tag" and not self.tag:
            raise InputError("Say which tag: tag='outdated', for example.")


@dataclass(frozen=True, slots=True)
class Choice:
    """A sample that is acted on.

    Attributes:
        row: of the samples
        why: a few words
        kept_copy: row of the copy that stays; None if none is needed
        refusal: why it must be left alone
        label: that a person decided it should get; None for the action's
    """

    row: int
    why: str
    kept_copy: int | None = None
    refusal: str | None = None
    label: str | None = None


def _check_among(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [one for one in given if one not in known]
    if unknown or isinstance(given, str):
        raise InputError(f"{name}={given!r} must be a list of: {', '.join(known)}.")


def _check_two(name: str, given: Sequence[str] | None, what: str) -> None:
    if given is not None and (isinstance(given, str) or len(given) != 2):
        raise InputError(f"{name}={given!r} must be a list of two: {what}.")
