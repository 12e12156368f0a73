import numpy as np
import pytest

from core.copy_detection import signatures
from core.scan.equal_pixels import _united
from core.scan.unique_images import collapse


def digests_of(*numbers):
    return np.repeat(np.array(numbers, np.uint8)[:, None], 32, axis=1)


def test_equal_pixels_are_one_unique_image_and_the_first_file_represents_it():
    digests = np.array([[1, 1], [2, 2], [1, 1], [3, 3]], np.uint8)
    vectors = np.array([[1.0, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float16)

    images = collapse(digests, vectors, np.zeros((len(digests), 2), np.uint8))

    assert images.of_file.tolist() == [0, 1, 0, 2]
    assert images.pixel_group.tolist() == [0, 1, 0, 2]
    assert images.first_file.tolist() == [0, 1, 3]


@pytest.mark.parametrize(("blank", "unique"), [(False, [0, 0, 1]), (True, [0, 1, 2])])
def test_equal_looks_are_one_unique_image_unless_they_are_blank(blank, unique):
    """Pictures of three sizes, two of which look the same at that of the model."""
    pictures = np.zeros((3, 128, 128, 3), np.uint8)
    if not blank:
        pictures[:] = np.random.default_rng(0).integers(0, 255, pictures[0].shape)
    vectors = np.array([[1.0, 0], [1, 0], [0, 1]], np.float16)

    images = collapse(digests_of(1, 2, 3), vectors, signatures(pictures))

    assert images.of_file.tolist() == unique
    assert images.pixel_group.tolist() == [0, 1, 2]


def test_blank_pictures_of_equal_pixels_are_one_unique_image():
    vectors = np.ones((4, 2), np.float16)
    looks = signatures(np.full((4, 128, 128, 3), 255, np.uint8))

    images = collapse(digests_of(1, 2, 1, 2), vectors, looks)

    assert images.of_file.tolist() == [0, 1, 0, 1]


def test_without_vectors_and_without_rows_nothing_breaks():
    digests = np.array([[1], [1], [2]], np.uint8)

    looks = np.array([[0], [0], [1]], np.uint8)

    no_vectors = np.empty((3, 0), np.float16)
    assert collapse(digests, no_vectors, looks).first_file.tolist() == [0, 2]
    assert collapse(digests[:0], np.empty((0, 4)), looks[:0]).of_file.shape == (0,)


def test_one_vector_for_two_pictures_does_not_make_them_one():
    digests = np.array([[1], [2]], np.uint8)
    vectors = np.array([[1.0, 0], [1, 0]], np.float16)

    images = collapse(digests, vectors, np.array([[7], [8]], np.uint8))

    assert images.of_file.tolist() == [0, 1]


def test_groups_of_files_that_are_the_same_become_one():
    group = np.array([0, 1, 2, 1, 3, 4])
    same = np.array([[4, 2], [1, 2]])

    united = _united(group, same)

    assert united.tolist() == [0, 1, 1, 1, 1, 4]
    assert _united(group, same[:0]).tolist() == group.tolist()
