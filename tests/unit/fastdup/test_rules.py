"""fastdup's rules and files, against files that fastdup 2.54 wrote.

How they were made stands in tests/fixtures/fastdup-2.54/README.md.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.fastdup.files import (
    read_work_dir,
    write_components,
    write_edges,
    write_features,
    write_unreadable,
)
from core.fastdup.rules import (
    Edges,
    components,
    edges_of,
    label_scores,
    nearest_rows,
    outlier_edges,
    similar_edges,
)
from core.scan.settings import ScanSettings

WRITTEN = Path(__file__).parents[2] / "fixtures" / "fastdup-2.54"


def lines(name, folder=WRITTEN):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stored():
    return read_work_dir(WRITTEN)


@pytest.fixture(scope="module")
def near(stored):
    return nearest_rows(stored.vectors)


def by_pair(edges, names):
    return {
        (names[a], names[b]): similarity
        for a, b, similarity in zip(
            edges.source.tolist(),
            edges.target.tolist(),
            edges.similarity.tolist(),
            strict=True,
        )
    }


def in_file(name):
    return {(x["from"], x["to"]): float(x["distance"]) for x in lines(name)}


def numbered(edges):
    """Edges between the numbers of all files, which count the unreadable."""
    numbers = np.array([int(x["index"]) for x in lines("atrain_features.dat.csv")])
    source, target = numbers[edges.source], numbers[edges.target]
    return Edges(source, target, edges.similarity), numbers


def test_the_features_and_the_files_without_them_are_read(stored):
    assert stored.vectors.shape == (148, 576)
    assert stored.vectors.dtype == np.float32
    assert stored.names[0] == "images/test/building/building_07_again.png"
    assert stored.unreadable == {
        "images/train/coffee/a_text.jpg": "ERROR_CORRUPT_IMAGE",
        "images/train/coffee/empty.jpg": "ERROR_ZERO_SIZE_FILE",
    }
    assert stored.input_dir == "images"


def test_similarity_csv_comes_out_as_fastdup_wrote_it(stored, near):
    ours = by_pair(similar_edges(edges_of(*near)), stored.names)
    theirs = in_file("similarity.csv")

    assert len(theirs) == 106
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[pair] - theirs[pair]) < 2e-6 for pair in theirs)
    assert list(ours.values()) == sorted(ours.values(), reverse=True)


def test_outliers_csv_comes_out_as_fastdup_wrote_it(stored, near):
    found = outlier_edges(*near)
    ours, theirs = by_pair(found, stored.names), in_file("outliers.csv")

    assert len(ours) == len(theirs) == 15
    # Of two images with one vector either may be named as the nearest
    vector = dict(
        zip(stored.names, map(bytes, np.ascontiguousarray(stored.vectors)), strict=True)
    )
    assert {(a, vector[b]) for a, b in ours} == {(a, vector[b]) for a, b in theirs}
    assert np.allclose(list(ours.values()), list(theirs.values()), atol=2e-6)


def test_as_many_edges_are_outliers_as_in_fastdup_though_equal_images_count_more(near):
    """0.05 x 296 edges would be 14; fastdup counts the 15 equal images again."""
    assert int(0.05 * 2 * 148) == 14
    assert len(outlier_edges(*near).source) == 15


def test_connected_components_csv_comes_out_as_fastdup_wrote_it(near, tmp_path):
    edges, numbers = numbered(edges_of(*near))
    write_components(tmp_path, components(edges, 150), numbers)

    ours = lines("connected_components.csv", tmp_path)
    theirs = lines("connected_components.csv")
    assert len(theirs) == 148
    for own, given in zip(ours, theirs, strict=True):
        for name in ("__id", "component_id", "count"):
            assert own[name] == given[name]
        for name in ("mean_distance", "min_distance", "max_distance"):
            assert float(own[name]) == pytest.approx(float(given[name]), abs=2e-6)


def test_component_info_csv_holds_the_same_numbers(near, tmp_path):
    edges, numbers = numbered(edges_of(*near))
    write_components(tmp_path, components(edges, 150), numbers)

    def known(folder):
        read = lines("component_info.csv", folder)
        return sorted(tuple(map(float, line.values())) for line in read)

    assert len(known(WRITTEN)) == 18
    assert np.allclose(known(tmp_path), known(WRITTEN), atol=2e-6)


def test_label_scores_come_out_as_in_fastdup_s_gallery(stored, near):
    classes = sorted({name.split("/")[2] for name in stored.names})
    labels = np.array([classes.index(x.split("/")[2]) for x in stored.names], np.int32)

    score = label_scores(similar_edges(edges_of(*near)), labels)

    theirs = {x["from"]: float(x["score"]) for x in lines("label_scores.csv")}
    assert len(theirs) == 33
    assert {
        name: value
        for name, value in zip(stored.names, score.tolist(), strict=True)
        if value == value
    } == theirs


def test_a_label_has_no_score_with_one_neighbor_or_without_a_label():
    edges = Edges(
        np.array([0, 1, 1, 2, 2]), np.array([1, 0, 2, 0, 3]), np.ones(5, np.float32)
    )
    score = label_scores(edges, np.array([0, 0, -1, 0], np.int32))

    assert np.isnan(score[[0, 2, 3]]).all()
    # The neighbor without a label is not of the same label
    assert score[1] == 50


def test_of_four_equal_rows_the_fourth_keeps_three_neighbors():
    vectors = np.array([[1, 0]] * 4 + [[0, 1]], np.float32)
    edges = edges_of(*nearest_rows(vectors))

    assert np.bincount(edges.source).tolist() == [2, 2, 2, 3, 2]
    assert edges.target[edges.source == 3].tolist() == [0, 1, 2]
    assert edges.target[edges.source == 4].tolist() == [0, 1]


def test_two_images_have_one_neighbor_each_and_none_is_an_outlier():
    found = nearest_rows(np.eye(2, dtype=np.float32))

    assert edges_of(*found).target.tolist() == [1, 0]
    assert len(outlier_edges(*found).source) == 0


def test_equal_vectors_alone_are_neighbors_of_one_another():
    edges = edges_of(*nearest_rows(np.ones((3, 4), np.float32)))

    assert np.bincount(edges.source).tolist() == [2, 2, 2]
    assert (edges.similarity == 1).all()


def test_what_is_written_is_read_back_and_spelled_as_fastdup_spells_it(tmp_path):
    names = ["odd/a,b.jpg", 'odd/q"q.jpg', "odd/\udce9.jpg"]
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_features(tmp_path, names, np.array([0, 2, 3]), [vectors[:1], vectors[1:]])
    write_unreadable(tmp_path, [(1, "odd/empty.jpg", "ERROR_ZERO_SIZE_FILE", 0)])

    found = read_work_dir(tmp_path)

    assert found.names == names
    assert (found.vectors == vectors).all()
    assert found.unreadable == {"odd/empty.jpg": "ERROR_ZERO_SIZE_FILE"}
    assert found.input_dir is None
    text = (tmp_path / "atrain_features.dat.csv").read_bytes()
    assert text.startswith(b'index,filename\n0,"odd/a,b.jpg"\n2,"odd/q""q.jpg"\n3,')


def test_edges_are_written_with_names_and_six_digits(tmp_path):
    edges = Edges(np.array([1]), np.array([0]), np.array([0.93841234], np.float32))
    write_edges(tmp_path / "similarity.csv", edges, ["a", "b"])

    text = (tmp_path / "similarity.csv").read_text()
    assert text == "from,to,distance\nb,a,0.938412\n"


def test_the_written_features_are_the_bytes_that_fastdup_wrote(stored, tmp_path):
    numbers = np.array([int(x["index"]) for x in lines("atrain_features.dat.csv")])
    write_features(tmp_path, stored.names, numbers, [stored.vectors])

    for name in ("atrain_features.dat", "atrain_features.dat.csv"):
        assert (tmp_path / name).read_bytes() == (WRITTEN / name).read_bytes()


def test_a_folder_that_is_no_work_dir_is_refused(tmp_path):
    with pytest.raises(InputError, match="no work_dir of fastdup"):
        read_work_dir(tmp_path)


def test_features_that_do_not_fit_their_list_are_refused(tmp_path):
    for name in ("atrain_features.dat", "atrain_features.dat.csv"):
        shutil.copyfile(WRITTEN / name, tmp_path / name)
    with (tmp_path / "atrain_features.dat").open("ab") as file:
        file.write(b"1234")
    with pytest.raises(InputError, match="not one vector for each of the 148"):
        read_work_dir(tmp_path)


def test_a_list_with_other_columns_is_refused(tmp_path):
    (tmp_path / "atrain_features.dat").write_bytes(b"12345678")
    (tmp_path / "atrain_features.dat.csv").write_text("index,crop\n0,a\n")
    with pytest.raises(InputError, match="no column 'filename'"):
        read_work_dir(tmp_path)


def test_an_unknown_preset_is_refused():
    with pytest.raises(InputError, match="no preset 'fastdub'"):
        ScanSettings(preset="fastdub")
