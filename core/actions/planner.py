"""Makes a plan of what was asked for: what would move, what is refused, why.

The disk is only looked at.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ActionError, UnsafePathError
from ..progress import OnProgress, Progress, silent
from .filesystem import Disk, FileIdentity, Tree
from .limits import Group, Totals, emptied, groups_of, why_count_is_needed
from .plan import (
    ActionPlan,
    KeptCopy,
    PlannedItem,
    Refusal,
    forget_other_plans,
    write_plan,
)
from .quarantine import FILES, check_quarantine, is_quarantined, on_one_disk
from .session import why_not

# FiftyOne keeps "s3://bucket/a.jpg" as "/working/folder/s3:/bucket/a.jpg"
_REMOTE = re.compile(r"(^|/)[A-Za-z][A-Za-z0-9+.-]+:/")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_ANY_WRITE = 0o222
_MAX_NAME_BYTES = 255
_ITEMS_A_REPORT = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """A file, with its samples, that somebody wants to be acted on.

    Attributes:
        path: absolute, as the data set has it
        why: a few words
        records: what the data set's side needs to know, one a sample; JSON
        label: of its samples
        split: of its samples
        sha256: of its bytes as scanned; None if it was not scanned
        kept_copy: path, SHA-256 and sample id of the copy that stays
        target: where it goes, relative to the target root; None for a place
            in the quarantine
        stays: True if only the data set's side changes
        refusal: why it must be left alone
    """

    path: str
    why: str
    records: list[Any]
    label: str | None = None
    split: str | None = None
    sha256: str | None = None
    kept_copy: tuple[str, str, str] | None = None
    target: str | None = None
    stays: bool = False
    refusal: str | None = None


@dataclass(frozen=True)
class Where:
    """Between which folders files move.

    Attributes:
        root: the folder the files lie in, free of symbolic links
        alias: the same folder, as the data set spells it
        quarantine: the data set's
        target_root: for an action that moves elsewhere
    """

    root: str
    alias: str
    quarantine: str
    target_root: str | None = None


@dataclass(frozen=True)
class Rules:
    """What a plan must keep to.

    Attributes:
        allow_hardlinks: act on a file that has other names too
        may_empty: a class may lose all its samples, as by renaming it
    """

    allow_hardlinks: bool = False
    may_empty: bool = False


def make_plan(
    action: str,
    requests: Sequence[Request],
    *,
    where: Where,
    totals: Totals,
    rules: Rules,
    folder: Path,
    options: Mapping[str, Any],
    disk: Disk | None = None,
    on_progress: OnProgress = silent,
) -> ActionPlan:
    """Checks every request and writes the plan.

    Args:
        action: quarantine, move or retag
        requests: what was asked for, in the order of the plan
        where: between which folders
        totals: of the data set, for the limits
        rules: what is allowed
        folder: where plans wait until they are applied
        options: what the data set's side needs; JSON
        disk: the system calls
        on_progress: told now and then; may raise to stop

    Raises:
        ActionError: the quarantine cannot be used, the root is not there, or files
            are left alone on this system
    """
    disk = disk or Disk()
    if not os.path.isdir(where.root):
        raise ActionError(f"There is no folder {where.root}, so nothing can be moved.")
    check_quarantine(where.quarantine, where.root)
    if where.target_root is not None and not on_one_disk(where.root, where.target_root):
        raise ActionError(
            f"{where.target_root} is on another disk than {where.root}, and a file is "
            "only ever renamed, never copied. Choose a folder on the same disk."
        )
    with _Planner(disk, requests, where, rules) as planner:
        planned, unjustified = Counter[Group](), Counter[Group]()
        for line in planner.lines(frozenset(), on_progress):
            if isinstance(line, PlannedItem):
                for group in groups_of(line.label, line.split):
                    planned[group] += len(line.records)
                    unjustified[group] += len(line.records) * (line.kept_copy is None)
        full = frozenset[Group]() if rules.may_empty else emptied(planned, totals)
        header = {
            "action": action,
            "root": where.root,
            "target_root": where.target_root,
            "quarantine": where.quarantine,
            "options": {**options, "creates": sorted(planner.missing_folders)},
        }
        plan = write_plan(
            folder,
            header,
            planner.lines(full, silent),
            why_count_is_needed(unjustified, totals),
        )
    forget_other_plans(folder)
    return plan


class _Planner:
    """Turns requests into items or refusals."""

    def __init__(
        self, disk: Disk, requests: Sequence[Request], where: Where, rules: Rules
    ) -> None:
        self._requests = requests
        self._where = where
        self._rules = rules
        self._source = Tree(disk, where.root)
        self._everything = Tree(disk, "/")
        self._victims = {_absolute(where, request.path) for request in requests}
        self.missing_folders: set[str] = set()

    def __enter__(self) -> _Planner:
        return self

    def __exit__(self, *error: object) -> None:
        self._source.__exit__()
        self._everything.__exit__()

    def lines(
        self, full: frozenset[Group], on_progress: OnProgress
    ) -> Iterator[PlannedItem | Refusal]:
        """Yields an item or a refusal a request.

        Args:
            full: groups of which the plan would take all
            on_progress: told now and then
        """
        self._seen: set[tuple[int, int]] = set()
        self._taken: set[str] = set()
        number = 0
        for done, request in enumerate(self._requests, 1):
            line = self._line(request, number, full)
            number += isinstance(line, PlannedItem)
            yield line
            if done % _ITEMS_A_REPORT == 0:
                on_progress(Progress("Looking at the files", done, len(self._requests)))

    def _line(
        self, request: Request, number: int, full: frozenset[Group]
    ) -> PlannedItem | Refusal:
        try:
            return self._item(request, number, full)
        except _Refused as refused:
            return Refusal(request.path, str(refused))
        except UnsafePathError:
            return Refusal(request.path, "its path goes through a symbolic link")
        except OSError as error:
            return Refusal(request.path, why_not(error))
        except ValueError:
            # A null byte, or a character that no file system has
            return Refusal(request.path, "its path cannot be that of a file")

    def _item(
        self, request: Request, number: int, full: frozenset[Group]
    ) -> PlannedItem:
        if request.refusal:
            raise _Refused(request.refusal)
        for kind, name in groups_of(request.label, request.split):
            if (kind, name) in full:
                raise _Refused(f"nothing would be left of {kind} {name}".rstrip())
        source = os.path.relpath(_absolute(self._where, request.path), self._where.root)
        identity = target = kept_copy = None
        if not request.stays:
            identity = self._identity(request, source)
            kept_copy = self._kept_copy(request, identity)
            target = self._target(request, source, number)
        return PlannedItem(
            number,
            source,
            target,
            identity,
            request.sha256,
            kept_copy,
            request.why,
            request.label,
            request.split,
            request.records,
        )

    def _identity(self, request: Request, source: str) -> FileIdentity:
        if _REMOTE.search(request.path):
            raise _Refused("it is not on this machine")
        if ".." in request.path.split("/"):
            raise _Refused("its path has '..', which may lead through a link")
        if is_quarantined(request.path):
            raise _Refused("it is in quarantine already")
        if source.startswith("../"):
            raise _Refused(f"it is outside of {self._where.root}")
        identity = self._source.identity(source)
        if identity is None:
            raise _Refused("the file is missing")
        if stat.S_ISLNK(identity.mode):
            raise _Refused("it is a symbolic link")
        if not identity.is_regular:
            raise _Refused("it is not a regular file")
        if not identity.mode & _ANY_WRITE:
            raise _Refused("it is read-only, which protects it")
        if identity.links > 1 and not self._rules.allow_hardlinks:
            raise _Refused("it has other names (hard links): no space would be freed")
        place = identity.device, identity.inode
        if place in self._seen:
            raise _Refused("it is the same file as another of the plan")
        self._seen.add(place)
        return identity

    def _kept_copy(self, request: Request, victim: FileIdentity) -> KeptCopy | None:
        if request.kept_copy is None:
            return None
        path, sha256, sample = request.kept_copy
        folder, name = os.path.split(path)
        path = os.path.join(os.path.realpath(folder), name)
        if is_quarantined(path):
            raise _Refused("the copy to keep is in quarantine")
        if path in self._victims:
            raise _Refused("the copy to keep would be removed as well")
        identity = self._everything.identity(path[1:])
        if identity is None or not identity.is_regular:
            raise _Refused("the copy to keep is not there")
        if identity.same_file(victim):
            raise _Refused("it and the copy to keep are one file")
        return KeptCopy(path, identity, sha256, sample)

    def _target(self, request: Request, source: str, number: int) -> str:
        if request.target is None:
            suffix = os.path.splitext(source)[1]
            kept = suffix if _SUFFIX.fullmatch(suffix) else ""
            return f"{FILES}/{number:08d}{kept}"
        assert self._where.target_root is not None, "a target needs a target root"
        if request.target == source and self._where.target_root == self._where.root:
            raise _Refused("it is there already")
        return self._free_name(self._where.target_root, request.target)

    def _free_name(self, root: str, target: str) -> str:
        """Returns the target, or the next name beside it that is not taken."""
        self._note_missing_folders(root, os.path.dirname(target))
        stem, suffix = os.path.splitext(target)
        for number in itertools.count(2):
            if len(os.fsencode(os.path.basename(target))) > _MAX_NAME_BYTES:
                raise _Refused("its new name would be too long")
            if target not in self._taken and not os.path.lexists(f"{root}/{target}"):
                self._taken.add(target)
                return target
            target = f"{stem}-{number}{suffix}"
        raise AssertionError("unreachable")

    def _note_missing_folders(self, root: str, folder: str) -> None:
        while folder and folder not in self.missing_folders:
            if os.path.lexists(f"{root}/{folder}"):
                return
            self.missing_folders.add(folder)
            folder = os.path.dirname(folder)


class _Refused(Exception):
    """Why one request is left alone."""


def _absolute(where: Where, path: str) -> str:
    """Returns a path with the root spelled as the file system does."""
    path = os.path.normpath(path)
    if path.startswith(where.alias.rstrip("/") + "/"):
        return os.path.join(where.root, os.path.relpath(path, where.alias))
    return path
