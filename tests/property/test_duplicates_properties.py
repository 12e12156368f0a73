from dataclasses import fields, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.findings.duplicates import find_duplicates, keeper_pairs_to_check
from core.findings.keepers import ImageRows
from core.findings.schema import NO_CLUSTER


@st.composite
def worlds(draw):
    """Returns up to 40 rows of up to 15 unique images, and pairs of them."""
    count = draw(st.integers(0, 40))
    image_count = draw(st.integers(1, 15))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = random.integers(-1, image_count, count).astype(np.int32)
    # Groups refine images: bytes refine pixels, pixels refine unique images
    pixel_group = image.astype(np.int64) * 2 + random.integers(0, 2, count)
    byte_group = pixel_group * 2 + random.integers(0, 2, count)
    rows = ImageRows(
        unique_image=image,
        byte_group=byte_group,
        pixel_group=pixel_group,
        width=random.integers(1, 3, count).astype(np.int32) * 50,
        height=random.integers(1, 3, count).astype(np.int32) * 50,
        file_bytes=random.integers(1, 4, count) * 1000,
        sharpness=random.choice([1.0, 2.0, 50.0, np.nan], count).astype(np.float32),
        modified=random.choice([1.0, 2.0, np.nan], count),
        path_rank=random.permutation(count),
        label=random.integers(-1, 3, count).astype(np.int32),
        chosen=np.zeros(count, bool),
        is_link=random.random(count) < 0.1,
        protected=random.random(count) < 0.1,
        flawed=random.random(count) < 0.2,
        damaged=random.random(count) < 0.2,
        seconds=random.choice([0.0, 10.0, 60.0], count),
    )
    present = np.unique(image[image >= 0])
    links = draw(st.integers(0, 30)) if len(present) else 0
    pairs = random.choice(present, (links, 2)) if links else np.zeros((0, 2), int)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int32)
    cosines = random.random(len(pairs)).astype(np.float32)
    relations = random.integers(0, 8, len(pairs)).astype(np.int8)
    return rows, pairs, cosines, relations, random


def taken(rows, order):
    return ImageRows(**{f.name: getattr(rows, f.name)[order] for f in fields(rows)})


def linked_to(pairs):
    linked = {tuple(pair) for pair in pairs.tolist()}
    return linked | {(b, a) for a, b in linked}


@given(worlds())
def test_every_member_was_compared_with_its_keeper(world):
    rows, pairs, cosines, relations, _ = world

    duplicates = find_duplicates(rows, pairs, cosines, relations)

    linked = linked_to(pairs)
    for cluster in set(duplicates.cluster.tolist()) - {NO_CLUSTER}:
        members = np.flatnonzero(duplicates.cluster == cluster)
        keepers = members[duplicates.keeper[members]]
        assert len(members) > 1
        assert len(keepers) == 1
        kept = rows.unique_image[keepers[0]]
        for row in members:
            assert (
                rows.unique_image[row] == kept
                or (rows.unique_image[row], kept) in linked
            )


@given(worlds())
def test_rows_of_one_unique_image_are_never_parted(world):
    rows, pairs, cosines, relations, _ = world

    cluster = find_duplicates(rows, pairs, cosines, relations).cluster

    for image in set(rows.unique_image[rows.unique_image >= 0].tolist()):
        same = np.flatnonzero(rows.unique_image == image)
        assert len(set(cluster[same].tolist())) == 1
        assert len(same) == 1 or cluster[same[0]] != NO_CLUSTER
    assert (cluster[rows.unique_image < 0] == NO_CLUSTER).all()


@given(worlds())
def test_a_pair_is_left_out_only_where_a_star_took_one_of_the_two(world):
    rows, pairs, cosines, relations, _ = world
    cluster = find_duplicates(rows, pairs, cosines, relations).cluster

    for a, b in pairs.tolist():
        first = cluster[np.flatnonzero(rows.unique_image == a)[0]]
        second = cluster[np.flatnonzero(rows.unique_image == b)[0]]
        assert first != NO_CLUSTER or second != NO_CLUSTER


