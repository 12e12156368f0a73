import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.copy_detection import (
    MIN_COPY_SCORE,
    NO_RELATION,
    RELATIONS,
    SIGNATURE_SIDE,
    signatures,
    turned_candidates,
    verify_pairs,
)


@st.composite
def worlds(draw):
    """Returns up to eight pictures of coarse noise, some of them changed copies."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cells = draw(st.sampled_from((1, 2, 8, 32)))
    count = draw(st.integers(2, 6))
    coarse = random.integers(0, 256, (count, cells, cells, 3)).astype(np.uint8)
    block = np.ones((1, SIGNATURE_SIDE // cells, SIGNATURE_SIDE // cells, 1), np.uint8)
    pictures = np.kron(coarse, block)
    pictures[0] = pictures[1, :, ::-1] // 2
    pairs = random.integers(0, count, (draw(st.integers(0, 10)), 2)).astype(np.int32)
    sizes = random.integers(1, 5000, (count, 2)).astype(np.int32)
    return signatures(pictures), pairs, sizes, random


@settings(max_examples=40)
@given(worlds())
def test_scores_are_shares_and_only_copies_have_a_relation(world):
    described, pairs, sizes, _ = world

    checks = verify_pairs(described, pairs, sizes)

    assert ((checks.scores >= 0) & (checks.scores <= 1)).all()
    named = checks.relations != NO_RELATION
    assert (checks.scores[named] >= MIN_COPY_SCORE).all()
    assert (checks.relations < 1 << len(RELATIONS)).all()


@settings(max_examples=40)
@given(worlds())
def test_neither_order_nor_repeats_nor_company_move_a_score(world):
    described, pairs, sizes, random = world
    order = random.permutation(len(pairs))

    one = verify_pairs(described, pairs, sizes)
    two = verify_pairs(described, np.repeat(pairs[order][:, ::-1], 2, axis=0), sizes)

    assert np.array_equal(np.repeat(one.scores[order], 2), two.scores)
    assert np.array_equal(np.repeat(one.relations[order], 2), two.relations)


@settings(max_examples=40)
@given(worlds())
def test_asking_for_some_pictures_gives_their_share_of_the_candidates(world):
    described, _, _, random = world
    asked = np.flatnonzero(random.random(len(described)) < 0.5)

    every, some = (
        turned_candidates(described),
        turned_candidates(described, asked=asked),
    )

    known = set(map(tuple, every.tolist()))
    assert all(tuple(pair) in known for pair in some.tolist())
    assert np.isin(some, asked).any(axis=1).all()
