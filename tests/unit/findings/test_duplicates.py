from dataclasses import replace

import numpy as np
import pytest

from core.findings.duplicates import (
    KINDS,
    NO_KIND,
    NO_RELATION,
    clusters_by_path,
    find_duplicates,
    keeper_pairs_to_check,
)
from core.findings.keepers import KEEPER_REASONS, NO_REASON, ImageRows
from core.findings.schema import NO_CLUSTER, NO_LABEL


def rows_of(image, **known):
    """Returns rows that differ in nothing but their unique image and what is given."""
    count = len(image)
    image = np.array(image, np.int32)
    every = np.arange(count)
    values = {
        "unique_image": image,
        "byte_group": every,
        "pixel_group": every,
        "width": np.full(count, 100),
        "height": np.full(count, 100),
        "file_bytes": np.full(count, 5000),
        "sharpness": np.full(count, 10.0),
        "modified": np.full(count, 1.6e9),
        "path_rank": every,
        "label": np.full(count, NO_LABEL),
        "is_link": np.zeros(count, bool),
        "protected": np.zeros(count, bool),
        "chosen": np.zeros(count, bool),
        "flawed": np.zeros(count, bool),
        "damaged": np.zeros(count, bool),
        "seconds": np.zeros(count),
    } | {name: np.array(value) for name, value in known.items()}
    return ImageRows(
        unique_image=image,
        byte_group=values["byte_group"].astype(np.int64),
        pixel_group=values["pixel_group"].astype(np.int64),
        width=values["width"].astype(np.int32),
        height=values["height"].astype(np.int32),
        file_bytes=values["file_bytes"].astype(np.int64),
        sharpness=values["sharpness"].astype(np.float32),
        modified=values["modified"].astype(np.float64),
        path_rank=values["path_rank"].astype(np.int64),
        label=values["label"].astype(np.int32),
        is_link=values["is_link"].astype(bool),
        protected=values["protected"].astype(bool),
        chosen=values["chosen"].astype(bool),
        flawed=values["flawed"].astype(bool),
        damaged=values["damaged"].astype(bool),
        seconds=values["seconds"].astype(np.float64),
    )


def found(rows, pairs, cosines=None, relations=None):
    pairs = np.array(pairs, np.int32).reshape(-1, 2)
    if cosines is None:
        cosines = np.full(len(pairs), 0.9)
    if relations is None:
        relations = np.full(len(pairs), 2)
    cosines = np.asarray(cosines, np.float32)
    return find_duplicates(rows, pairs, cosines, np.asarray(relations, np.int8))


def reason_of(duplicates, row):
    return KEEPER_REASONS[duplicates.reason[row]]


def names(kinds):
    return [KINDS[kind] if kind != NO_KIND else None for kind in kinds]


def test_images_without_copies_are_in_no_cluster():
    duplicates = found(rows_of([0, 1, 2, -1]), [])

    assert (duplicates.cluster == NO_CLUSTER).all()
    assert np.isnan(duplicates.similarity).all()
    assert not duplicates.keeper.any()
    assert (duplicates.kind == NO_KIND).all()
    assert (duplicates.reason == NO_REASON).all()
    assert len(duplicates.conflicts) == 0


@pytest.mark.parametrize("image", [[], [-1, -1, -1]])
def test_nothing_to_look_at_is_no_trouble(image):
    duplicates = found(rows_of(image), [])

    assert duplicates.cluster.tolist() == [NO_CLUSTER] * len(image)


def test_unreadable_rows_stay_out_of_a_cluster():
    duplicates = found(rows_of([0, 0, -1, -1], byte_group=[5, 5, -1, -1]), [])

    assert duplicates.cluster.tolist() == [0, 0, NO_CLUSTER, NO_CLUSTER]


def test_equal_files_are_one_cluster_of_kind_bytes():
    duplicates = found(
        rows_of([0, 0, 0], byte_group=[7, 7, 7], pixel_group=[3] * 3), []
    )

    assert duplicates.cluster.tolist() == [0, 0, 0]
    assert names(duplicates.kind) == ["bytes", "bytes", "bytes"]
    assert duplicates.similarity.tolist() == [1, 1, 1]
    assert duplicates.relation.tolist() == [NO_RELATION] * 3
    assert duplicates.keeper.tolist() == [True, False, False]


