import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.curation.split import NO_SPLIT, new_split, smallest_change, units
from core.findings.leaks import find_leaks

SPLITS = 3


@st.composite
def worlds(draw):
    """Images with unique images, copies, groups, labels and a present split."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 30))
    image_count = draw(st.integers(1, 30))
    return {
        "unique_image": random.integers(0, image_count, count).astype(np.int32),
        "pairs": random.integers(0, image_count, (draw(st.integers(0, 8)), 2)).astype(
            "i4"
        ),
        "group": random.integers(-1, draw(st.integers(1, 12)), count).astype(np.int32),
        "label": random.integers(-1, 4, count).astype(np.int32),
        "present": random.integers(-1, SPLITS, count).astype(np.int32),
        "rank": random.permutation(count),
    }


def units_of(world):
    return units(world["unique_image"], world["pairs"], world["group"])


def leaks(world, split):
    everyone = np.arange(len(split))
    return find_leaks(
        split,
        SPLITS,
        unique_image=world["unique_image"],
        byte_group=everyone,
        pixel_group=everyone,
        label=world["label"],
        pairs=world["pairs"],
    ).leak


def groups_together(world, split):
    for group in set(world["group"].tolist()) - {-1}:
        inside = split[world["group"] == group]
        yield len(set(inside[inside != NO_SPLIT].tolist())) <= 1


def fresh(world, **more):
    shares = more.pop("shares", [0.6, 0.3, 0.1])
    return new_split(
        units_of(world), world["label"], shares, rank=world["rank"], **more
    )


def changed(world, fixed=()):
    return smallest_change(
        units_of(world),
        world["label"],
        world["present"],
        SPLITS,
        rank=world["rank"],
        fixed=fixed,
    )


@given(worlds(), st.integers(0, 5))
def test_no_verified_pair_and_no_group_spans_two_new_splits(world, seed):
    split = fresh(world, seed=seed)

    assert (split != NO_SPLIT).all()
    assert not leaks(world, split).any()
    assert all(groups_together(world, split))


@given(worlds())
def test_no_verified_pair_and_no_group_spans_two_changed_splits(world):
    found = changed(world)

    assert not leaks(world, found.split).any()
    assert all(groups_together(world, found.split))
    assert ((found.split == NO_SPLIT) == (world["present"] == NO_SPLIT)).all()
    assert not found.left_out.any() | found.unresolved.any()


@given(worlds(), st.sets(st.integers(0, SPLITS - 1)))
def test_fixed_splits_keep_their_images_and_only_what_is_said_leaks(world, fixed):
    found = changed(world, sorted(fixed))

    for split in fixed:
        assert ((found.split == split) == (world["present"] == split)).all()
    rest = np.where(found.unresolved, NO_SPLIT, found.split)
    assert not leaks(world, rest).any()
    went = (found.split == NO_SPLIT) & (world["present"] != NO_SPLIT)
    assert (found.left_out == went).all()


@given(worlds())
def test_no_other_way_moves_fewer_images(world):
    unit, present = units_of(world), world["present"]
    least = 0
    for number in set(unit.tolist()):
        own = present[(unit == number) & (present != NO_SPLIT)]
        least += min(int((own != split).sum()) for split in range(SPLITS))

    moved = (changed(world).split != present).sum()

    assert moved == least


@given(worlds())
def test_the_order_of_images_does_not_matter(world):
    count = len(world["unique_image"])
    order = np.random.default_rng(count).permutation(count)
    moved = {n: v if n == "pairs" else v[order] for n, v in world.items()}

    assert (fresh(world)[order] == fresh(moved)).all()
    assert (changed(world).split[order] == changed(moved).split).all()
