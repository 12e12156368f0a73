import cv2
import numpy as np
import pytest

from core.copy_detection.marked_copies import is_marked_copy

SIDE = 128


@pytest.fixture
def photo():
    """Soft shapes with a little grain."""
    random = np.random.default_rng(4)
    coarse = random.uniform(40, 200, (12, 12)).astype(np.float32)
    smooth = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    gray = np.clip(smooth + random.normal(0, 3, smooth.shape), 0, 255)
    return np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)


def mark(picture, ink=255, rows=range(20, SIDE, 24)):
    """A text again and again, half transparent."""
    layer = np.zeros((SIDE, SIDE), np.uint8)
    for row in rows:
        cv2.putText(layer, "STOCK STOCK", (0, row), 0, 0.6, 255, 1, cv2.LINE_AA)
    opacity = 0.5 * layer[..., None] / 255
    return np.uint8(picture * (1 - opacity) + ink * opacity)


@pytest.mark.parametrize("ink", [0, 255])
def test_a_mark_all_over_a_picture_is_seen_through_either_way(photo, ink):
    assert is_marked_copy(photo, mark(photo, ink))
    assert is_marked_copy(mark(photo, ink), photo)


def test_a_mark_over_a_picture_of_another_contrast_is_seen_through(photo):
    paler = np.uint8(photo * 0.7 + 50)

    assert is_marked_copy(photo, mark(paler))
    assert is_marked_copy(mark(photo), paler)


def test_a_mark_that_covers_more_than_it_leaves_is_seen_through(photo):
    wide = photo.astype(np.float32)
    opacity = np.linspace(0.3, 0.7, SIDE)[:, None]
    for row in range(4, SIDE, 11):
        under = wide[row : row + 6]
        wide[row : row + 6] = under + opacity * (255 - under)

    assert is_marked_copy(photo, wide.astype(np.uint8))


def test_faint_noise_beside_a_mark_does_not_hide_it(photo):
    random = np.random.default_rng(5)
    rough = np.clip(mark(photo) + random.normal(0, 6, photo.shape), 0, 255)

    assert is_marked_copy(photo, rough.astype(np.uint8))


def test_other_pictures_under_one_mark_or_without_are_none(photo):
    other = np.ascontiguousarray(photo[::-1, ::-1])

    assert not is_marked_copy(photo, mark(other))
    assert not is_marked_copy(mark(photo), mark(other))
    assert not is_marked_copy(photo, other)


def test_a_caption_is_no_mark(photo):
    assert not is_marked_copy(photo, mark(photo, rows=[20]))


def test_what_is_lighter_here_and_darker_there_is_another_moment(photo):
    later = mark(mark(photo, 255, range(20, SIDE, 48)), 0, range(44, SIDE, 48))

    assert not is_marked_copy(photo, later)


def test_one_design_in_other_colors_is_no_copy_under_a_mark(photo):
    tinted = photo.copy()
    tinted[..., 0] = np.clip(tinted[..., 0].astype(int) + 40, 0, 255)
    tinted[..., 2] = np.clip(tinted[..., 2].astype(int) - 40, 0, 255)

    assert not is_marked_copy(photo, mark(tinted))


def test_what_differs_in_color_alone_is_no_mark(photo):
    tinted = photo.astype(np.float32)
    for row in range(8, SIDE, 16):
        # As much red as takes nothing from the gray: 0.299 and 0.114 of it
        tinted[row : row + 4] += (24, 0, -63)
        tinted[row : row + 4, ::8] += 14

    assert not is_marked_copy(photo, np.clip(tinted, 0, 255).astype(np.uint8))


def test_a_lighter_frame_is_no_mark(photo):
    framed = photo.copy()
    framed[:20] = framed[-20:] = framed[:, :20] = framed[:, -20:] = 250

    assert not is_marked_copy(photo, framed)


def test_a_drawing_with_other_ornaments_is_no_copy():
    sky = np.linspace(150, 230, SIDE).astype(np.uint8)
    card = np.repeat(np.repeat(sky[:, None], SIDE, axis=1)[..., None], 3, axis=2)
    for x in range(16, SIDE, 32):
        for y in range(16, SIDE, 32):
            cv2.circle(card, (x, y), 6, (20, 20, 20), -1)

    assert not is_marked_copy(card, mark(card, rows=range(30, SIDE, 32)))


def test_a_page_that_was_filled_in_is_another_page():
    page = np.full((SIDE, SIDE, 3), 250, np.uint8)
    for row in range(8, SIDE, 12):
        cv2.putText(page, "name address", (0, row), 0, 0.35, (30,) * 3, 1, cv2.LINE_AA)

    assert not is_marked_copy(page, mark(page, 40))


def test_what_shows_nothing_between_the_strokes_is_none():
    empty = np.linspace(60, 90, SIDE).astype(np.uint8)
    empty = np.repeat(np.repeat(empty[None], SIDE, axis=0)[..., None], 3, axis=2)

    assert not is_marked_copy(empty, mark(empty))
