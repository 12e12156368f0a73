"""What came out of a comparison of sets of images or videos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ....core.common.result import TableResult
from ....core.common.text import escape_markdown
from ....core.curation.comparison import KINDS
from ....core.reading.image_names import VIDEOS

NEW, KNOWN, REPEAT, UNREADABLE = "new", "known", "repeat", "unreadable"
_KIND_NAMES = {"bytes": "same bytes", "pixels": "same pixels", "near": "near"}
_SHOWN = 10


@dataclass(frozen=True)
class Answer:
    """What is known of one new image or video.

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
        resembles: the path of an image that it is too plain to be told from, or of a
            video of which it shows a part
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
        kind: what was compared, images or videos
        images: an answer a new image or video, by path
        counts: images, new, known, repeats, leaks, too plain to tell, and unreadable
        found: "set/split" -> kind -> new images with such a copy there
        unread: set -> images there that cannot be read and were not compared
        not_looked_for: why it cannot know, by the finding's name in a policy
        written: where the answers stand; None for nowhere
    """

    new: str
    against: Mapping[str, int]
    model: str
    kind: str
    images: Sequence[Answer]
    counts: Mapping[str, int]
    found: Mapping[str, Mapping[str, int]]
    unread: Mapping[str, int]
    not_looked_for: Mapping[str, str]
    written: str | None = None

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        counts, sets = self.counts, ", ".join(self.against)
        return (
            f"Of {counts['images']:,} {self.kind} in {self.new}: {counts['new']:,} "
            f"new, {counts['known']:,} in {sets} already, {counts['repeats']:,} "
            f"repeats of another new one, {counts['unreadable']:,} unreadable."
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
        if self.counts["too_plain"] and self.kind == VIDEOS:
            yield (
                f"In part: {self.counts['too_plain']:,} of the new ones share a "
                "stretch with a video that is there, and show more"
            )
        elif self.counts["too_plain"]:
            yield (
                f"Too plain to tell: {self.counts['too_plain']:,} of the new ones may "
                "each be a copy of a page that it resembles; look at them"
            )
        for name, count in self.unread.items():
            yield f"{name}: {count:,} {self.kind} cannot be read and were not compared"
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
            "kind": self.kind,
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
            lines += [
                "",
                f"| {self.kind[:-1]} | copy of | in | how |",
                "| :-- | :-- | :-- | :-- |",
            ]
        for image in copies[:_SHOWN]:
            how = f"{image.kind} {image.similarity:.2f}" + (" **leak**" * image.leak)
            names = (image.filepath, image.copy_of, image.copy_in)
            cells = [*(escape_markdown(str(name)) for name in names), how]
            lines.append("| " + " | ".join(cells) + " |")
        if len(copies) > _SHOWN:
            lines.append(f"\nand {len(copies) - _SHOWN:,} more")
        return "\n".join(lines)
