import numpy as np
import pytest

from core.reading.bit_depth import NonfiniteError, scale_of, to_8_bit

RAMP = np.arange(256).reshape(16, 16)


def shown(samples, **options):
    samples = samples[..., None] if samples.ndim == 2 else samples
    return to_8_bit(samples, scale_of(samples, **options))[..., 0]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_samples_are_scaled_by_the_bits_in_use(bits):
    deep = np.rint(RAMP / 255 * (2**bits - 1)).astype(np.uint16)

    assert np.array_equal(shown(deep), RAMP)


def test_a_dark_picture_stays_dark_if_the_file_says_its_bits():
    dark = (RAMP * 4).astype(np.uint16)

    assert shown(dark).max() == 254
    assert shown(dark, bits=12).max() == 64
    # A file that says less than it holds is not believed
    assert np.array_equal(shown(dark, bits=8), shown(dark))


@pytest.mark.parametrize("fill", [-9999, -32768])
def test_a_usual_fill_value_is_no_data(fill):
    heights = (RAMP * 8 - 300).astype(np.int16)
    holed = heights.copy()
    holed[4:8, 4:8] = fill

    expected = shown(heights)
    assert (shown(holed)[4:8, 4:8] == 0).all()
    rest = np.ones((16, 16), bool)
    rest[4:8, 4:8] = False
    assert np.abs(shown(holed)[rest] - expected[rest].astype(int)).max() <= 3


@pytest.mark.parametrize(
    ("fill", "kind"),
    [
        (-999, "f4"),
        (9999, "f4"),
        (1e20, "f4"),
        (-1e10, "f8"),
        (32767, "i2"),
        (-5000, "i2"),
        (2**31 - 1, "i4"),
    ],
)
def test_a_value_that_many_samples_hold_far_from_all_others_is_no_data(fill, kind):
    heights = (RAMP + 1000).astype(kind)
    holed = heights.copy()
    holed[4:12, 4:12] = fill
    rest = np.ones((16, 16), bool)
    rest[4:12, 4:12] = False

    assert (shown(holed)[~rest] == 0).all()
    assert np.abs(shown(holed)[rest] - shown(heights)[rest].astype(int)).max() <= 5


@pytest.mark.parametrize(
    ("edge", "others"),
    [(1.0, RAMP / 1000), (255.0, RAMP / 10), (700, RAMP + 300), (0, (RAMP % 2 + 1))],
)
def test_white_and_a_value_that_is_not_far_are_data(edge, others):
    values = others.astype(np.float32)
    values[:8, :8] = edge

    assert scale_of(values[..., None]).fill is None


@pytest.mark.parametrize("hole", [np.nan, np.inf, -3.4028235e38])
def test_a_hole_in_floats_does_not_change_the_rest(hole):
    values = (RAMP * 7.5 - 200).astype(np.float32)
    holed = values.copy()
    holed[8, 8] = hole
    change = np.abs(shown(holed) - shown(values).astype(int))

    assert shown(holed)[8, 8] == 0
    change[8, 8] = 0
    assert change.max() <= 1


def test_the_fill_value_of_the_file_is_left_out():
    deep = (RAMP * 16).astype(np.uint16)
    deep[0] = 60000

    assert shown(deep).max() > 230 and shown(deep)[-1].max() == 16
    assert shown(deep, fill=60000)[-1].max() == 254
    assert (shown(deep, fill=60000)[0] == 0).all()


@pytest.mark.parametrize("place", [(0, 0), slice(0, 4)])
def test_dead_pixels_and_frames_of_65535_do_not_darken_fewer_bits(place):
    deep = (RAMP * 16).astype(np.uint16)
    expected = shown(deep)
    expected[place] = 255

    deep[place] = 65535

    assert np.array_equal(shown(deep), expected)


@pytest.mark.parametrize(
    ("fill", "bits"), [(9999, 11), (9999, 12), (32767, 12), (32767, 14), (65534, 12)]
)
def test_a_usual_fill_value_of_unsigned_samples_is_no_data(fill, bits):
    deep = np.rint(RAMP / 255 * (2**bits - 1)).astype(np.uint16)
    expected = shown(deep)
    expected[4:8] = 0

    deep[4:8] = fill

    assert np.array_equal(shown(deep), expected)


@pytest.mark.parametrize("largest", [9999, 32767, 65534])
def test_a_value_that_others_come_near_is_data(largest):
    deep = np.rint(RAMP / 255 * largest).astype(np.uint16)

    assert scale_of(deep[..., None]).fill is None
    assert shown(deep).max() >= 127


def test_few_samples_a_little_beyond_white_do_not_darken_the_rest():
    deep = np.tile(RAMP * 16, (10, 10)).astype(np.uint16)
    expected = shown(deep)
    deep[0, :100] = 5000
    expected[0, :100] = 255

    assert np.array_equal(shown(deep), expected)
    deep[:10] = 5000
    assert shown(deep)[10:].max() < 70


def test_black_and_white_of_16_bits_stay_so():
    drawn = np.where(RAMP > 100, 65535, 0).astype(np.uint16)

    assert np.array_equal(shown(drawn), np.where(RAMP > 100, 255, 0))


def test_one_value_far_off_does_not_take_the_contrast():
    values = np.tile(RAMP, (20, 20)).astype(np.float32) - 100
    values[0, 0] = 1e6

    assert shown(values).std() > 60


def test_shares_of_white_are_shown_as_they_are():
    half = np.linspace(0, 0.5, 256).reshape(16, 16)

    assert shown(half).max() == 128
    assert shown(RAMP.astype(np.float32)).tolist() == RAMP.tolist()


@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "i4", "f4", "f8"])
def test_one_value_everywhere_is_no_error(dtype):
    for value in (0, 7):
        assert len(np.unique(shown(np.full((4, 4), value, dtype)))) == 1


def test_what_is_all_void_is_shown_black_and_what_is_no_number_at_all_is_an_error():
    assert (shown(np.full((4, 4), -9999, np.int16)) == 0).all()
    with pytest.raises(NonfiniteError):
        shown(np.full((4, 4), np.nan))


def test_the_smallest_may_be_white():
    assert np.array_equal(shown(RAMP.astype(np.uint16), inverted=True), 255 - RAMP)
