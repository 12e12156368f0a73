"""Makes an image data set of the frames of videos that differ."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.common.cpu import available_cores
from ....core.common.result import TableResult
from ....core.curation.thin import check_flag, check_min_change, in_part_text
from ....core.errors import CurationError, InputError
from ....core.models.registry import DEFAULT_MODEL
from ....core.progress import OnProgress, Progress
from ....core.reading.decode import DEFAULT_MAX_MEGAPIXELS
from ....core.reading.files import ReadFailure
from ....core.videos.reading import SampledFrame, VideoFacts, VideoReader
from ....core.videos.sampling import DEFAULT_EVERY, FrameSampler, check_every
from ..dataset.fields import is_ours
from ..dataset.internals import dataset_of
from ..dataset.models import load_model

RECORDING, NUMBER, SECONDS = "video_id", "frame_number", "timestamp"
_LISTED = 10
_OWN = ("id", "filepath", "tags", "metadata", "created_at", "last_modified_at")


@dataclass(frozen=True)
class FrameChoice:
    """What can be chosen.

    Attributes:
        output_dir: the folder for the frames, new or empty
        every (0.5): seconds between the frames that are looked at, 0.04 to 60
        min_change (0.05): cosine distance of the copy vectors from the last kept frame
            from which on a frame is kept
        keep_parts (False): also keep a frame of which a part differs from the last kept
            one, as where something small came or went before a fixed camera. Where
            something always moves, nearly all are kept
        name (None): of the new data set; None for that of the videos with "-frames"
        max_megapixels (64): videos of larger frames are reported, not decoded
    """

    output_dir: str | Path
    every: float = DEFAULT_EVERY
    min_change: float = 0.05
    keep_parts: bool = False
    name: str | None = None
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS

    def __post_init__(self) -> None:
        check_every(self.every)
        check_min_change(self.min_change)
        check_flag("keep_parts", self.keep_parts)


@dataclass(frozen=True)
class VideoLine:
    """What came of one video.

    Attributes:
        filepath: of the video
        frames: that were kept
        seconds: that it lasts; None if it cannot be read
        status: ``ok``, ``damaged``, ``truncated``, or why it cannot be read
        reason: a few words, empty for ``ok``
    """

    filepath: str
    frames: int
    seconds: float | None
    status: str
    reason: str


@dataclass(frozen=True, eq=False)
class FramesReport(TableResult):
    """The frames that were written.

    Attributes:
        dataset: the new data set of images
        videos: what came of each video
        output_dir: the folder
        in_part: frames that were left out and differ from the kept one in a part
    """

    dataset: fo.Dataset
    videos: list[VideoLine]
    output_dir: str
    in_part: int

    @property
    def frames(self) -> int:
        """Frames that were written."""
        return sum(one.frames for one in self.videos)

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        seconds = sum(one.seconds or 0 for one in self.videos)
        return (
            f"{self.frames:,} frames that differ, of {len(self.videos):,} videos of "
            f"{_duration(seconds)}, are in {self.output_dir} and the data set "
            f"'{self.dataset.name}'."
        )

    def details(self) -> Iterator[str]:
        """Yields which videos are not whole, a line each."""
        bad = [one for one in self.videos if one.status != "ok"]
        for one in bad[:_LISTED]:
            yield f"{Path(one.filepath).name}: {one.status}, {one.reason}"
        if len(bad) > _LISTED:
            yield f"and {len(bad) - _LISTED:,} more videos that are not whole"
        if self.in_part:
            yield in_part_text(self.in_part)
        yield f'Scan it with sequence_field="{RECORDING}", so that leaks are found'

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the videos."""
        for one in self.videos:
            yield {
                "filepath": one.filepath,
                "frames": one.frames,
                "seconds": one.seconds,
                "status": one.status,
                "reason": one.reason,
            }

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        return {
            "dataset": self.dataset.name,
            "output_dir": self.output_dir,
            "frames": self.frames,
            "left_out_in_part": self.in_part,
            "videos": list(self.rows()),
        }


