"""Videos that are whole and unlike others: turned, without a rate or a picture."""

import os
import struct

import pytest

from core.reading.files import ReadFailure
from core.reading.folders import list_images
from core.videos.decoder import _Intervals
from core.videos.reading import VideoReader

WIDE, HIGH, COUNT = 96, 64, 50
_MATRIX, _TIMESCALE = 44, 16
"""Bytes from the name of a box to what is patched (ISO 14496-12, 8.3.2 and 8.4.2)."""


@pytest.fixture(scope="module")
def reader():
    with VideoReader(max_megapixels=8) as reader:
        yield reader


@pytest.fixture
def patched(tmp_path, film, write_video):
    """Writes an MP4 of which some bytes after the name of a box are others."""
    whole = write_video(
        tmp_path / "whole.mp4", [frame[:HIGH] for frame in film(1, COUNT)]
    )

    def patch(name, offset, new):
        data = bytearray(whole.read_bytes())
        at = data.rindex(name) + offset
        data[at : at + len(new)] = new
        path = tmp_path / "patched.mp4"
        path.write_bytes(bytes(data))
        return path

    return patch


def read(reader, path, every=0.5):
    *frames, outcome = reader.read(os.fsencode(path), every)
    return frames, outcome


def test_a_video_of_a_turned_phone_comes_upright(reader, patched):
    turned = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, HIGH << 16, 0, 1 << 30)

    frames, facts = read(reader, patched(b"tkhd", _MATRIX, turned))

    assert (facts.width, facts.height) == (HIGH, WIDE)
    assert len(frames) == 4


def test_without_a_usual_rate_every_25th_frame_is_looked_at(reader, patched):
    # As a camera for slow motion writes: 25 frames a second become 100,000
    path = patched(b"mdhd", _TIMESCALE, struct.pack(">I", 12800 * 4000))

    frames, facts = read(reader, path)

    assert facts.rate == 0
    assert [one.number for one in frames] == [0, 25]


def test_a_file_without_a_video_stream_is_unsupported(reader, patched):
    _, outcome = read(reader, patched(b"vide", 0, b"soun"))

    assert isinstance(outcome, ReadFailure)
    assert outcome.status == "unsupported"


def test_a_codec_that_nobody_knows_is_unsupported(reader, tmp_path, film, write_video):
    path = write_video(tmp_path / "odd.avi", film(1, COUNT))
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZZZZ"))

    _, outcome = read(reader, path)

    assert isinstance(outcome, ReadFailure)
    assert outcome.status == "unsupported"


@pytest.mark.parametrize(
    ("times", "vary"),
    [
        ([0.0, 0.04, 0.08, 0.12], False),
        ([0.0, 0.033, 0.067, 0.1, 0.167], False),  # one frame is left out
        ([0.0, 0.02, 0.04, 0.5, 0.52], True),
        ([0.0], False),
    ],
)
def test_a_rate_that_varies_is_told_from_a_frame_that_is_missing(times, vary):
    intervals = _Intervals()
    for seconds in times:
        intervals.note(seconds)

    assert intervals.vary is vary


def test_moving_pictures_that_are_images_stay_images(tmp_path):
    for name in ("a.gif", "b.png", "c.mp4"):
        (tmp_path / name).write_bytes(b"GIF89a" + bytes(40))

    listing = list_images(tmp_path)

    assert not listing.of_videos
    assert [os.path.basename(one.path) for one in listing.images] == ["a.gif", "b.png"]
    assert listing.skipped["videos"] == 1
