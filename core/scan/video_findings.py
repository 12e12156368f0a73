"""What is found of videos beyond what is found of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.schema import Segment
from ..videos.segments import LOOKS_OF_FRAMES, SEGMENTS
from ..videos.video_data import VideoData
from ..videos.video_pairs import shared_intros
from .columns import ColumnOf, of_values
from .scan_data import ScanData, first_samples

SHORT_SECONDS = 1.0
_SAME_STRETCH = 0.5
"""Of the frames of either, that are in both of two stretches."""

FILE_ISSUES = ("truncated", "short", "variable_rate")
VIDEO_ISSUES = (*LOOKS_OF_FRAMES, *FILE_ISSUES)


def video_columns(
    scan_data: ScanData, accepted: NDArray[np.bool_]
) -> dict[str, ColumnOf]:
    """Returns what makes each of :data:`core.findings.schema.VIDEO_FIELDS`.

    Args:
        scan_data: of n samples
        accepted: bool[p], the pairs that are copies
    """
    videos = scan_data.videos
    if videos is None:
        return {}
    of_file = [*map(_told, _segments(scan_data, videos, accepted)), None]
    issues = [*_issues(scan_data, videos), None]
    files = scan_data.samples.unique_file.tolist()
    return {
        "video_issues": of_values([issues[file] for file in files]),
        "winnow_segments": of_values([of_file[file] for file in files]),
    }


def _segments(
    scan_data: ScanData, videos: VideoData, accepted: NDArray[np.bool_]
) -> list[list[Segment]]:
    """Returns the stretches of each unique file, in order."""
    found: list[list[Segment]] = [[] for _ in range(len(videos.rate))]
    own = videos.segments
    for video, kind, first, last in zip(
        own.video.tolist(),
        own.kind.tolist(),
        own.first.tolist(),
        own.last.tolist(),
        strict=True,
    ):
        found[video].append(Segment(SEGMENTS[kind], first + 1, last + 1))
    pairs, sample_of = videos.pairs, first_samples(scan_data)
    intro = shared_intros(pairs, scan_data.files.seconds)
    for row in np.flatnonzero(pairs.agrees).tolist():
        label = "copy" if accepted[row] else "intro" if intro[row] else "shared"
        for here in (0, 1):
            video, other = pairs.videos[row, [here, 1 - here]].tolist()
            if min(sample_of[[video, other]]) < 0:
                continue
            first, last = _frames(videos, scan_data, video, pairs.stretch[row, here])
            share = round(float(pairs.share[row]), 4)
            shown = Segment(label, first, last, share, int(sample_of[other]))
            found[video].append(shown)
    return found


def _told(stretches: list[Segment]) -> list[Segment]:
    """Returns the stretches of a video in order, what is all but the same once.

    A video may have a thousand copies: of each stretch the one that is shown by the
    most alike is told.
    """
    told: list[Segment] = []
    for one in sorted(stretches, key=lambda one: -(one.score or 0)):
        if not any(_is_told(one, other) for other in told):
            told.append(one)
    return sorted(told, key=lambda one: (one.first, one.last, one.label))


def _is_told(one: Segment, other: Segment) -> bool:
    both = min(one.last, other.last) - max(one.first, other.first) + 1
    either = max(one.last, other.last) - min(one.first, other.first) + 1
    return one.label == other.label and both >= _SAME_STRETCH * either


def _frames(
    videos: VideoData, scan_data: ScanData, video: int, stretch: NDArray[np.float64]
) -> tuple[int, int]:
    """Returns the first and the last frame of a stretch in seconds, from 1."""
    count = int(videos.frames[video])
    rate = count / max(float(scan_data.files.seconds[video]), 1e-9)
    first, last = (np.round(stretch * rate)).astype(int).tolist()
    first = min(max(first, 0), count - 1)
    return first + 1, min(max(last, first + 1), count)


def _issues(scan_data: ScanData, videos: VideoData) -> list[list[str]]:
    """Returns the issues of each unique file."""
    count = len(videos.rate)
    flags = np.zeros((count, len(VIDEO_ISSUES)), bool)
    looks = videos.segments.kind < len(LOOKS_OF_FRAMES)
    flags[videos.segments.video[looks], videos.segments.kind[looks]] = True
    flags[:, len(LOOKS_OF_FRAMES) :] = np.stack(
        [
            videos.is_truncated,
            scan_data.files.seconds < SHORT_SECONDS,
            videos.has_variable_rate,
        ],
        axis=1,
    )
    return [
        [name for name, flag in zip(VIDEO_ISSUES, row, strict=True) if flag]
        for row in flags.tolist()
    ]


def count_video_issues(
    scan_data: ScanData, columns: Mapping[str, Sequence[Any]]
) -> dict[str, int]:
    """Returns how many videos have each issue, and how many stretches there are."""
    if scan_data.videos is None:
        return {}
    files, played = scan_data.samples.unique_file, scan_data.videos.is_played
    names = [name for row in columns["video_issues"] if row for name in row]
    labels = [one.label for row in columns["winnow_segments"] if row for one in row]
    return {
        "video_issues": sum(bool(row) for row in columns["video_issues"]),
        "videos_not_played": int((~played[files[files >= 0]]).sum()),
        **{f"video_{name}": names.count(name) for name in VIDEO_ISSUES},
        **{f"segments_{name}": labels.count(name) for name in SEGMENTS},
    }
