"""A scan takes over what an earlier one learned, as far as it still holds."""

import os
from dataclasses import replace

import numpy as np
import pytest

from core.models.registry import load_embedder
from core.scan import previous_scan as module
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.previous_scan import digest_of
from core.scan.scan_data import (
    copy_graph,
    feature_graph,
    load_scan_data,
    save_scan_data,
)
from core.scan.settings import ScanSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture(scope="module")
def paths(tmp_path_factory, draw):
    folder = tmp_path_factory.mktemp("images")
    made = [folder / f"{number:02d}.png" for number in range(60)]
    for number, path in enumerate(made):
        draw(number).save(path)
    return [os.fsencode(path) for path in made]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def learn(embedder, paths, cache):
    """Scans; one from nothing of the same rows is made once, as it is the same."""
    from_nothing = {}

    def run(known=None, rows=range(60), **options):
        if known is not None or options:
            return scan(known, rows, **options)
        if rows not in from_nothing:
            from_nothing[rows] = scan(None, rows)
        return from_nothing[rows]

    def scan(known, rows, labels=None, **options):
        labels = np.arange(60) % 3 if labels is None else labels
        rows = np.array(rows)
        return collect_scan_data(
            [paths[row] for row in rows],
            options.pop("model", embedder),
            folder=cache,
            labels=labels[rows].astype(np.int32),
            classes=options.pop("classes", ["a", "b", "c"]),
            splits=(rows % 2).astype(np.int32),
            split_names=["train", "test"],
            known=known,
            **options,
        )

    return run


def marked(scan_data):
    """As if the earlier scan had learned what no scan would learn."""
    return replace(
        scan_data,
        neighbor_similarity=scan_data.neighbor_similarity + 1,
        copy_neighbor_similarity=scan_data.copy_neighbor_similarity + 1,
        synthetic_copy_scores=scan_data.synthetic_copy_scores + 1,
        given_probability=scan_data.given_probability + 1,
    )


def taken_over(known, scan_data):
    """Returns which of the marks a scan has taken over."""
    names = {
        "neighbor_similarity": "features",
        "copy_neighbor_similarity": "copies",
        "synthetic_copy_scores": "trial",
        "given_probability": "labels",
    }
    return {
        word
        for name, word in names.items()
        if np.array_equal(getattr(known, name), getattr(scan_data, name))
    }


def test_where_nothing_changed_all_is_taken_over(learn):
    known = marked(learn())

    assert taken_over(known, learn(known)) == {"features", "copies", "trial", "labels"}


def test_a_trial_that_lacked_a_file_is_made_again(learn, monkeypatch):
    from core.reading.files import ReadFailure
    from core.scan import recall_estimate

    with monkeypatch.context() as patch:
        patch.setattr(
            recall_estimate, "read_file", lambda path: ReadFailure("unreadable", "away")
        )
        known = marked(learn(settings=ScanSettings()))  # not the one that was kept

    again = learn(known)

    assert taken_over(known, again) == {"features", "copies", "labels"}
    assert len(again.synthetic_copy_scores)


def test_the_order_and_the_names_of_the_files_are_no_change(learn):
    known = marked(learn())

    again = learn(known, rows=range(59, -1, -1))

    assert taken_over(known, again) == {"features", "copies", "trial", "labels"}


def test_other_labels_are_learned_and_nothing_is_searched_or_tried(learn):
    known = marked(learn())
    other = np.arange(60) % 3
    other[7] = 1 - other[7]

    again = learn(known, labels=other)

    assert taken_over(known, again) == {"features", "copies", "trial"}
    anew = learn(labels=other)
    assert np.array_equal(again.given_probability, anew.given_probability)
    assert np.array_equal(again.class_probability, anew.class_probability)


def test_new_images_are_tried_and_learned_with_the_others(learn):
    first = learn(rows=range(55))

    again, anew = learn(first), learn()

    assert taken_over(first, again) == set()
    assert np.array_equal(again.synthetic_copy_scores, anew.synthetic_copy_scores)
    assert np.array_equal(again.given_probability, anew.given_probability)


@pytest.mark.parametrize("rows", [range(55), range(3, 60), range(5, 58)])
def test_a_scan_of_more_or_fewer_images_finds_what_one_from_nothing_finds(learn, rows):
    for known, now in ((learn(rows=rows), range(60)), (learn(), rows)):
        again, anew = learn(known, rows=now), learn(rows=now)

        for graph_of in (feature_graph, copy_graph):
            one, other = graph_of(again), graph_of(anew)
            assert np.array_equal(one.indices, other.indices)
            assert np.array_equal(one.similarities, other.similarities)
        assert np.array_equal(again.pairs, anew.pairs)
        assert apply_thresholds(again).columns == apply_thresholds(anew).columns


def test_fewer_neighbors_are_the_first_of_those_that_are_known(learn):
    known = learn()
    known = replace(known, neighbor_similarity=known.neighbor_similarity + 1)
    few = ScanSettings(neighbors=15)

    again, anew = learn(known, settings=few), learn(settings=few)

    assert feature_graph(again).k == copy_graph(again).k == 15
    assert np.array_equal(feature_graph(again).indices, feature_graph(anew).indices)
    assert (feature_graph(again).similarities > 1).all()


def test_more_neighbors_are_searched_anew(learn):
    few = marked(learn(settings=ScanSettings(neighbors=12)))

    again = learn(few)

    assert np.array_equal(again.neighbor_similarity, learn().neighbor_similarity)


def test_with_another_model_nothing_is_taken_over(learn, embedder):
    known = marked(learn())
    other = replace(embedder, sha256="of another model")

    assert taken_over(known, learn(known, model=other)) == set()


def test_after_a_change_of_the_program_nothing_is_taken_over(learn, monkeypatch):
    known = marked(learn())
    monkeypatch.setattr(module, "_PROGRAM", b"a newer one")

    assert taken_over(known, learn(known)) == set()


def test_what_an_older_version_stored_is_no_help_and_no_harm(learn):
    known = marked(learn())
    facts = dict(known.facts)
    del facts["learned_from"]

    assert taken_over(known, learn(replace(known, facts=facts))) == set()


def test_given_vectors_are_taken_over_only_if_all_are_the_same(learn, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    first = learn(model=None, vectors=vectors)
    save_scan_data(marked(first), tmp_path / "run.npz")
    known = load_scan_data(tmp_path / "run.npz")

    same = learn(known, model=None, vectors=vectors)
    vectors[7] = -vectors[7]
    other = learn(known, model=None, vectors=vectors)

    assert np.array_equal(same.neighbor_similarity, known.neighbor_similarity)
    anew = learn(model=None, vectors=vectors)
    assert np.array_equal(other.neighbor_similarity, anew.neighbor_similarity)
    assert np.array_equal(other.given_probability, anew.given_probability)


def test_a_digest_tells_every_part_apart():
    parts = ["a", 1.5, np.arange(6)]
    others = [
        ["b", 1.5, np.arange(6)],
        ["a", 1.25, np.arange(6)],
        ["a", 1.5, np.arange(6).reshape(2, 3)],
        ["a", 1.5, np.arange(6, dtype=np.int32)],
        ["a", 1.5, np.array([0, 1, 2, 3, 5, 4])],
    ]

    assert digest_of(parts) == digest_of(list(parts))
    assert len({digest_of(one) for one in [parts, *others]}) == 6
