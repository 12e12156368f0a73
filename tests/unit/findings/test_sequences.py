"""Which images are frames of one recording."""

import calendar
import itertools

import numpy as np
import pytest

from core.findings.sequence_proof import CopyPairs, confirmed
from core.findings.sequence_proposals import (
    sequences_by_field,
    sequences_by_name,
    sequences_by_time,
)
from core.findings.sequences import (
    NO_SEQUENCE,
    Sequences,
    find_sequence_leaks,
    joined,
    no_sequences,
)


def named(*paths):
    """The sequences of files as name -> places by path."""
    found = sequences_by_name([path.encode() for path in paths])
    groups = {name: {} for name in found.names}
    for path, code, place in zip(
        paths, found.code.tolist(), found.place.tolist(), strict=True
    ):
        if code != NO_SEQUENCE:
            groups[found.names[code]][path] = place
    return groups


def numbered(pattern, numbers):
    return [pattern.format(number) for number in numbers]


def walk(count, step, seed=0, dim=64):
    """Unit vectors, each a step from the one before."""
    random = np.random.default_rng(seed)
    moves = random.normal(size=(count, dim)) * step
    moves[0] = random.normal(size=dim)
    vectors = np.cumsum(moves, axis=0)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def test_files_that_differ_in_their_last_number_are_a_sequence():
    cams = numbered("/d/cam2/seq_{:06}.jpg", range(4)) + numbered(
        "/d/rec-2024-05-01_frame{}.png", (12, 13, 14)
    )

    assert named(*cams, "/d/other.jpg") == {
        "cam2/seq_#": dict(zip(cams[:4], range(4), strict=True)),
        "rec-2024-05-01_frame#": dict(zip(cams[4:], (12, 13, 14), strict=True)),
    }


def test_two_files_or_numbers_without_a_step_are_none():
    assert named("/d/a_1.jpg", "/d/a_2.jpg") == {}
    assert named(*numbered("/d/{}.jpg", (139, 285, 632, 724, 776, 1000, 4501))) == {}


@pytest.mark.parametrize("names", [["a.jpg"] * 3, ["", "/", "//"], ["9" * 40] * 4])
def test_names_without_a_usable_number_are_none(names):
    assert named(*names) == {}


def test_numbers_may_have_gaps_leading_zeros_and_one_step():
    found = named(*numbered("/d/f{:04}.jpg", (5, 10, 15, 30, 35, 40)))

    assert [*found["d/f#"].values()] == [5, 10, 15, 30, 35, 40]


def test_times_in_nanoseconds_are_numbers_with_nearly_one_step():
    stamps = [
        1_403_636_579_763_555_584 // 10 + i * 5_000_000 + (i % 3) * 1000
        for i in range(8)
    ]

    assert len(named(*numbered("/d/{}.png", stamps))) == 1


def test_folders_of_splits_hold_parts_of_one_recording():
    train = numbered("/d/train/images/rec_{}.jpg", (1, 2, 4, 5, 7))
    test = numbered("/d/test/images/rec_{}.jpg", (3, 6))

    assert [*named(*train, *test)] == ["images/rec_#"]


def test_splits_that_were_numbered_apart_are_several_recordings():
    train = numbered("/d/train/{}.jpg", range(9))
    test = numbered("/d/test/{}.jpg", range(4))

    assert sorted(map(len, named(*train, *test).values())) == [4, 9]


def test_a_few_leaked_copies_do_not_part_a_recording():
    train = numbered("/d/train/rec{}.jpg", (1, 2, 3, 4, 5, 6))
    test = numbered("/d/test/rec{}.jpg", (6, 7, 8, 9))

    assert [*map(len, named(*train, *test).values())] == [10]


def test_what_roboflow_adds_to_a_name_is_passed_over():
    files = [f"/d/frame_{i}_jpg.rf.{i:032x}.jpg" for i in range(1, 5)]

    assert [*named(*files)["d/frame_#"].values()] == [1, 2, 3, 4]


def test_recordings_of_one_name_in_two_folders_are_two():
    files = [f"/d/{place}/{i:03}.jpg" for place in ("a", "b") for i in range(3)]

    assert [*named(*files)] == ["a", "b"]


