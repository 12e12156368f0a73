import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.findings.leaks import NO_KIND, find_leaks, leak_matrix

SPLITS = 3


@st.composite
def worlds(draw):
    """Returns the arguments of find_leaks for up to 25 images."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(0, 25))
    image = random.integers(-1, 9, count).astype(np.int32)
    # Equal bytes have equal pixels, and equal pixels are one unique image
    pixels = image * 3 + random.integers(0, 3, count)
    contents = pixels * 3 + random.integers(0, 3, count)
    return {
        "split": random.integers(-1, SPLITS, count).astype(np.int32),
        "unique_image": image,
        "byte_group": contents.astype(np.int64),
        "pixel_group": pixels.astype(np.int64),
        "label": random.integers(-1, 3, count).astype(np.int32),
        "pairs": random.integers(0, 9, (draw(st.integers(0, 8)), 2)).astype(np.int32),
        "protected_splits": tuple(set(random.integers(0, SPLITS, 2).tolist())),
        "damaged": random.random(count) < draw(st.sampled_from([0, 0.4])),
    }


def found(world):
    world = dict(world)
    return find_leaks(world.pop("split"), SPLITS, **world)


@given(worlds())
def test_an_image_leaks_if_and_only_if_a_direct_copy_lies_elsewhere(world):
    split, image = world["split"], world["unique_image"]
    linked = {(i, i) for i in range(9)} | set(map(tuple, world["pairs"].tolist()))
    linked |= {(b, a) for a, b in linked}

    leaks = found(world)

    for row in range(len(split)):
        copies = [
            other
            for other in range(len(split))
            if min(split[row], split[other], image[row], image[other]) >= 0
            and split[row] != split[other]
            and (image[row], image[other]) in linked
        ]
        assert leaks.leak[row] == bool(copies)
        elsewhere = {int(split[other]) for other in copies}
        assert set(np.flatnonzero(leaks.kinds[row] != NO_KIND).tolist()) == elsewhere


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_images_and_pairs_does_not_matter(world, random):
    count, pairs = len(world["split"]), len(world["pairs"])
    order = np.array(random.sample(range(count), count), int)
    moved = {
        name: value[order] if name not in ("pairs", "protected_splits") else value
        for name, value in world.items()
    }
    moved["pairs"] = world["pairs"][random.sample(range(pairs), pairs)][:, ::-1]

    one, two = found(world), found(moved)

    for name in ("leak", "kinds", "conflict", "remove", "remove_reason"):
        assert np.array_equal(getattr(one, name)[order], getattr(two, name)), name


@given(worlds())
def test_removing_what_is_marked_closes_every_leak_and_leaves_the_copy_that_counts(
    world,
):
    split, image, damaged = world["split"], world["unique_image"], world["damaged"]
    linked = {(i, i) for i in range(9)} | set(map(tuple, world["pairs"].tolist()))
    linked |= {(b, a) for a, b in linked}
    leaks = found(world)
    stays = ~leaks.remove
    rest = {
        name: value[stays] if name not in ("pairs", "protected_splits") else value
        for name, value in world.items()
    }

    assert not found(rest).leak.any()
    assert not (leaks.remove & ~leaks.leak).any()
    protected = np.isin(split, world["protected_splits"])
    for row in np.flatnonzero(leaks.remove):
        staying = [
            other
            for other in np.flatnonzero(stays & (split >= 0) & (image >= 0))
            if split[other] != split[row] and (image[row], image[other]) in linked
        ]
        # A whole image goes only for a whole one, then a protected one only for a
        # protected one
        order = [(not damaged[one], protected[one]) for one in staying]
        assert max(order) >= (not damaged[row], protected[row])


@given(worlds())
def test_the_matrix_counts_what_the_kinds_say(world):
    leaks = found(world)

    matrix = leak_matrix(leaks.kinds, world["split"])

    assert matrix.sum() == (leaks.kinds != NO_KIND).sum()
    assert not matrix[:, range(SPLITS), range(SPLITS)].any()
