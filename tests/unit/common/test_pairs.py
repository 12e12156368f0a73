import numpy as np

from core.common.pairs import (
    distinct_pairs,
    pair_batches,
    pair_keys,
    pair_rows,
    places_in_runs,
)


def pairs(*some):
    return np.array(some, np.int32).reshape(-1, 2)


def test_a_pair_has_one_key_whichever_way_round_it_stands():
    keys = pair_keys(pairs((3, 1), (1, 3), (1, 2), (0, 3)), 4)

    assert keys.tolist() == [7, 7, 6, 3]


def test_each_pair_is_found_in_its_first_row():
    known = pairs((5, 2), (0, 1), (1, 0), (2, 4))

    rows = pair_rows(known, pairs((1, 0), (2, 5), (4, 2), (2, 3), (9, 2)))

    assert rows.tolist() == [1, 0, 3, -1, -1]


def test_among_no_pairs_none_is_found():
    assert pair_rows(pairs(), pairs((0, 1))).tolist() == [-1]
    assert pair_rows(pairs((0, 1)), pairs()).tolist() == []


def test_distinct_pairs_stand_once_in_order_and_nothing_is_paired_with_itself():
    most = 2**31 - 1
    found = distinct_pairs(
        pairs((5, 2), (0, 1), (1, 0)), pairs((3, 3), (most, 4), (2, 5)), pairs()
    )

    assert found.tolist() == [[0, 1], [2, 5], [4, most]]
    assert found.dtype == np.int32
    assert distinct_pairs(pairs()).shape == (0, 2)


def test_places_are_counted_among_equal_numbers():
    ordered = np.array([0, 0, 0, 3, 5, 5])

    assert places_in_runs(ordered).tolist() == [0, 1, 2, 0, 0, 1]
    assert len(places_in_runs(ordered[:0])) == 0


def test_pairs_of_neighbors_stand_in_one_batch_with_few_pictures():
    rng = np.random.default_rng(3)
    # A chain of 64 pictures under any names, whose pairs stand in any order
    names = rng.permutation(64)
    chain = np.stack([names[:-1], names[1:]], axis=1)
    chain = rng.permuted(rng.permutation(chain), axis=1).astype(np.int32)

    batches = pair_batches(chain, 16)

    assert [len(rows) for rows in batches] == [16, 16, 16, 15]
    assert sorted(np.concatenate(batches).tolist()) == list(range(63))
    assert [len(np.unique(chain[rows])) for rows in batches] == [17, 17, 17, 16]
    assert pair_batches(chain[:0], 16) == []
