"""Compares sets of images, and says and writes what came out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from ....core.common.result import TableResult
from ....core.common.text import escape_markdown
from ....core.curation.compare_sets import KINDS, NO_ROW, Comparison, compare
from ....core.errors import InputError
from ....core.progress import OnProgress
from ....core.reading.split_names import split_role
from ....core.scan.scan_data import evaluation_splits
from ....core.scan.settings import ScanSettings
from ....core.storage.cache import cache_folder
from ....core.storage.replace_file import put_in_place
from ..dataset.fields import CREATED_BY, field_name, is_ours
from ..dataset.models import load_model
from .image_sets import ImageSet, likely_model, without_samples

NEW, KNOWN, REPEAT, UNREADABLE = "new", "known", "repeat", "unreadable"
_FIELDS = {
    "status": "new, known (a copy is there already), repeat (of another new image) "
    "or unreadable",
    "kind": "How it equals the copy: bytes, pixels or near",
    "copy_of": "The closest copy",
    "copy_in": "The data set and split that the closest copy is in",
    "similarity": "Cosine similarity to the closest copy, -1 to 1",
    "copies_in": "All data sets and splits that have a copy",
    "leak": "A copy, or what may be one, is in another split, or in a test or "
    "validation split",
    "resembles": "An image that it is too plain to be told from",
    "reason": "Why the file cannot be read",
}
_KIND_NAMES = {"bytes": "same bytes", "pixels": "same pixels", "near": "near"}
_NO_SPLITS = "no splits are known"
_GROUP = "ingest"
_SHOWN = 10


@dataclass(frozen=True)
class ImageAnswer:
    """What is known of one new image.

    Attributes:
        filepath: of a folder's image inside the folder
        status: ``new``, ``known``, ``repeat`` or ``unreadable``
        kind: how it equals the closest copy: bytes, pixels or near
        copy_of: the path of that copy
        copy_in: "set" or "set/split" that it is in
        similarity: cosine to that copy
        copies_in: all that hold a copy
        leak: a copy, or what may be one, is in another split than its own, or, where
            it has none, in a test or validation split
        resembles: the path of an image that it is too plain to be told from
        reason: why it cannot be read
    """

    filepath: str
    status: str
    kind: str | None = None
    copy_of: str | None = None
    copy_in: str | None = None
    similarity: float | None = None
    copies_in: Sequence[str] = ()
    leak: bool = False
    resembles: str | None = None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class CompareReport(TableResult):
    """What a comparison found.

    Attributes:
        new: name of what was compared
        against: what it was compared with, and how many images each holds
        model: name of the embedding model
        images: an answer a new image, by path
        counts: images, new, known, repeats, leaks, too plain to tell, and unreadable
        found: "set/split" -> kind -> new images with such a copy there
        unread: set -> images there that cannot be read and were not compared
        not_looked_for: why it cannot know, by the finding's name in a policy
        written: where the answers stand; None for nowhere
    """

    new: str
    against: Mapping[str, int]
    model: str
    images: Sequence[ImageAnswer]
    counts: Mapping[str, int]
    found: Mapping[str, Mapping[str, int]]
    unread: Mapping[str, int]
    not_looked_for: Mapping[str, str]
    written: str | None = None

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        counts, sets = self.counts, ", ".join(self.against)
        return (
            f"Of {counts['images']:,} images in {self.new}: {counts['new']:,} new, "
            f"{counts['known']:,} in {sets} already, {counts['repeats']:,} repeats of "
            f"another new one, {counts['unreadable']:,} unreadable."
        )

    def details(self) -> Iterator[str]:
        """Yields what was found where, a line each."""
        for place, kinds in self.found.items():
            text = ", ".join(
                f"{_KIND_NAMES[kind]} {count:,}" for kind, count in kinds.items()
            )
            yield f"In {place}: {text}"
        for name, why in self.not_looked_for.items():
            yield f"{name.capitalize()}: not looked for, {why}"
        if self.counts["leaks"]:
            yield (
                f"Leaks: {self.counts['leaks']:,} have a copy, or what may be one, "
                "in another split, or in a test or validation split"
            )
        if self.counts["too_plain"]:
            yield (
                f"Too plain to tell: {self.counts['too_plain']:,} of the new ones may "
                "each be a copy of a page that it resembles; look at them"
            )
        for name, count in self.unread.items():
            yield f"{name}: {count:,} images cannot be read and were not compared"
        reasons = Counter(image.reason for image in self.images if image.reason)
        if reasons:
            text = ", ".join(f"{why} {count:,}" for why, count in reasons.most_common())
            yield f"Unreadable: {text}"
        if self.written:
            yield f"Written to {self.written}"

    def rows(self) -> list[dict[str, Any]]:
        """Returns the answers, a new image each."""
        return [asdict(image) for image in self.images]

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the single images as plain JSON values."""
        return {
            "new": self.new,
            "against": dict(self.against),
            "model": self.model,
            "counts": dict(self.counts),
            "found": {place: dict(kinds) for place, kinds in self.found.items()},
            "unreadable_there": dict(self.unread),
            "not_looked_for": dict(self.not_looked_for),
            "written": self.written,
        }

    def to_markdown(self) -> str:
        lines = [f"**{escape_markdown(self.summary())}**", ""]
        lines += [f"* {escape_markdown(one)}" for one in self.details()]
        copies = [image for image in self.images if image.copy_of]
        # Leaks first, then what is most surely a copy
        copies.sort(
            key=lambda image: (not image.leak, KINDS.index(image.kind or "near"))
        )
        if copies:
            lines += ["", "| image | copy of | in | how |", "| :-- | :-- | :-- | :-- |"]
        for image in copies[:_SHOWN]:
            how = f"{image.kind} {image.similarity:.2f}" + (" **leak**" * image.leak)
            names = (image.filepath, image.copy_of, image.copy_in)
            cells = [*(escape_markdown(str(name)) for name in names), how]
            lines.append("| " + " | ".join(cells) + " |")
        if len(copies) > _SHOWN:
            lines.append(f"\nand {len(copies) - _SHOWN:,} more")
        return "\n".join(lines)


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
    against = _with_distinct_names(against)
    places: list[tuple[int, str | None]] = []
    parts: list[int] = []
    for number, one in enumerate(against):
        for split in one.splits:
            if (number, split) not in places:
                places.append((number, split))
            parts.append(places.index((number, split)))
    name = model or likely_model(against)
    found = compare(
        new.paths,
        [path for one in against for path in one.paths],
        np.array(parts, np.int32),
        len(places),
        load_model(name),
        folder=cache_folder(),
        min_copy_score=settings.min_copy_score,
        min_copy_similarity=settings.min_copy_similarity,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
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


def check_names(dataset: fo.Dataset, prefix: str) -> None:
    """Raises :class:`InputError` if a field of someone else would be written."""
    if not prefix.isidentifier() or prefix.startswith("_"):
        raise InputError(
            f"prefix={prefix!r} cannot start a field name: begin with a letter, then "
            "letters, digits and underscores, for example 'ingest'."
        )
    schema = dataset.get_field_schema()
    for name in _FIELDS:
        field = schema.get(field_name(name, prefix))
        if field is not None and not is_ours(field):
            raise InputError(
                f"The field '{field_name(name, prefix)}' already exists and was not "
                "created by Winnow, so it is not changed. Give another prefix."
            )


def write_fields(images: ImageSet, report: CompareReport, prefix: str) -> str:
    """Puts the answers on the new samples; returns where they stand."""
    dataset = images.dataset
    assert dataset is not None and images.ids is not None
    check_names(dataset, prefix)
    kinds: dict[str, Any] = {
        "similarity": (fo.FloatField, None),
        "copies_in": (fo.ListField, fo.StringField),
        "leak": (fo.BooleanField, None),
    }
    names = []
    for name, description in _FIELDS.items():
        names.append(field_name(name, prefix))
        kind, subfield = kinds.get(name, (fo.StringField, None))
        info = {"created_by": CREATED_BY}
        dataset.add_sample_field(
            names[-1], kind, subfield=subfield, description=description, info=info
        )
    answers = [asdict(image) for image in report.images]
    for name, field in zip(_FIELDS, names, strict=True):
        values: dict[str, Any] = dict.fromkeys(dataset.values("id"))
        for sample, answer in zip(images.ids, answers, strict=True):
            value = answer[name]
            values[sample] = list(value) if name == "copies_in" else value
        dataset.set_values(field, values, key_field="id")
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for group in groups:
        group.paths = [path for path in group.paths or [] if path not in names]
    title = _GROUP if prefix == _GROUP else f"{_GROUP} {prefix}"
    groups = [group for group in groups if group.name != title]
    groups.append(fo.SidebarGroupDocument(name=title, paths=names))
    dataset.app_config.sidebar_groups = groups
    dataset.save()
    return f"the fields {prefix}_*"


def write_files(report: CompareReport, folder: Path) -> str:
    """Writes ``compare.jsonl`` and ``summary.json``; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(image), ensure_ascii=False) for image in report.images)
    _write(folder / "compare.jsonl", lines)
    text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False)
    _write(folder / "summary.json", [text])
    return f"{folder}/compare.jsonl and summary.json"


def _write(path: Path, lines: Iterable[str]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    put_in_place(part, path)


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
) -> list[ImageAnswer]:
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
            answers.append(ImageAnswer(path, UNREADABLE, reason=failure.status))
            continue
        held = np.flatnonzero(found.match[row] != NO_ROW).tolist()
        if held:
            best = min(
                held,
                key=lambda n: (found.kind[row, n], -found.similarity[row, n], n),
            )
            answers.append(
                ImageAnswer(
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
                ImageAnswer(
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
                ImageAnswer(
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