def test_equal_pixels_in_another_container_are_of_kind_pixels():
    duplicates = found(rows_of([0, 0], pixel_group=[4, 4]), [])

    assert names(duplicates.kind) == ["pixels", "pixels"]


def test_a_near_copy_tells_its_similarity_to_the_keeper_and_its_relation():
    rows = rows_of([0, 1, 2], width=[200, 100, 100])

    duplicates = found(rows, [(1, 0), (0, 2)], [0.91, 0.84], [1, 3])

    assert duplicates.keeper.tolist() == [True, False, False]
    assert np.allclose(duplicates.similarity, [1, 0.91, 0.84])
    assert duplicates.relation.tolist() == [NO_RELATION, 1, 3]
    assert names(duplicates.kind) == ["near", "near", "near"]


def test_the_second_of_two_equal_near_copies_is_the_exact_one():
    # Dropping all of kind bytes but the keeper must leave one of each content
    rows = rows_of(
        [0, 1, 1], byte_group=[0, 1, 1], pixel_group=[0, 1, 1], width=[200, 9, 9]
    )

    duplicates = found(rows, [(0, 1)])

    assert names(duplicates.kind) == ["bytes", "near", "bytes"]


def test_a_chain_is_no_cluster():
    # 0 - 1 - 2 - 3 - 4: no end justifies the removal of the other
    duplicates = found(rows_of(range(5)), [(0, 1), (1, 2), (2, 3), (3, 4)])

    for cluster in set(duplicates.cluster.tolist()) - {NO_CLUSTER}:
        members = np.flatnonzero(duplicates.cluster == cluster)
        keeper = members[duplicates.keeper[members]]
        assert len(keeper) == 1
        assert (np.abs(members - keeper) <= 1).all()
    assert len(set(duplicates.cluster.tolist()) - {NO_CLUSTER}) == 2


def test_the_item_that_covers_most_images_is_the_center():
    # 2 knows everyone; the pair 0-1 must not split the group
    duplicates = found(rows_of(range(5)), [(0, 1), (2, 0), (2, 1), (2, 3), (2, 4)])

    assert len(set(duplicates.cluster.tolist())) == 1
    assert duplicates.keeper.tolist() == [False, False, True, False, False]
    assert reason_of(duplicates, 2) == "like all its copies"


def test_an_item_between_two_stars_stays_with_the_one_of_more_images():
    pairs = [(0, 1), (0, 2), (0, 3), (4, 3), (4, 5)]

    duplicates = found(rows_of(range(6)), pairs)

    assert duplicates.cluster.tolist() == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"chosen": [False, True]}, "chosen by a person"),
        ({"damaged": [True, False]}, "whole, not damaged"),
        ({"seconds": [30.0, 60.0]}, "longest"),
        ({"protected": [False, True]}, "protected"),
        ({"flawed": [True, False]}, "looks as it should"),
        ({"width": [100, 101]}, "highest resolution"),
        ({"file_bytes": [5000, 5001]}, "least compressed"),
        ({"sharpness": [10, 11]}, "sharpest"),
        ({"sharpness": [np.nan, 1]}, "sharpest"),
        ({"modified": [1.6e9, 1.5e9]}, "oldest file"),
        ({"modified": [np.nan, 1.6e9]}, "oldest file"),
        ({"path_rank": [1, 0]}, "first path"),
    ],
)
def test_each_rule_alone_decides_for_the_second(known, reason):
    duplicates = found(rows_of([0, 1], **known), [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]
    assert reason_of(duplicates, 1) == reason


def test_what_a_person_chose_comes_before_every_rule():
    rows = rows_of(
        [0, 1],
        chosen=[False, True],
        is_link=[False, True],
        protected=[True, False],
        label=[1, NO_LABEL],
        flawed=[False, True],
        width=[900, 100],
    )

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]
    assert reason_of(duplicates, 1) == "chosen by a person"


