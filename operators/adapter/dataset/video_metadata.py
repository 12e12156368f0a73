"""What FiftyOne wants to know of videos, for which it needs a program of its own."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo

from ....core.scan.scan_data import ScanData
from .present import present


def write_video_metadata(
    dataset: fo.Dataset, ids: Sequence[str], scan_data: ScanData
) -> None:
    """Writes the metadata of videos that have none, as the scan read them.

    FiftyOne's ``compute_metadata`` needs ffprobe, and so does the App for videos
    without. Where a rate is not known, the average stands in.

    Args:
        dataset: of the videos
        ids: of the samples
        scan_data: of the scan, whose rows they are
    """
    videos, files, samples = scan_data.videos, scan_data.files, scan_data.samples
    assert videos is not None
    missing = set(present(dataset).exists("metadata", False).values("id"))
    found = {}
    for row, sample in enumerate(ids):
        file = int(samples.unique_file[row])
        if file < 0 or sample not in missing:
            continue
        rate, seconds = float(videos.rate[file]), float(files.seconds[file])
        if not rate and seconds:
            rate = int(videos.frames[file]) / seconds
        found[sample] = fo.VideoMetadata(
            size_bytes=int(samples.file_bytes[row]),
            frame_width=int(files.width[file]),
            frame_height=int(files.height[file]),
            frame_rate=rate or None,
            total_frame_count=int(videos.frames[file]),
            duration=seconds,
        )
    if found:
        dataset.set_values("metadata", found, key_field="id")