def test_the_order_of_the_files_changes_no_sequence():
    files = numbered("/d/train/a_{}.jpg", range(5)) + numbered("/d/b{}x.jpg", range(4))
    expected = named(*files)

    for order in itertools.islice(itertools.permutations(files), 0, 5000, 700):
        assert named(*order) == {
            name: {path: group[path] for path in order if path in group}
            for name, group in expected.items()
        }


def test_pictures_of_one_camera_within_two_seconds_are_a_burst():
    start = calendar.timegm((2024, 5, 1, 12, 0, 0))
    captured = start + np.array([0, 0.3, 2.2, 9, 9.5, np.nan, 0.1, 11])
    camera = np.array([1, 1, 1, 1, 1, 1, 2, 1])

    found = sequences_by_time(captured, camera, np.arange(8))

    assert found.code.tolist() == [0, 0, 0, 1, 1, -1, -1, 1]
    assert found.place.tolist()[:5] == [0, 1, 2, 0, 1]
    assert found.names[0] == "burst of 2024-05-01 12:00:00"


def test_a_field_needs_no_proof_and_is_ordered_by_number_or_path():
    paths = [b"/d/9.jpg", b"/d/10.jpg", b"/d/11.jpg", b"/d/b.jpg", b"/d/a.jpg"]
    found = sequences_by_field(
        np.array([0, 0, 0, 1, 1], np.int32),
        ["x", "y"],
        paths,
        np.array([2, 0, 1, 4, 3]),
    )

    assert found.place.tolist() == [9, 10, 11, 1, 0]
    assert found.names == ["x", "y"]


def one_sequence(count):
    return Sequences(
        np.zeros(count, np.int32), np.arange(count), np.ones(1), ["frames"]
    )


@pytest.mark.parametrize("count", [3, 9, 10, 40, 2000])
def test_neighbors_that_are_alike_are_frames(count):
    vectors = walk(count, 0.2)

    found = confirmed(one_sequence(count), np.arange(count, dtype=np.int32), vectors)

    assert (found.code == 0).all()


@pytest.mark.parametrize(
    ("count", "likeness"),
    # Few and nearly equal pictures cannot be told from frames
    [(3, 0.3), (9, 0.85), (10, 0.85), (40, 0.3), (40, 0.97), (2000, 0.97)],
)
def test_numbered_pictures_of_one_kind_are_no_frames(count, likeness):
    random = np.random.default_rng(2)
    noise = random.normal(size=(count, 256)) / 16
    vectors = np.sqrt(likeness) * np.eye(256)[0] + np.sqrt(1 - likeness) * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = confirmed(one_sequence(count), np.arange(count, dtype=np.int32), vectors)

    assert (found.code == NO_SEQUENCE).all()
    assert found.names == []


