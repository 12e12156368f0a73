"""Between which folders an action moves files."""

from __future__ import annotations

import os
from pathlib import Path

from ....core.actions.planner import Where
from ....core.actions.quarantine import quarantine_of
from ....core.errors import InputError
from ..dataset.internals import dataset_id
from .action_options import QUARANTINE, RETAG, ActionOptions, Change
from .sample_index import SampleIndex


def root_of(index: SampleIndex, given: str | None) -> str:
    """Returns the folder that holds the images, as the data set spells it.

    Raises:
        InputError: it cannot be told, or is not there
    """
    known = given or index.folder
    is_told = given or index.dataset.info.get("root")
    if not is_told and (len(Path(known).parts) < 3 or Path(known) == Path.home()):
        raise InputError(
            f"The images have no folder in common but {known}, which is too much "
            "to move files in. Give root=FOLDER, the folder that holds the images."
        )
    folder = os.path.abspath(os.path.expanduser(known))
    if not os.path.isdir(folder):
        raise InputError(f"The folder {folder} of the images is not there.")
    return folder


def where_of(index: SampleIndex, change: Change, options: ActionOptions) -> Where:
    """Returns between which folders files move."""
    alias = root_of(index, options.root)
    root = os.path.realpath(alias)
    base = os.path.dirname(root)
    if options.quarantine is not None:
        base = os.path.realpath(os.path.expanduser(options.quarantine))
    quarantine = quarantine_of(dataset_id(index.dataset), base)
    if change.action == QUARANTINE:
        return Where(root, alias, quarantine)
    if change.action == RETAG:
        return Where(root, alias, quarantine, root)
    if not change.folder:
        raise InputError("Say to which folder: output_dir='set-aside', for example.")
    return Where(root, alias, quarantine, _existing(move_folder(change, alias)))


def move_folder(change: Change, alias: str) -> str:
    """Returns where files are moved to; a relative folder starts at the root."""
    assert change.folder is not None
    return os.path.realpath(os.path.join(alias, os.path.expanduser(change.folder)))


def _existing(folder: str) -> str:
    """Returns the folder, or the nearest above it that exists."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def target_alias(change: Change, where: Where) -> str | None:
    """Returns the folder of the target, as the data set spells it."""
    return where.alias if change.action == RETAG else where.target_root
