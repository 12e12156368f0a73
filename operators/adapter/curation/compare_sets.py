"""Compares sets of images or videos, and says and writes what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....core.curation.compare_images import compare_images
from ....core.curation.compare_videos import compare_sets_of_videos
from ....core.curation.comparison import KINDS, NO_ROW, Comparison
from ....core.embedding.records import ImageEmbedder
from ....core.errors import InputError
from ....core.progress import OnProgress
from ....core.reading.image_names import VIDEOS
from ....core.reading.split_names import split_role
from ....core.scan.scan_data import evaluation_splits
from ....core.scan.settings import ScanSettings
from ....core.storage.cache import cache_folder
from ..dataset.models import load_model
from .compare_report import KNOWN, NEW, REPEAT, UNREADABLE, Answer, CompareReport
from .image_sets import ImageSet, likely_model, without_samples

_NO_SPLITS = "no splits are known"


def compare_sets(
    new: ImageSet,
    against: Sequence[ImageSet],
    model: str | None,
    settings: ScanSettings,
    on_progress: OnProgress,
) -> CompareReport:
    """Looks for each new image in the other sets.

    Samples that stand on both sides are compared as new ones only.
    """
    if new.ids is not None and new.dataset is not None:
        against = [
            without_samples(one, new.ids) if one.dataset == new.dataset else one
            for one in against
        ]
    if not any(one.paths for one in against):
        raise InputError(
            "There is nothing to compare with: what is there holds no other images."
        )
    _check_kinds(new, against)
    against = _with_distinct_names(against)
    places: list[tuple[int, str | None]] = []
    parts: list[int] = []
    for number, one in enumerate(against):
        for split in one.splits:
            if (number, split) not in places:
                places.append((number, split))
            parts.append(places.index((number, split)))
    name = model or likely_model(against)
    there = [path for one in against for path in one.paths]
    found = _compared(
        new, there, parts, len(places), load_model(name), settings, on_progress
    )
    shown = [against[n].name + (f"/{s}" if s else "") for n, s in places]
    images = _answers(new, against, places, shown, found)
    counts = Counter(image.status for image in images)
    kinds = {
        place: {
            kind: int((found.kind[:, number] == code).sum())
            for code, kind in enumerate(KINDS)
        }
        for number, place in enumerate(shown)
    }
    owner = np.repeat(np.arange(len(against)), [len(one.paths) for one in against])
    unread = np.bincount(owner[found.unread], minlength=len(against)).tolist()
    return CompareReport(
        new=new.name,
        against={one.name: len(one.paths) for one in against},
        model=name,
        kind=VIDEOS if new.of_videos else "images",
        images=images,
        counts={
            "images": len(images),
            "new": counts[NEW],
            "known": counts[KNOWN],
            "repeats": counts[REPEAT],
            "leaks": sum(image.leak for image in images),
            "too_plain": sum(image.resembles is not None for image in images),
            "unreadable": counts[UNREADABLE],
        },
        found={
            place: {kind: count for kind, count in own.items() if count}
            for place, own in kinds.items()
            if any(own.values())
        },
        unread={one.name: n for one, n in zip(against, unread, strict=True) if n},
        not_looked_for={} if _may_leak(new, against) else {"leaks": _NO_SPLITS},
    )


def _compared(
    new: ImageSet,
    there: list[bytes],
    parts: list[int],
    part_count: int,
    embedder: ImageEmbedder,
    settings: ScanSettings,
    on_progress: OnProgress,
) -> Comparison:
    part, folder = np.array(parts, np.int32), cache_folder()
    if new.of_videos:
        return compare_sets_of_videos(
            new.paths,
            there,
            part,
            part_count,
            embedder,
            folder=folder,
            every=settings.every,
            min_shared=settings.min_shared,
            max_megapixels=settings.max_megapixels,
            on_progress=on_progress,
        )
    return compare_images(
        new.paths,
        there,
        part,
        part_count,
        embedder,
        folder=folder,
        min_copy_score=settings.min_copy_score,
        min_copy_similarity=settings.min_copy_similarity,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )


def _check_kinds(new: ImageSet, against: Sequence[ImageSet]) -> None:
    """Raises :class:`InputError` unless all are of images, or all of videos."""
    for one in against:
        if one.of_videos != new.of_videos:
            kinds = ["videos" if it.of_videos else "images" for it in (new, one)]
            raise InputError(
                f"'{new.name}' holds {kinds[0]} and '{one.name}' {kinds[1]}, which "
                "cannot be compared. Compare images with images, and videos with "
                "videos; sample_frames makes images of videos."
            )


def _with_distinct_names(sets: Sequence[ImageSet]) -> list[ImageSet]:
    """Returns the sets; of those of one name, such as two folders, numbered."""
    times: Counter[str] = Counter()
    found = []
    for one in sets:
        times[one.name] += 1
        number = times[one.name]
        name = one.name if number == 1 else f"{one.name} ({number})"
        found.append(replace(one, name=name))
    return found


def _answers(
    new: ImageSet,
    against: Sequence[ImageSet],
    places: Sequence[tuple[int, str | None]],
    shown: Sequence[str],
    found: Comparison,
) -> list[Answer]:
    starts = np.cumsum([0, *(len(one.paths) for one in against)]).tolist()
    tests = {
        number
        for number, (_, split) in enumerate(places)
        if split is not None and evaluation_splits([split])
    }

    def leaks(row: int, held: Sequence[int]) -> bool:
        own = new.splits[row]
        return any(_leaks(own, places[n][1], n in tests) for n in held)

    def shown_there(number: int, row: int) -> str:
        one = places[number][0]
        return against[one].shown(row - starts[one])

    answers = []
    for row in range(len(new.paths)):
        path = new.shown(row)
        failure = found.failures.get(row)
        if failure is not None:
            answers.append(Answer(path, UNREADABLE, reason=failure.status))
            continue
        held = np.flatnonzero(found.match[row] != NO_ROW).tolist()
        if held:
            best = min(
                held,
                key=lambda n: (found.kind[row, n], -found.similarity[row, n], n),
            )
            answers.append(
                Answer(
                    path,
                    KNOWN,
                    KINDS[found.kind[row, best]],
                    shown_there(best, int(found.match[row, best])),
                    shown[best],
                    round(float(found.similarity[row, best]), 6),
                    tuple(shown[n] for n in held),
                    leaks(row, held),
                )
            )
        elif found.repeat_of[row] != NO_ROW:
            answers.append(
                Answer(
                    path,
                    REPEAT,
                    KINDS[found.repeat_kind[row]],
                    new.shown(int(found.repeat_of[row])),
                    new.name,
                    round(float(found.repeat_similarity[row]), 6),
                )
            )
        else:
            like = np.flatnonzero(found.resembles[row] != NO_ROW).tolist()
            first = like[0] if like else None
            answers.append(
                Answer(
                    path,
                    NEW,
                    leak=leaks(row, like),
                    resembles=None
                    if first is None
                    else shown_there(first, int(found.resembles[row, first])),
                )
            )
    return answers


def _may_leak(new: ImageSet, against: Sequence[ImageSet]) -> bool:
    """True if the splits that are known could make a copy a leak."""
    splits = {split for one in against for split in one.splits if split is not None}
    return bool(
        evaluation_splits(sorted(splits)) or (splits and {*new.splits} - {None})
    )


def _leaks(own: str | None, other: str | None, other_is_test: bool) -> bool:
    """True if an image of a split may not have a copy in another one."""
    if other is None:
        return False
    if own is None:
        return other_is_test
    # By what they are for: train2017 and training are no two splits
    roles = split_role(own), split_role(other)
    if None not in roles:
        return roles[0] != roles[1]
    return own.lower() != other.lower()
