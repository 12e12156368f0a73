"""Groups of images that show one scene."""

import numpy as np

from core.findings.scenes import NO_GROUP, find_scenes

TRAIN, TEST, NOWHERE = 0, 1, -1


def scenes_of(count, pairs, *, cluster=None, images=None, split=None, rank=None):
    return find_scenes(
        np.arange(count, dtype=np.int32) if images is None else np.array(images),
        np.array([-1] * count if cluster is None else cluster, np.int64),
        np.array(pairs, np.int32).reshape(-1, 2),
        np.arange(count) if rank is None else np.array(rank),
        np.array([NOWHERE] * count if split is None else split, np.int32),
        2,
    )


def test_moments_of_a_scene_are_a_group_and_what_is_alone_has_none():
    found = scenes_of(5, [(0, 1), (1, 2)])

    assert found.group.tolist() == [0, 0, 0, NO_GROUP, NO_GROUP]
    assert found.size.tolist() == [3, 3, 3, 0, 0]


def test_copies_of_a_moment_are_in_its_group_and_count():
    found = scenes_of(4, [(0, 2)], cluster=[7, 7, -1, -1])

    assert found.group.tolist() == [0, 0, 0, NO_GROUP]
    assert found.size.tolist() == [3, 3, 3, 0]


def test_copies_alone_are_no_scene():
    assert scenes_of(2, [(0, 1)], cluster=[0, 0]).group.tolist() == [NO_GROUP] * 2


def test_a_slow_pan_is_more_than_one_group():
    count = 60
    found = scenes_of(count, [(i, i + 1) for i in range(count - 1)])

    assert (found.group != NO_GROUP).all()
    for number in np.unique(found.group):
        # Two steps from the center, and one that is left over at each end
        assert np.ptp(np.flatnonzero(found.group == number)) <= 6


def test_a_fixed_camera_is_one_group():
    every = [(a, b) for a in range(30) for b in range(a)]

    assert set(scenes_of(30, every).group.tolist()) == {0}


def test_the_largest_group_has_the_first_number_then_the_first_path():
    found = scenes_of(7, [(0, 1), (2, 3), (4, 5), (5, 6)], rank=[6, 5, 1, 0, 4, 3, 2])

    assert found.group.tolist() == [2, 2, 1, 1, 0, 0, 0]


def test_neither_the_order_of_rows_nor_that_of_pairs_matters():
    random = np.random.default_rng(3)
    pairs = random.integers(0, 40, (60, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    there = scenes_of(40, pairs)
    order = random.permutation(40)
    place = np.empty(40, np.int64)
    place[order] = np.arange(40)
    here = scenes_of(40, random.permutation(place[pairs])[:, ::-1], rank=order)

    assert here.group.tolist() == there.group[order].tolist()


def test_a_moment_in_another_split_is_a_leak_of_the_scene():
    found = scenes_of(4, [(0, 1), (1, 2)], split=[TRAIN, TEST, TEST, TRAIN])

    assert found.elsewhere.tolist() == [
        [False, True],
        [True, False],
        [False, False],
        [False, False],
    ]


def test_unreadable_files_have_no_scene():
    found = scenes_of(3, [(0, 1)], images=[0, 1, -1], split=[TRAIN, TEST, TEST])

    assert found.group.tolist() == [0, 0, NO_GROUP]
    assert not found.elsewhere[2].any()


def test_a_set_without_images_has_no_scenes():
    assert scenes_of(0, []).group.tolist() == []


def recorded(sequence, pairs, **more):
    split = np.array(more.pop("split", [NOWHERE] * len(sequence)), np.int32)
    count = len(sequence)
    return find_scenes(
        np.array(more.pop("images", np.arange(count)), np.int32),
        np.full(count, -1),
        np.array(pairs, np.int32).reshape(-1, 2),
        np.arange(count),
        split,
        2,
        np.array(sequence, np.int32),
    )


def test_a_recording_is_one_scene_however_unlike_its_frames():
    found = recorded([0, 0, 0, 1, 1, -1], [])

    assert found.group.tolist() == [0, 0, 0, 1, 1, NO_GROUP]


def test_a_view_of_a_recorded_scene_is_in_its_group():
    found = recorded([0, 0, 0, -1, -1], [(1, 3)])

    assert found.group.tolist() == [0, 0, 0, 0, NO_GROUP]


def test_frames_in_another_split_are_another_moment_there():
    found = recorded([0, 0, 0, 1, 1], [], split=[0, 0, 1, 0, 0])

    assert found.elsewhere[:, TEST].tolist() == [True, True, False, False, False]
    assert found.elsewhere[:, TRAIN].tolist() == [False, False, True, False, False]


def test_one_frame_that_is_like_another_recording_does_not_flag_all_frames():
    found = recorded([0, 0, 0, 1, 1, 1], [(1, 4)], split=[0, 0, 0, 1, 1, 1])

    assert set(found.group.tolist()) == {0}
    assert found.elsewhere.any(axis=1).tolist() == [False, True, False] * 2


def test_a_picture_in_two_recordings_is_a_frame_of_each():
    found = recorded([0, 0, 1, 1, 1], [], images=[0, 1, 1, 2, 3])

    assert found.group.tolist() == [1, 1, 0, 0, 0]
