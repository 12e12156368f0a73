import numpy as np
import pytest

from core.common.texts import PackedTexts, TakenTexts

TEXTS = [b"a", b"", b"some longer one", b"\xff\x00", b"e"]


@pytest.fixture
def packed():
    parts = [TEXTS[:2], [], TEXTS[2:]]
    return PackedTexts.joined([PackedTexts.of(part) for part in parts])


def test_packed_texts_are_the_texts(packed):
    assert len(packed) == 5
    assert list(packed) == TEXTS
    assert [packed[row] for row in range(-5, 5)] == TEXTS + TEXTS
    assert packed[1:4] == TEXTS[1:4]
    assert packed[:] == TEXTS
    assert list(PackedTexts(())) == []


def test_a_row_that_is_not_there_is_an_error(packed):
    with pytest.raises(IndexError):
        packed[5]


def test_taken_texts_are_some_of_the_others(packed):
    taken = TakenTexts(packed, np.array([3, 0, 3]))

    assert list(taken) == [TEXTS[3], TEXTS[0], TEXTS[3]]
    assert taken[-1] == TEXTS[3]
    assert taken[:2] == [TEXTS[3], TEXTS[0]]
