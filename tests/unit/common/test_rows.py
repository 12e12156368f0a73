import numpy as np
import pytest

from core.common.rows import distinct_rows, order_of, words_of


@pytest.mark.parametrize("width", [1, 7, 8, 9, 32])
def test_words_are_in_the_order_of_the_bytes(width):
    rng = np.random.default_rng(width)
    rows = rng.integers(0, 3, (500, width)).astype(np.uint8) * 127

    order = order_of(words_of(rows))

    texts = [row.tobytes() for row in rows]
    assert order.tolist() == sorted(range(500), key=texts.__getitem__)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.int64])
def test_distinct_rows_are_numbered_as_they_appear(dtype):
    rows = np.random.default_rng(0).integers(0, 3, (400, 5)).astype(dtype)

    first, group = distinct_rows(rows)

    seen = {}
    numbers = [seen.setdefault(row.tobytes(), len(seen)) for row in rows]
    assert group.tolist() == numbers
    assert first.tolist() == [numbers.index(number) for number in range(len(seen))]


def test_rows_of_nothing_and_no_rows_are_as_they_were():
    for shape in ((3, 0), (0, 4)):
        first, group = distinct_rows(np.zeros(shape, np.uint8))

        assert first.tolist() == group.tolist() == list(range(shape[0]))
