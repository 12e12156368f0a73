"""What can be asked of an action: what becomes of the files, and what stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

KEEP_TAG = "keep"


QUARANTINE, MOVE, RETAG = "quarantine", "move", "retag"


@dataclass(frozen=True, kw_only=True)
class ActionOptions:
    """How to act, and what to protect.

    Attributes:
        root (None): root folder of the images; None for their common folder
        quarantine (None): folder of the quarantine; None for one beside the root
        protect_tags ("keep"): tags of samples that stay
        protect_splits: splits whose samples stay
        protect_paths: folders whose files stay
        allow_hardlinks (False): act on files that have other hard links
        update_all_references (False): act on files that other data sets use too
    """

    root: str | None = None
    quarantine: str | None = None
    protect_tags: Sequence[str] = (KEEP_TAG,)
    protect_splits: Sequence[str] = ()
    protect_paths: Sequence[str] = ()
    allow_hardlinks: bool = False
    update_all_references: bool = False


@dataclass(frozen=True)
class Change:
    """What becomes of the files that are acted on.

    Attributes:
        action: quarantine, move or retag
        folder: that files are moved to
        label: that samples get; None for what similar images suggest
        on_disk: also move files that lie in a folder of their label's name
        allow_new_label: the label may be one that no sample has yet
        remove_samples: remove the samples from the data set as well
    """

    action: str
    folder: str | None = None
    label: str | None = None
    on_disk: bool = False
    allow_new_label: bool = False
    remove_samples: bool = False
