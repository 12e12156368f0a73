"""A scan reuses results of the previous one whose inputs did not change."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from core.embedding.embed import embed_images
from core.findings import class_learning
from core.scan import candidates_by_looks
from core.scan import previous_scan as module
from core.scan.apply_thresholds import apply_thresholds
from core.scan.candidates_by_looks import alike_candidates
from core.scan.collect import collect_scan_data
from core.scan.image_labels import labels_of_images
from core.scan.learn import model_info
from core.scan.previous_scan import PreviousScan, digest_of
from core.scan.scan_data import ImageGraphs, ScanInput, VerifiedPairs
from core.scan.settings import ScanSettings
from core.scan.stored_scan import load_scan_data, save_scan_data
from core.scan.unique_images import unique_images

pytestmark = pytest.mark.slow


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

    def scan(known, rows, labels=None, vectors=None, splits=None, **options):
        labels = np.arange(60) % 3 if labels is None else labels
        rows = np.array(rows)
        scan_input = ScanInput(
            [paths[row] for row in rows],
            labels[rows].astype(np.int32),
            ["a", "b", "c"],
            (rows % 2 if splits is None else splits).astype(np.int32),
            ["train", "test"],
            vectors=vectors,
        )
        model = options.pop("model", embedder)
        return collect_scan_data(
            scan_input, model, folder=cache, previous=known, **options
        )

    return run


def marked(scan_data):
    """As if the previous scan had learned what no scan would learn."""

    def nearer(graph):
        return graph and replace(graph, similarities=graph.similarities + 1)

    graphs, recall, classes = scan_data.graphs, scan_data.recall, scan_data.classes
    of_set = scan_data.overview
    return replace(
        scan_data,
        graphs=replace(
            graphs,
            features=nearer(graphs.features),
            descriptors=nearer(graphs.descriptors),
        ),
        recall=replace(recall, copy_scores=recall.copy_scores + 1),
        classes=replace(classes, given=classes.given + 1),
        overview=replace(of_set, split_scores=of_set.split_scores + 1),
    )


def reused(known, scan_data):
    """Returns which of the marks a scan has reused."""
    parts = {
        "features": lambda data: data.graphs.features.similarities,
        "descriptors": lambda data: data.graphs.descriptors.similarities,
        "recall": lambda data: data.recall.copy_scores,
        "classes": lambda data: data.classes.given,
        "set": lambda data: data.overview.split_scores,
    }
    return {
        name
        for name, part in parts.items()
        if np.array_equal(part(known), part(scan_data), equal_nan=True)
    }


def test_where_nothing_changed_all_is_reused(learn):
    known = marked(learn())

    assert reused(known, learn(known)) == {
        "features",
        "descriptors",
        "recall",
        "classes",
        "set",
    }


def test_pairs_are_proposed_again_only_if_something_changed(learn, monkeypatch):
    known, splits = learn(), np.arange(60) % 3 % 2
    anew, asked = learn(splits=splits), []
    propose = alike_candidates

    def counted(looks, *others):
        asked.append(len(looks))
        return propose(looks, *others)

    monkeypatch.setattr("core.scan.learn.alike_candidates", counted)
    again = learn(known)
    assert not asked
    other = learn(known, splits=splits)

    assert asked
    for found, expected in ((again, known), (other, anew)):
        for one in fields(VerifiedPairs):
            values = (getattr(data.pairs, one.name) for data in (found, expected))
            np.testing.assert_array_equal(*values)


def test_pairs_of_images_that_are_still_here_are_known(learn, embedder, paths, cache):
    known = learn(rows=range(40))
    table = embed_images(paths[10:], embedder, folder=cache, max_megapixels=64)
    images = unique_images(table, None)
    before = known.files.digest[known.images.first_file]
    place = {digest.tobytes(): row for row, digest in enumerate(images.digests)}
    ends = [
        [place.get(before[end].tobytes(), -1) for end in pair]
        for pair in known.pairs.images
    ]
    lost = {max(pair) for pair in ends if min(pair) < 0 <= max(pair)}
    new = set(place.values()) - {place.get(one.tobytes()) for one in before}

    found = PreviousScan(known, images, model_info(embedder)).known_pairs()

    both = {(min(pair), max(pair)) for pair in ends if min(pair) >= 0}
    assert {(min(pair), max(pair)) for pair in found.pairs.tolist()} == both != set()
    assert set(found.asked.tolist()) == lost | new
    assert lost - new and len(new) == 20


def test_of_vectors_made_otherwise_no_pairs_are_known(learn, embedder, paths, cache):
    table = embed_images(paths, embedder, folder=cache, max_megapixels=64)
    images, model = unique_images(table, None), model_info(embedder)
    other = replace(model, sha256="0" * 64)

    assert PreviousScan(learn(), images, model).known_pairs() is not None
    assert PreviousScan(learn(), images, other).known_pairs() is None
    assert PreviousScan(None, images, model).known_pairs() is None


def test_a_recall_estimate_that_lacked_a_file_is_made_again(learn, paths):
    folder = Path(os.fsdecode(paths[0])).parent
    away = folder.with_name("away")

    def take_away(progress):
        if progress.stage == "Comparing pictures" and folder.exists():
            folder.rename(away)

    known = marked(learn(on_progress=take_away))
    away.rename(folder)

    again = learn(known)

    assert reused(known, again) == {"features", "descriptors", "classes", "set"}
    assert len(again.recall.copy_scores)


def test_the_order_and_the_names_of_the_files_are_no_change(learn):
    known = marked(learn())

    again = learn(known, rows=range(59, -1, -1))

    every = {"features", "descriptors", "recall", "classes", "set"}
    assert reused(known, again) == every


def test_other_labels_are_learned_and_nothing_is_searched_or_tried(learn):
    known = marked(learn())
    other = np.arange(60) % 3
    other[7] = 1 - other[7]

    again = learn(known, labels=other)

    assert reused(known, again) == {"features", "descriptors", "recall"}
    anew = learn(labels=other)
    assert np.array_equal(again.classes.given, anew.classes.given)
    assert np.array_equal(again.classes.probabilities, anew.classes.probabilities)


def test_new_images_are_tried_and_learned_with_the_others(learn):
    first = learn(rows=range(55))

    again, anew = learn(first), learn()

    assert reused(first, again) == set()
    assert np.array_equal(again.recall.copy_scores, anew.recall.copy_scores)
    assert np.array_equal(again.classes.given, anew.classes.given)


@pytest.fixture
def few_are_enough(monkeypatch):
    """As if sixty labels took as long to learn as thousands."""
    monkeypatch.setattr(class_learning, "_FEWEST_STANDING", 30)
    monkeypatch.setattr(class_learning, "_MOST_CHANGED", 0.1)


@pytest.mark.usefixtures("few_are_enough")
def test_of_many_labels_what_was_learned_stands(learn, tmp_path):
    # The settings are those of a scan that was not made before
    first = learn(rows=range(56), settings=ScanSettings())
    save_scan_data(first, tmp_path / "run.npz")
    known = load_scan_data(tmp_path / "run.npz")

    again = learn(known)

    rows = [
        list(map(bytes, data.files.digest[data.images.first_file]))
        for data in (known, again)
    ]
    place = [rows[1].index(one) for one in rows[0]]
    assert np.array_equal(again.classes.given[place], known.classes.given)
    assert np.isfinite(again.classes.given).all()
    assert not np.array_equal(again.classes.given, learn().classes.given)
    # And again, where nothing changed
    assert np.array_equal(learn(again).classes.given, again.classes.given)


@pytest.mark.usefixtures("few_are_enough")
def test_in_another_data_set_what_was_learned_does_not_stand(learn, tmp_path):
    scans = tmp_path / "scans"
    save_scan_data(learn(rows=range(56), settings=ScanSettings()), scans / "one.npz")
    anew = learn(settings=ScanSettings())

    first = learn(other_scans=scans)

    assert np.array_equal(first.classes.given, anew.classes.given)
    # Nor does what stood in it, where nothing changed since
    stood = learn(load_scan_data(scans / "one.npz"))
    save_scan_data(stood, scans / "one.npz")
    assert np.array_equal(learn(other_scans=scans).classes.given, anew.classes.given)
    save_scan_data(marked(anew), scans / "one.npz")
    assert np.array_equal(
        learn(other_scans=scans).classes.given, marked(anew).classes.given
    )


@pytest.mark.usefixtures("few_are_enough")
def test_after_a_class_got_another_name_nothing_stands(learn, embedder, paths, cache):
    first = learn(settings=ScanSettings())
    table = embed_images(paths, embedder, folder=cache, max_megapixels=64)
    images = unique_images(table)
    before = PreviousScan(first, images, model_info(embedder))
    labels = labels_of_images(first.samples, images, first.pairs.accepted(0.6))

    assert before.nearly_learned(images, labels, ["a", "b", "c"]) is not None
    # The codes of labels are places of sorted names
    assert before.nearly_learned(images, labels, ["a", "c", "d"]) is None


def test_what_pictures_look_like_is_kept_of_those_that_are_there(
    learn, tmp_path, monkeypatch
):
    save_scan_data(learn(rows=range(9), settings=ScanSettings()), tmp_path / "run.npz")
    known = load_scan_data(tmp_path / "run.npz")
    assert len(known.seen.looks) == 9
    described, of_some = [], candidates_by_looks._seen

    def seen(signatures, rows=None):
        described.append(len(signatures if rows is None else rows))
        return of_some(signatures, rows)

    monkeypatch.setattr(candidates_by_looks, "_seen", seen)
    learn(known, range(10))
    assert described == [1]

    # Of too many nothing is kept, not what a smaller set looked like
    for of in (candidates_by_looks, module):
        monkeypatch.setattr(of, "MOST_PICTURES", 10)
    many = learn(known, range(12))
    assert many.seen is None
    assert len(learn(many, range(10)).seen.looks) == 10


@pytest.mark.parametrize("rows", [range(55), range(3, 60), range(5, 58)])
def test_a_scan_of_more_or_fewer_images_finds_what_one_from_nothing_finds(learn, rows):
    for known, now in ((learn(rows=rows), range(60)), (learn(), rows)):
        again, anew = learn(known, rows=now), learn(rows=now)

        for graph_of in (ImageGraphs.by_features, ImageGraphs.by_descriptors):
            one, other = graph_of(again.graphs), graph_of(anew.graphs)
            assert np.array_equal(one.indices, other.indices)
            assert np.array_equal(one.similarities, other.similarities)
        assert np.array_equal(again.pairs.images, anew.pairs.images)
        assert apply_thresholds(again).columns == apply_thresholds(anew).columns


def test_fewer_neighbors_are_the_first_of_those_that_are_known(learn):
    known = marked(learn())
    few = ScanSettings(neighbors=15)

    again, anew = learn(known, settings=few), learn(settings=few)

    graph = again.graphs.by_features()
    assert graph.k == again.graphs.by_descriptors().k == 15
    assert np.array_equal(graph.indices, anew.graphs.by_features().indices)
    assert (graph.similarities > 1).all()


def test_more_neighbors_are_searched_anew(learn):
    few = marked(learn(settings=ScanSettings(neighbors=12)))

    again = learn(few)

    assert np.array_equal(
        again.graphs.features.similarities, learn().graphs.features.similarities
    )


def test_with_another_model_nothing_is_reused(learn, embedder):
    known = marked(learn())
    other = replace(embedder, sha256="of another model")

    assert reused(known, learn(known, model=other)) == set()


def test_after_a_change_of_the_program_nothing_is_reused(learn, monkeypatch):
    known = marked(learn())
    monkeypatch.setattr(module, "_PROGRAM", b"a newer one")

    assert reused(known, learn(known)) == set()


def test_given_vectors_are_reused_only_if_all_are_the_same(learn, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    first = learn(model=None, vectors=vectors)
    save_scan_data(marked(first), tmp_path / "run.npz")
    known = load_scan_data(tmp_path / "run.npz")

    same = learn(known, model=None, vectors=vectors)
    vectors[7] = -vectors[7]
    other = learn(known, model=None, vectors=vectors)

    assert np.array_equal(
        same.graphs.features.similarities, known.graphs.features.similarities
    )
    anew = learn(model=None, vectors=vectors)
    assert np.array_equal(
        other.graphs.features.similarities, anew.graphs.features.similarities
    )
    assert np.array_equal(other.classes.given, anew.classes.given)


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