def sample_frames(
    videos: fo.core.collections.SampleCollection,
    folder: Path,
    choice: FrameChoice,
    on_progress: OnProgress,
) -> FramesReport:
    """Writes the frames that differ, and makes a data set of them.

    Args:
        videos: a data set of videos, or a view
        folder: to write to, new or empty
        choice: what is asked for
        on_progress: told after each video; may raise to cancel

    Raises:
        InputError: no videos, a folder that is not empty, or a name that is taken;
            nothing was written
        CurationError: the folder cannot be written; what is there stays, and there is
            no data set
    """
    view = _video_view(videos)
    name = choice.name or f"{dataset_of(view).name}-frames"
    if fo.dataset_exists(name):
        raise InputError(
            f"There is a data set '{name}' already. Give another name with name=, or "
            "delete it first."
        )
    embedder = load_model(DEFAULT_MODEL)
    schema = dataset_of(view).get_field_schema()
    ours = {name for name, field in schema.items() if is_ours(field)}
    lines, samples = [], []
    taken: set[str] = set()
    with VideoReader(
        max_megapixels=choice.max_megapixels, threads=available_cores()
    ) as reader:
        sampler = FrameSampler(
            reader,
            embedder,
            every=choice.every,
            min_change=choice.min_change,
            keep_parts=choice.keep_parts,
        )
        for number, video in enumerate(view.iter_samples()):
            on_progress(Progress("Reading videos", number, len(view)))
            stem = _free_stem(Path(video.filepath).stem, taken)
            kept, outcome = 0, None
            for found in sampler.kept(os.fsencode(video.filepath)):
                if not isinstance(found, SampledFrame):
                    outcome = found
                    break
                path = folder / f"{stem}_{found.number + 1:06d}.jpg"
                _write(path, found.jpeg)
                samples.append(_sample(video, path, found, ours))
                kept += 1
            assert outcome is not None
            lines.append(_line(video.filepath, kept, outcome))
    on_progress(Progress("Reading videos", len(view), len(view)))
    if not samples:
        why = "; ".join(f"{one.filepath}: {one.reason}" for one in lines[:3])
        raise InputError(
            f"Not one frame of these videos can be read, so there is no data set. {why}"
        )
    dataset = fo.Dataset(name, persistent=True)
    dataset.add_samples(samples, progress=False)
    return FramesReport(dataset, lines, str(folder), sampler.in_part)


def _video_view(videos: fo.core.collections.SampleCollection) -> fo.DatasetView:
    view = videos.view()
    if view.media_type != "video":
        raise InputError(
            f"'{dataset_of(view).name}' holds media of type '{view.media_type}', and "
            "frames are of videos. Thin images with thin."
        )
    if not len(view):
        raise InputError("There are no videos in it.")
    return view.sort_by("filepath")


def _free_stem(stem: str, taken: set[str]) -> str:
    """Returns a name for the frames of a video that no other video has."""
    name, number = stem, 1
    # File systems of other machines may not tell cases apart
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x": nothing that is there is ever written over
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise CurationError(
            f"{path} could not be written: {error.strerror}. The frames before it are "
            "in the folder; make room and begin again with a new one."
        ) from error


def _sample(
    video: fo.Sample, path: Path, found: SampledFrame, ours: Collection[str]
) -> fo.Sample:
    """Returns the sample of a frame, with the labels of the video and of the frame.

    FiftyOne counts frames from 1.

    Args:
        video: its sample
        path: of the frame
        found: the frame
        ours: fields that say what Winnow found of the video, and nothing of frames
    """
    number = found.number + 1
    fields: dict[str, Any] = {
        name: video[name]
        for name in video.field_names
        if name not in (*_OWN, "frames", *ours) and not name.startswith("_")
    }
    if number in video.frames:
        frame = video.frames[number]
        fields |= {
            name: frame[name]
            for name in frame.field_names
            if name not in (*_OWN, "frame_number") and not name.startswith("_")
        }
    fields = {name: value for name, value in fields.items() if value is not None}
    own: Mapping[str, Any] = {
        RECORDING: str(video.id),
        NUMBER: number,
        SECONDS: found.seconds,
    }
    return fo.Sample(
        filepath=str(path), tags=list(video.tags), **{**_copied(fields), **own}
    )


def _copied(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values for another sample: labels with ids of their own."""
    return {
        name: value.copy() if hasattr(value, "copy") else value
        for name, value in fields.items()
    }


def _line(path: str, kept: int, outcome: VideoFacts | ReadFailure) -> VideoLine:
    if isinstance(outcome, ReadFailure):
        return VideoLine(path, kept, None, outcome.status, outcome.reason)
    status, reason = "ok", ""
    if outcome.is_truncated:
        status = "truncated"
        reason = f"it breaks off after {outcome.frames:,} frames"
    elif outcome.damage:
        status = "damaged"
        reason = (
            f"{outcome.damage:,} complaints of the decoder from frame "
            f"{outcome.first_damage or 0:,} on"
        )
        if outcome.frames < outcome.announced:
            reason += (
                f"; {outcome.frames:,} of {outcome.announced:,} frames were decoded"
            )
    return VideoLine(path, kept, outcome.seconds, status, reason)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
