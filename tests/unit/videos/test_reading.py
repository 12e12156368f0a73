"""What becomes of good and bad videos, each in a process that may die."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.reading.decode import decode_image
from core.reading.files import ReadFailure
from core.videos.decoder import _shrunk
from core.videos.reading import SampledFrame, VideoFacts, VideoReader

COUNT = 50


@pytest.fixture(scope="module")
def reader():
    with VideoReader(max_megapixels=8) as reader:
        yield reader


@pytest.fixture(scope="module")
def whole(tmp_path_factory, film, write_video):
    """A video of each container."""
    folder = tmp_path_factory.mktemp("videos")
    return {
        suffix: write_video(folder / f"whole.{suffix}", film(1, COUNT))
        for suffix in ("avi", "mp4", "mkv")
    }


def read(reader, path, every=0.5):
    *frames, outcome = reader.read(os.fsencode(path), every)
    assert all(isinstance(one, SampledFrame) for one in frames)
    return frames, outcome


def status(reader, path):
    frames, outcome = read(reader, path)
    assert frames == []
    assert isinstance(outcome, ReadFailure)
    return outcome.status


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv"])
def test_frames_come_at_their_times_and_the_whole_video_is_counted(
    reader, whole, suffix
):
    frames, facts = read(reader, whole[suffix])

    assert [one.number for one in frames] == [0, 13, 25, 38]
    assert [round(one.seconds, 2) for one in frames] == [0, 0.52, 1, 1.52]
    assert isinstance(facts, VideoFacts)
    assert (facts.frames, facts.width, facts.height) == (COUNT, 96, 96)
    assert (facts.rate, facts.damage, facts.is_truncated) == (25, 0, False)


def test_a_frame_is_the_picture_that_was_filmed(reader, whole, film):
    frames, _ = read(reader, whole["avi"])

    expected = list(film(1, COUNT))
    for one in frames:
        shown = decode_image(one.jpeg, side=64, max_megapixels=8).stored[..., ::-1]
        assert np.abs(shown.astype(int) - expected[one.number]).mean() < 12


@pytest.mark.parametrize("side", [50, 120, 200, 360, 500])
def test_a_frame_is_shrunk_as_by_areas_and_never_enlarged(film, side):
    frame = cv2.resize(next(iter(film(1, 1))), (480, 360))
    size = (round(480 * side / 360), side) if side < 360 else (480, 360)

    expected = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    shrunk = _shrunk(frame, side)

    assert shrunk.shape == expected.shape
    assert np.abs(shrunk.astype(int) - expected).mean() < 2


def test_every_frame_and_none_but_the_first(reader, whole):
    assert len(read(reader, whole["mp4"], 0.04)[0]) == COUNT
    assert len(read(reader, whole["mp4"], 60)[0]) == 1


def flipped(path, count=60):
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(3)
    for place in random.integers(len(data) // 4, len(data) * 3 // 4, count):
        data[place] ^= int(random.integers(1, 256))
    return bytes(data)


@pytest.mark.parametrize("suffix", ["avi", "mp4", "mkv"])
def test_a_video_that_is_damaged_inside_is_told_from_a_whole_one(
    reader, whole, tmp_path, suffix
):
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(flipped(whole[suffix]))

    frames, facts = read(reader, path)

    assert frames
    assert facts.damage > 0
    assert not facts.is_truncated


ALL_COMPLAIN = """
from core.videos import decoder
class All:
    def __contains__(self, codec): return True