@pytest.mark.parametrize(
    ("count", "in_order", "are_frames"),
    [(5, True, False), (20, False, False), (20, True, True), (200, True, True)],
)
def test_pages_are_frames_only_if_they_are_many_and_in_order(
    count, in_order, are_frames
):
    vectors = walk(count, 0.2)
    own = np.arange(count, dtype=np.int32)
    if not in_order:
        vectors = np.random.default_rng(1).permutation(vectors)
        vectors = (vectors + 4 * vectors.mean(axis=0)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    pages = confirmed(one_sequence(count), own, vectors, None, lambda _: True)

    assert pages.names == ["frames"] * are_frames
    photographs = confirmed(one_sequence(count), own, vectors)
    assert photographs.names == ["frames"]


def common(vectors, likeness):
    """The vectors with so much in common, as pictures of one kind have."""
    shared = np.sqrt(likeness) * np.eye(1, vectors.shape[1] + 1, vectors.shape[1])
    both = np.pad(np.sqrt(1 - likeness) * vectors, [(0, 0), (0, 1)]) + shared
    return both.astype(np.float32)


@pytest.mark.parametrize("place", ["by place", "shuffled"])
def test_a_series_recorded_piece_by_piece_falls_into_its_pieces(place):
    """Slices of 40 patients, three to eight of each, numbered through."""
    sizes = 3 + np.arange(40) * 7 % 6
    slices = [walk(size, 0.8, seed) for seed, size in enumerate(sizes)]
    vectors = common(np.concatenate(slices), 0.5)
    patient = np.repeat(np.arange(40), sizes)
    own = np.arange(len(patient), dtype=np.int32)
    if place == "shuffled":
        own = np.random.default_rng(4).permutation(own)
    proposed = Sequences(
        np.zeros(len(own), np.int32), own.astype(np.int64), np.ones(1), ["p"]
    )

    found = confirmed(proposed, own, vectors)

    pieces = [
        np.sort(own[found.code == code]).tolist() for code in range(len(found.names))
    ]
    # Neighbors of two patients are by chance as alike as 2.5 % of all images are
    assert sum(len(set(patient[piece])) > 1 for piece in pieces) <= 2
    assert sum(map(len, pieces)) > 0.8 * len(own)
    assert found.names == [f"p {piece[0]}-{piece[-1]}" for piece in pieces]
    assert len(found.step) == len(pieces)


def test_things_of_one_batch_are_no_recording():
    """Cells of ten modules: like one another in a module, in no order there."""
    random = np.random.default_rng(5)
    cells = np.repeat(walk(10, 5, dim=256), 30, axis=0)
    cells = cells + random.normal(size=cells.shape) * 0.02
    cells = (cells / np.linalg.norm(cells, axis=1, keepdims=True)).astype(np.float32)
    own = np.arange(300, dtype=np.int32)
    near = (cells[1:] * cells[:-1]).sum(axis=1)
    assert np.median(near) > 0.9

    assert confirmed(one_sequence(300), own, cells).names == []


@pytest.mark.parametrize("step", [0.2, 0.8])
def test_a_film_with_cuts_is_a_recording_or_its_shots_are(step):
    shots = np.repeat(np.arange(25), 8)
    film = np.concatenate([walk(8, step, seed) for seed in range(25)])
    film = common(film, 0.4)
    own = np.arange(len(film), dtype=np.int32)

    found = confirmed(one_sequence(len(film)), own, film)

    inside = found.code >= 0
    assert inside.mean() > 0.9
    one_each = len({*zip(found.code[inside], shots[inside], strict=True)})
    assert (len(found.names), one_each) == (1 if step == 0.2 else 25, 25)


def test_what_passes_a_fixed_camera_does_not_part_its_recording():
    frames = common(walk(200, 0.05), 0.5)
    passing = common(walk(200, 5, seed=1), 0.5)
    frames[7::20] = passing[7::20]
    own = np.arange(200, dtype=np.int32)

    assert confirmed(one_sequence(200), own, frames).names == ["frames"]


def test_an_uneven_drive_is_one_recording():
    """Some neighbors are as unlike as far images are, but none much more."""
    random = np.random.default_rng(8)
    view = random.normal(size=(200, 12))
    for before in range(199):
        view[before + 1] = 0.4 * view[before] + 0.92 * view[before + 1]
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    frames, own = common(view, 0.8), np.arange(200, dtype=np.int32)
    near = (frames[1:] * frames[:-1]).sum(axis=1)
    far = (frames[100:] * frames[:-100]).sum(axis=1)
    assert 0.02 < (near < np.median(far)).mean() < 0.2

    assert confirmed(one_sequence(200), own, frames).names == ["frames"]


def test_augmented_frames_are_no_breaks():
    """Of each frame three pictures, which differ more than the next frame."""
    frames = common(walk(60, 0.3, dim=256), 0.5)
    random = np.random.default_rng(6)
    augmented = np.repeat(frames, 3, axis=0)
    augmented = augmented + random.normal(size=augmented.shape) * 0.014
    augmented /= np.linalg.norm(augmented, axis=1, keepdims=True)
    proposed = Sequences(
        np.zeros(180, np.int32), np.repeat(np.arange(60), 3), np.ones(1), ["frames"]
    )

    found = confirmed(proposed, np.arange(180, dtype=np.int32), augmented)

    assert found.names == ["frames"]


def test_files_that_cannot_be_read_are_passed_over():
    image = np.array([0, -1, 1, 2], np.int32)

    assert (confirmed(one_sequence(4), image, walk(3, 0.1)).code == 0).all()


def test_copies_of_one_file_are_one_frame():
    image = np.array([0, 0, 1], np.int32)

    assert confirmed(one_sequence(3), image, walk(3, 0.1)).names == []


def copies(pairs, *, mirrored=True):
    pairs = np.array(pairs, np.int32).reshape(-1, 2)
    return CopyPairs(pairs, np.full(len(pairs), mirrored))


def test_augmented_pictures_are_no_recording():
    """Two pictures, ten of each, and some of each mirrored."""
    vectors = np.repeat(walk(2, 0.2), 10, axis=0)
    own = np.arange(20, dtype=np.int32)
    some = [[0, 3], [4, 7], [12, 15]]
    elsewhere = [[one, other + 20] for one, other in some]
    proposed = one_sequence(20)

    assert confirmed(proposed, own, vectors).names == ["frames"]
    assert confirmed(proposed, own, vectors, copies(some)).names == []
    for pairs in (copies([]), copies(elsewhere), copies(some, mirrored=False)):
        assert confirmed(proposed, own, vectors, pairs).names == ["frames"]


def test_augmented_frames_that_bear_the_number_of_their_frame_are_a_recording():
    vectors = np.repeat(walk(10, 0.2), 2, axis=0)
    proposed = Sequences(
        np.zeros(20, np.int32), np.repeat(np.arange(10), 2), np.ones(1), ["frames"]
    )
    mirrored = copies(np.arange(20).reshape(-1, 2))

    found = confirmed(proposed, np.arange(20, dtype=np.int32), vectors, mirrored)

    assert found.names == ["frames"]


def test_a_recording_stays_one_where_copies_of_its_frames_lie_elsewhere():
    frames, others = walk(6, 0.2), walk(54, 5, seed=1)
    vectors = np.concatenate([frames, others, frames[:2]])
    leaked = copies([[0, 60], [61, 1]], mirrored=False)
    own = np.arange(6, dtype=np.int32)

    assert confirmed(one_sequence(6), own, vectors).names == []
    assert confirmed(one_sequence(6), own, vectors, leaked).names == ["frames"]


def test_few_pictures_as_alike_as_others_are_by_chance_are_no_frames():
    random = np.random.default_rng(3)
    faces = np.eye(64)[0] + random.normal(size=(200, 64)) * 0.03
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    proposed, own = one_sequence(4), np.arange(4, dtype=np.int32)

    assert confirmed(proposed, own, faces).names == []
    assert confirmed(proposed, own, faces[:20]).names == ["frames"]
    assert confirmed(proposed, own, faces, by_time=True).names == ["frames"]
    frames = np.concatenate([walk(4, 0.1), faces])
    assert confirmed(proposed, own, frames).names == ["frames"]


def test_what_is_left_of_a_burst_beside_a_sequence_is_dropped_if_too_few():
    by_name = Sequences(
        np.array([0, 0, 0, -1, -1], np.int32), np.arange(5), np.ones(1), ["a"]
    )
    by_time = Sequences(np.zeros(5, np.int32), np.arange(5), np.ones(1), ["a"])

    assert joined(by_name, by_time).code.tolist() == [0, 0, 0, -1, -1]
    assert joined(no_sequences(5), by_time).code.tolist() == [0] * 5
    assert joined(by_name, no_sequences(5)).names == ["a"]


def test_steps_to_the_nearest_frame_of_the_other_split_are_counted():
    # Places 0 2 4 ... with a step of 2: test holds the first, and one far away
    place = np.array([0, 2, 4, 6, 20, 0, 2])
    code = np.array([0, 0, 0, 0, 0, 1, 1], np.int32)
    split = np.array([1, 0, 0, 0, 1, 0, 0], np.int32)
    sequences = Sequences(code, place, np.array([2.0, 2.0]), ["a", "b"])

    found = find_sequence_leaks(sequences, split, 2)

    assert found.leak.tolist() == [True] * 5 + [False] * 2
    assert found.steps[1, 0].tolist() == [2, 1, 1]
    assert found.steps[0, 1].tolist() == [3, 2, 1]


def test_images_without_a_split_leak_nothing():
    sequences = one_sequence(3)

    found = find_sequence_leaks(sequences, np.array([0, -1, 0], np.int32), 2)

    assert not found.leak.any()
    assert not found.steps.any()
