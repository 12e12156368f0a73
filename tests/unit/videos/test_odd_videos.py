"""Videos that are whole and unlike others: turned, without a rate or a picture."""

import os
import re
import struct
import sys

import numpy as np
import pytest

from core.reading.files import ReadFailure
from core.reading.folders import list_images
from core.videos.codec_names import codec_of
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


@pytest.mark.parametrize(
    ("suffix", "known", "odd", "name"),
    [
        ("avi", b"MJPG", b"ZZZZ", "ZZZZ"),
        ("mp4", b"mp4v", b"zz9v", "zz9v"),
        ("mkv", b"V_MPEG4", b"V_ZPEG4", "ZPEG4/ISO/ASP"),
    ],
)
def test_a_codec_that_nobody_knows_is_unsupported_and_named(
    tmp_path, film, write_video, suffix, known, odd, name
):
    path = write_video(tmp_path / f"odd.{suffix}", film(1, COUNT))
    path.write_bytes(path.read_bytes().replace(known, odd))

    # FFmpeg guesses the codec of an MP4 whose name for it is odd
    assert codec_of(os.fsencode(path)) == name
    if suffix != "mp4":
        with VideoReader(max_megapixels=8) as reader:
            _, outcome = read(reader, path)
        assert isinstance(outcome, ReadFailure)
        assert outcome.status == "unsupported"
        assert f"its codec, {name}," in outcome.reason


def test_an_encrypted_video_is_unsupported(reader, patched):
    path = patched(b"mp4v", 0, b"encv")
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    noise = np.random.default_rng(0).integers(0, 256, end - begin, np.uint8)
    data[begin:end] = noise.tobytes()
    path.write_bytes(bytes(data))

    _, outcome = read(reader, path)

    assert outcome == ReadFailure("unsupported", "it is encrypted")


def test_a_header_that_tells_more_frames_than_there_are_is_no_damage(
    reader, tmp_path, film, write_video
):
    path = write_video(tmp_path / "lies.avi", film(1, COUNT))
    data = bytearray(path.read_bytes())
    # The frame counts of the main and of the stream header
    for name, offset in ((b"avih", 24), (b"strh", 40)):
        at = data.index(name) + offset
        assert struct.unpack("<I", data[at : at + 4]) == (COUNT,)
        data[at : at + 4] = struct.pack("<I", 20 * COUNT)
    path.write_bytes(bytes(data))

    _, facts = read(reader, path)

    assert (facts.frames, facts.announced) == (COUNT, 20 * COUNT)
    assert (facts.damage, facts.is_truncated) == (0, False)


def test_of_what_is_no_video_no_codec_is_told(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("no video at all " * 1000)

    assert codec_of(os.fsencode(path)) is None
    assert codec_of(os.fsencode(tmp_path / "gone")) is None
    assert codec_of(os.fsencode(tmp_path)) is None


WITHOUT_AV1 = """
from core.videos import decoder
class Video:
    # What OpenCV is where the library has no decoder of AV1
    def __init__(self, *more): pass
    def isOpened(self): return True
    def set(self, *more): pass
    def get(self, what): return 0.0
    def release(self): pass
    def grab(self):
        import os
        os.write(2, b"[av1 @ 0x55dd3fe18580] Your platform doesn't support hardware "
            b"accelerated AV1 decoding.\\n[av1 @ 0x55dd3fe18580] Failed to get pixel "
            b"format.\\n[av1 @ 0x55dd3fe18580] Get current frame error\\n")
        return False
import cv2
cv2.VideoCapture = Video
decoder._main()
"""


def test_a_codec_without_a_decoder_here_is_unsupported_not_corrupt(
    tmp_path, film, write_video
):
    path = write_video(tmp_path / "av1.mp4", film(1, COUNT))
    path.write_bytes(path.read_bytes().replace(b"mp4v", b"av01"))

    command = (sys.executable, "-c", WITHOUT_AV1)
    with VideoReader(max_megapixels=8, command=command) as reader:
        _, outcome = read(reader, path)

    assert isinstance(outcome, ReadFailure)
    assert outcome.status == "unsupported"
    assert "its codec, av01," in outcome.reason


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


def test_frames_come_when_they_are_shown_and_not_by_the_rate(
    reader, tmp_path, film, write_video
):
    path = write_video(tmp_path / "late.mkv", film(1, COUNT))
    data = bytearray(path.read_bytes())
    # Each cluster of Matroska says when it begins, in milliseconds (RFC 9559, 5.1.3)
    for place in re.finditer(rb"\x1f\x43\xb6\x75.{1,8}?\xe7\x82(..)", data, re.DOTALL):
        (begin,) = struct.unpack(">H", place[1])
        late = 3000 * (begin >= 1000)
        data[place.start(1) : place.end(1)] = struct.pack(">H", begin + late)
    path.write_bytes(bytes(data))

    frames, facts = read(reader, path)

    behind = [round(one.seconds - one.number / 25, 2) for one in frames]
    assert behind == sorted(behind)
    assert set(behind) == {0, 3}
    assert facts.has_variable_rate


def test_moving_pictures_that_are_images_stay_images(tmp_path):
    for name in ("a.gif", "b.png", "c.mp4"):
        (tmp_path / name).write_bytes(b"GIF89a" + bytes(40))

    listing = list_images(tmp_path)

    assert not listing.of_videos
    assert [os.path.basename(one.path) for one in listing.images] == ["a.gif", "b.png"]
    assert listing.skipped["videos"] == 1
