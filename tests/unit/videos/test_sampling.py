"""Which frames of a video are kept."""

import os

import numpy as np
import pytest

from core.errors import InputError
from core.models.registry import load_embedder
from core.videos.reading import SampledFrame, VideoReader
from core.videos.sampling import FrameSampler, check_every


@pytest.fixture(scope="module")
def embedder():
    return load_embedder("efficientnet-lite0")


def kept(path, embedder, *, every=0.2, min_change=0.05, **more):
    with VideoReader(max_megapixels=8) as reader:
        sampler = FrameSampler(
            reader, embedder, every=every, min_change=min_change, **more
        )
        return [
            one.number
            for one in sampler.kept(os.fsencode(path))
            if isinstance(one, SampledFrame)
        ]


def test_of_a_picture_that_stands_still_one_frame_is_kept(
    tmp_path, film, write_video, embedder
):
    first, second = next(film(1, 1)), next(film(2, 1))
    path = write_video(tmp_path / "still.avi", [first] * 40 + [second] * 40)

    assert kept(path, embedder) == [0, 40]


def test_a_slow_fade_is_kept_in_parts(tmp_path, film, write_video, embedder):
    first, second = next(film(1, 1)), next(film(2, 1))
    mix = np.linspace(0, 1, 100)[:, None, None, None]
    path = write_video(
        tmp_path / "fade.avi", (first * (1 - mix) + second * mix).astype(np.uint8)
    )

    found = kept(path, embedder, every=0.04)

    assert 3 <= len(found) < 60
    assert found[0] == 0


def test_something_small_before_a_fixed_camera_is_kept_where_that_is_asked_for(
    tmp_path, film, write_video, embedder
):
    empty = next(film(1, 1))
    with_dot = empty.copy()
    with_dot[40:46, 40:46] = 255 * (empty[40:46, 40:46].mean() < 127)
    frames = [empty] * 20 + [with_dot] * 20 + [empty] * 20
    path = write_video(tmp_path / "dot.avi", frames)

    assert kept(path, embedder) == [0]
    found = kept(path, embedder, keep_parts=True)
    assert [number // 20 for number in found] == [0, 1, 2]


def test_more_change_keeps_fewer(tmp_path, film, write_video, embedder):
    path = write_video(tmp_path / "moves.avi", film(3, 60))

    counts = [
        len(kept(path, embedder, min_change=change)) for change in (0.01, 0.1, 0.5)
    ]

    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@pytest.mark.parametrize("value", [0, 0.01, 61, -1, "1", True, float("nan"), None])
def test_a_step_that_cannot_be_is_refused(value):
    with pytest.raises(InputError, match="seconds"):
        check_every(value)


def test_a_frame_that_is_held_is_not_embedded_again(
    tmp_path, film, write_video, embedder
):
    path = write_video(tmp_path / "still.avi", [next(film(1, 1))] * 60)
    embedded = []

    class Counting:
        input_size = embedder.input_size

        def open_session(self):
            session = embedder.open_session()

            def embed(squares):
                embedded.extend(squares)
                return session(squares)

            return embed

    assert kept(path, Counting()) == [0]
    assert len(embedded) == 1