def test_what_was_not_compared_with_the_chosen_keeper_has_no_similarity():
    rows = rows_of([0, 1, 2], chosen=[False, False, True])

    duplicates = found(rows, [(0, 1), (0, 2)], cosines=[0.9, 0.8])

    assert duplicates.cluster.tolist() == [0, 0, 0]
    assert duplicates.keeper.tolist() == [False, False, True]
    assert duplicates.similarity.tolist() == pytest.approx(
        [0.8, np.nan, 1], nan_ok=True
    )
    assert duplicates.relation.tolist() == [2, NO_RELATION, NO_RELATION]


def test_a_copy_that_leaves_its_cluster_leaves_the_rest_a_cluster():
    rows = rows_of([0, 1, 2], protected=[True, False, False])
    pairs, scores = np.array([(0, 1), (0, 2)], np.int32), np.full(2, 0.9, np.float32)
    relations = np.zeros(2, np.int8)

    def without(*leaving):
        only_as_keeper = np.isin(np.arange(3), leaving)
        return find_duplicates(rows, pairs, scores, relations, only_as_keeper)

    assert without(1).cluster.tolist() == [0, NO_CLUSTER, 0]
    assert without(0).cluster.tolist() == [0, 0, 0]
    assert without(1).keeper.tolist() == [True, False, False]
    assert without(1, 2).cluster.tolist() == [NO_CLUSTER] * 3


def test_the_label_of_most_copies_decides_before_the_resolution():
    rows = rows_of([0, 1, 2], label=[4, 7, 7], width=[500, 100, 100])

    duplicates = found(rows, [(0, 1), (0, 2), (1, 2)])

    assert duplicates.keeper.tolist() == [False, True, False]
    assert reason_of(duplicates, 1) == "first path"


def test_a_labeled_copy_is_kept_rather_than_an_unlabeled_one():
    rows = rows_of([0, 1], label=[NO_LABEL, 2], width=[500, 100])

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]
    assert reason_of(duplicates, 1) == "label of most copies"


def test_the_rules_stand_in_the_order_of_the_product():
    known = {
        "protected": [False, True, False, False, False, False, False],
        "label": [1, 1, 2, 1, 1, 1, 1],
        "width": [100, 100, 900, 200, 100, 100, 100],
        "file_bytes": [5000, 5000, 5000, 5000, 6000, 5000, 5000],
        "sharpness": [10, 10, 10, 10, 10, 20, 10],
        "modified": [2, 2, 2, 2, 2, 2, 1],
    }
    pairs = [(a, b) for b in range(7) for a in range(b)]
    rest, order = list(range(7)), []

    while len(rest) > 1:
        rows = rows_of(rest, **{name: np.array(known[name])[rest] for name in known})
        kept = [pair for pair in pairs if set(pair) <= set(rest)]
        best = int(np.flatnonzero(found(rows, kept).keeper)[0])
        order.append(rest.pop(best))

    # Row 2 is the largest, but of another label until only two are left
    assert order == [1, 3, 4, 5, 6, 2]


def test_a_whole_copy_is_kept_whatever_else_speaks_for_the_damaged_one():
    rows = rows_of(
        [0, 1],
        damaged=[True, False],
        protected=[True, False],
        is_link=[False, True],
        label=[3, NO_LABEL],
        width=[900, 100],
    )

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]
    assert reason_of(duplicates, 1) == "whole, not damaged"


def test_a_damaged_copy_that_alone_is_like_all_others_is_no_keeper():
    # 0 stands between 1 and 2, which were not found to be copies of each other
    rows = rows_of([0, 1, 2], damaged=[True, False, False])

    duplicates = found(rows, [(0, 1), (0, 2)])

    assert not duplicates.keeper[0]
    assert duplicates.cluster[0] != NO_CLUSTER


def test_of_damaged_copies_alone_one_is_kept():
    rows = rows_of([0, 1], damaged=[True, True], width=[100, 200])

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]


def test_clusters_of_other_rules_keep_the_first_whole_path():
    rows = rows_of([0, 1, 2, 3], damaged=[True, False, False, False])

    duplicates = clusters_by_path(rows, np.array([0, 0, 1, 1]))

    assert duplicates.keeper.tolist() == [False, True, True, False]
    assert reason_of(duplicates, 1) == "whole, not damaged"
    assert reason_of(duplicates, 2) == "first path"