decoder._COMPLAINING = All()
decoder._main()
"""
"""OpenCV writes no H.264, so that other decoders that complain stand in for it."""


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("harm", ["none", "flipped", "cut"])
def test_more_threads_see_the_same_in_whole_and_in_damaged_videos(
    whole, tmp_path, suffix, harm
):
    data = whole[suffix].read_bytes()
    harmed = {
        "none": data,
        "flipped": flipped(whole[suffix]),
        "cut": data[: -len(data) // 3],
    }
    path = tmp_path / f"{harm}.{suffix}"
    path.write_bytes(harmed[harm])

    seen = []
    for threads in (1, 2, 4):
        command = (sys.executable, "-c", ALL_COMPLAIN)
        with VideoReader(max_megapixels=8, threads=threads, command=command) as reader:
            frames, outcome = read(reader, path, 0.04)
        seen.append(([(one.number, one.jpeg) for one in frames], outcome))

    assert seen[0] == seen[1] == seen[2]


def test_what_does_not_complain_is_decoded_by_one_thread(write_video, film, tmp_path):
    path = write_video(tmp_path / "damaged.webm", film(1, COUNT))
    path.write_bytes(flipped(path))

    seen = []
    for threads in (1, 4):
        with VideoReader(max_megapixels=8, threads=threads) as reader:
            frames, _ = read(reader, path, 0.04)
        seen.append([(one.number, one.jpeg) for one in frames])

    assert seen[0] == seen[1]


def test_what_is_cut_off_is_truncated(reader, whole, tmp_path):
    for suffix in ("avi", "mkv"):
        path = tmp_path / f"cut.{suffix}"
        data = whole[suffix].read_bytes()
        path.write_bytes(data[: len(data) // 2])
        frames, facts = read(reader, path)
        assert frames
        assert facts.is_truncated

    path = tmp_path / "cut.mp4"
    data = whole["mp4"].read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert status(reader, path) == "truncated"


def test_damage_at_the_end_of_a_video_with_all_its_frames_is_no_cut(
    reader, whole, tmp_path
):
    path = tmp_path / "end.mp4"
    data = bytearray(whole["mp4"].read_bytes())
    end = data.index(b"moov") - 4
    data[end - 200 : end - 160] = bytes(40)
    path.write_bytes(bytes(data))

    _, facts = read(reader, path)

    assert facts.damage > 0
    assert facts.frames == COUNT
    assert not facts.is_truncated


def test_files_that_are_no_videos_have_a_reason(reader, whole, tmp_path):
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.avi"
    text.write_text("hello\n" * 100)
    empty.touch()

    assert status(reader, text) == "unsupported"
    assert status(reader, empty) == "empty"
    assert status(reader, tmp_path / "gone.mp4") == "missing"
    assert status(reader, tmp_path) in ("not_regular", "no_permission")
    # And the next one is read
    assert len(read(reader, whole["avi"])[0]) == 4


def test_a_playlist_that_names_other_files_is_not_opened(reader, whole, tmp_path):
    # FFmpeg knows them by their text, whatever their suffix
    for head in (
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n",
        "ffconcat version 1.0\nfile ",
    ):
        path = tmp_path / "list.mp4"
        path.write_text(f"{head}{whole['mp4']}\n")
        assert status(reader, path) == "unsupported"


def test_a_video_of_too_large_frames_is_refused(whole):
    with VideoReader(max_megapixels=0.005) as small:
        assert status(small, whole["mp4"]) == "too_large"


@pytest.mark.parametrize("name", ["a b'ü.avi", "%03d.avi", "-i.avi", "http:.avi"])
def test_any_name_is_read(reader, whole, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(whole["avi"].read_bytes())

    assert len(read(reader, path)[0]) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="others have only names of text")
def test_a_name_that_is_no_text_is_read(reader, whole, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe\n.avi"
    with open(path, "wb") as file:
        file.write(whole["avi"].read_bytes())

    assert len(read(reader, path)[0]) == 4


def test_who_stops_early_does_not_hinder_the_next(reader, whole):
    first = next(reader.read(os.fsencode(whole["mp4"]), 0.04))
    assert first.number == 0

    assert len(read(reader, whole["avi"])[0]) == 4


DIES = """
import sys, json
from core.videos import decoder
whole = decoder._decode
def decode(answers, complaints, asked):
    if b"deadly" in asked.path:
        import os; os.abort()
    if b"hangs" in asked.path:
        import time; time.sleep(600)
    if b"lies" in asked.path:
        answers.put({"kind": "end"}); return
    whole(answers, complaints, asked)
decoder._decode = decode
decoder._main()
"""


@pytest.mark.slow
def test_a_crash_a_hang_or_nonsense_costs_that_video_alone(whole, tmp_path):
    data = whole["avi"].read_bytes()
    for name in ("deadly.avi", "hangs.avi", "lies.avi"):
        (tmp_path / name).write_bytes(data)

    with VideoReader(
        max_megapixels=8, patience=20, command=(sys.executable, "-c", DIES)
    ) as reader:
        assert len(read(reader, whole["avi"])[0]) == 4
        assert "died" in read(reader, tmp_path / "deadly.avi")[1].reason
        assert len(read(reader, whole["avi"])[0]) == 4
        assert "hangs" in read(reader, tmp_path / "hangs.avi")[1].reason
        assert read(reader, tmp_path / "lies.avi")[1].status == "corrupt"
        assert len(read(reader, whole["avi"])[0]) == 4


def test_no_process_is_left_behind(whole):
    with VideoReader(max_megapixels=8) as reader:
        frames = reader.read(os.fsencode(whole["avi"]), 0.04)
        next(frames)
        child = reader._process._child
        assert child.poll() is None
    assert isinstance(child, subprocess.Popen)
    assert child.poll() is not None


def test_where_no_process_can_be_started_each_video_says_so(whole):
    with VideoReader(max_megapixels=8, command=("/nowhere",)) as reader:
        assert status(reader, whole["avi"]) == "read_error"


def test_the_decoder_itself_opens_containers_and_no_playlists(whole, tmp_path):
    shutil.copyfile(whole["mkv"], tmp_path / "part.ts")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\npart.ts\n"
        "#EXT-X-ENDLIST\n"
    )
    asked = [
        json.dumps(
            {
                "path": os.fsencode(path).hex(),
                "every": 60,
                "side": None,
                "most_pixels": 1e7,
                "threads": 1,
            }
        )
        for path in (playlist, whole["mkv"])
    ]
    answers = subprocess.run(
        [sys.executable, "-m", "core.videos.decoder"],
        input="\n".join(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
        check=True,
    ).stdout

    assert re.findall(rb'"kind": "(\w+)"', answers) == [
        b"ready",
        b"unopened",
        b"frame",
        b"end",
    ]