@given(worlds())
def test_the_order_of_rows_and_pairs_does_not_matter(world):
    rows, pairs, cosines, relations, random = world
    order = random.permutation(len(rows.unique_image))
    shuffled = random.permutation(len(pairs))

    one = find_duplicates(rows, pairs, cosines, relations)
    two = find_duplicates(
        taken(rows, order),
        pairs[shuffled][:, ::-1],
        cosines[shuffled],
        relations[shuffled],
    )

    for name in ("cluster", "kind", "relation", "similarity", "keeper", "reason"):
        before, after = getattr(one, name)[order], getattr(two, name)
        assert np.array_equal(before, after, equal_nan=name == "similarity")
    assert np.array_equal(one.conflicts, two.conflicts)


@given(worlds())
def test_dropping_the_exact_copies_leaves_every_content_once(world):
    rows, pairs, cosines, relations, _ = world

    duplicates = find_duplicates(rows, pairs, cosines, relations)

    exact = (duplicates.kind == 0) & ~duplicates.keeper
    clustered = duplicates.cluster != NO_CLUSTER
    left = rows.byte_group[clustered & ~exact].tolist()
    assert sorted(left) == sorted(set(rows.byte_group[clustered].tolist()))


@given(worlds())
def test_completing_stars_asks_for_unchecked_pairs_within_a_component(world):
    rows, pairs, _, _, random = world
    checked = np.concatenate([pairs, random.integers(0, 15, (5, 2)).astype(np.int32)])

    missing = keeper_pairs_to_check(rows, pairs, checked)

    known = linked_to(checked)
    assert not any(tuple(pair) in known for pair in missing.tolist())
    assert (missing[:, 0] < missing[:, 1]).all()
    assert len(np.unique(missing, axis=0)) == len(missing)


@given(worlds())
def test_no_damaged_copy_is_kept_where_a_whole_one_is(world):
    rows, pairs, cosines, relations, _ = world

    duplicates = find_duplicates(rows, pairs, cosines, relations)

    with_whole = np.unique(duplicates.cluster[~rows.damaged])
    kept_damaged = duplicates.cluster[duplicates.keeper & rows.damaged]
    assert not np.isin(kept_damaged, with_whole).any()


@given(worlds())
def test_whatever_is_chosen_becomes_the_keeper_of_the_same_cluster(problem):
    rows, pairs, cosines, relations, _ = problem
    usual = find_duplicates(rows, pairs, cosines, relations)

    for row in np.flatnonzero(usual.cluster >= 0):
        chosen = np.arange(len(rows.unique_image)) == row
        found = find_duplicates(replace(rows, chosen=chosen), pairs, cosines, relations)
        assert found.cluster.tolist() == usual.cluster.tolist()
        assert found.keeper[row]
        others = usual.cluster != usual.cluster[row]
        assert (found.keeper == usual.keeper)[others].all()


@given(worlds())
def test_what_stays_beside_a_keeper_takes_nothing_else_along(problem):
    rows, pairs, cosines, relations, random = problem
    usual = find_duplicates(rows, pairs, cosines, relations)
    leaving = random.random(len(rows.unique_image)) < 0.3

    found = find_duplicates(rows, pairs, cosines, relations, leaving)

    assert not (leaving & (found.cluster >= 0) & ~found.keeper).any()
    for number in range(usual.cluster.max(initial=-1) + 1):
        members = np.flatnonzero(usual.cluster == number)
        stay = members[~leaving[members] | usual.keeper[members]]
        expected = 1 if len(stay) > 1 else 0
        assert len(set(found.cluster[stay].tolist()) - {-1}) == expected
        assert (found.keeper[stay] == usual.keeper[stay]).all() == bool(expected)