def test_an_enlarged_copy_is_not_kept_for_its_size():
    rows = rows_of([0, 1], width=[100, 400], height=[100, 400], sharpness=[700, 80])

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [True, False]
    assert reason_of(duplicates, 0) == "not enlarged"


def test_an_original_is_kept_rather_than_its_sharper_reduced_copy():
    rows = rows_of([0, 1], width=[100, 400], height=[100, 400], sharpness=[700, 200])

    duplicates = found(rows, [(0, 1)])

    assert duplicates.keeper.tolist() == [False, True]
    assert reason_of(duplicates, 1) == "highest resolution"


def test_the_sharpness_of_another_cluster_enlarges_nothing():
    rows = rows_of([0, 0, 1, 1], width=[9, 8, 100, 400], sharpness=[9e6, 9e6, 50, 40])

    assert found(rows, []).keeper.tolist() == [True, False, False, True]


def test_two_labels_in_a_cluster_are_a_conflict():
    rows = rows_of([0, 0, 1, 1, 2, 2], label=[1, 1, 3, NO_LABEL, 5, 6])

    duplicates = found(rows, [])

    assert duplicates.conflicts.tolist() == [duplicates.cluster[4]]


def test_clusters_are_numbered_by_size_then_by_path():
    rows = rows_of([3, 0, 0, 1, 1, 1, 2, 2], path_rank=[7, 6, 5, 4, 3, 2, 1, 0])

    duplicates = found(rows, [])

    assert duplicates.cluster.tolist() == [NO_CLUSTER, 2, 2, 0, 0, 0, 1, 1]


def test_a_pair_of_an_item_with_itself_changes_nothing():
    duplicates = found(rows_of([0, 1]), [(0, 0), (1, 1)])

    assert (duplicates.cluster == NO_CLUSTER).all()


@pytest.mark.slow
def test_a_million_equal_files_are_one_cluster_within_seconds():
    count = 1_000_000
    rows = rows_of(np.zeros(count, np.int32), byte_group=np.zeros(count))

    duplicates = found(rows, [])

    assert (duplicates.cluster == 0).all()
    assert duplicates.keeper.sum() == 1
    assert duplicates.keeper[0]


def test_a_hub_of_many_near_copies_is_one_cluster():
    count = 100_000
    pairs = np.stack([np.zeros(count - 1, int), np.arange(1, count)], axis=1)

    duplicates = found(rows_of(np.arange(count)), pairs)

    assert (duplicates.cluster == 0).all()
    assert np.flatnonzero(duplicates.keeper).tolist() == [0]


def test_the_center_is_to_be_compared_with_what_its_star_leaves_out():
    rows = rows_of(range(6))
    pairs = np.array([(0, 1), (0, 2), (0, 3), (3, 4)], np.int32)
    checked = np.concatenate([pairs, np.array([(1, 2)], np.int32)])

    missing = keeper_pairs_to_check(rows, pairs, checked)

    assert missing.tolist() == [[0, 4]]


def test_what_was_compared_is_not_asked_for_again():
    rows = rows_of(range(5))
    pairs = np.array([(0, 1), (0, 2), (0, 3), (3, 4)], np.int32)
    refused = np.array([(4, 0)], np.int32)

    missing = keeper_pairs_to_check(rows, pairs, np.concatenate([pairs, refused]))

    assert missing.shape == (0, 2)


def test_without_pairs_there_is_nothing_to_complete():
    none = np.zeros((0, 2), np.int32)

    assert keeper_pairs_to_check(rows_of([]), none, none).shape == (0, 2)
    assert keeper_pairs_to_check(rows_of([0, 1]), none, none).shape == (0, 2)


def test_rows_are_not_changed():
    rows = rows_of([0, 0, 1])
    before = replace(
        rows, unique_image=rows.unique_image.copy(), label=rows.label.copy()
    )

    found(rows, [(0, 1)])

    assert np.array_equal(before.unique_image, rows.unique_image)
    assert np.array_equal(before.label, rows.label)
