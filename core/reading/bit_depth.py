"""Samples of more than 8 bits, or with a sign, shown in 8 bits.

A person of the field looks at an X-ray of 12 bits in 16, at a CT in Hounsfield
units or at a height map with voids in a window that fits the values; so do the
model, the statistics and the thumbnails. The window depends on nothing but the
file, so that equal files always look equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WHITES = (255, 1023, 4095, 16383, 65535)
"""What white is in unsigned samples: of 8, 10, 12, 14 or 16 bits in use."""

_SATURATED = 65535
_UNSIGNED_FILLS = (9999, 32767, 65534)
_FEWER_BITS = range(256, 16384)
"""If the largest other sample is one of these, what is 65535 is a dead pixel, a frame
or "no data"; and what is a usual fill value is no data, if it needs more bits."""

_OVERSHOOT = 1.3
_MOST_BEYOND = 0.01
"""How far, as a factor of white, and in which share of the samples lossy coding reaches
beyond it: in JPEG 2000 of 12 bits in 16 by 1.28 and in .008, down to 40 dB."""

_FLOAT_WHITES = (1.0, 255.0)
_LEAST_OF_WHITE = 0.25
"""Floats from 0 to 1, or 0 to 255, are shares of white if their largest is not
far below it."""

_FILLS = (-9999.0, -99999.0, -32768.0, -32767.0, -2147483648.0)
"""Values that stand for "no data" by convention, if none is smaller."""

_FILL_MAGNITUDE = 1e30
"""Floats beyond are no measurements: -3.4e38 is the commonest fill value."""

_PERCENTILES = (0.5, 99.5)
_BEYOND = 0.005
"""Share of the samples that the percentiles leave out at either end."""
_SAMPLED = 1_000_000
"""Values that percentiles are taken of; more do not move them visibly."""

_TILE_SIDE = 512
"""Pixels a side of what is computed at once: a large picture as a whole takes
gigabytes in floats."""

U8 = NDArray[np.uint8]
Tile = tuple[slice, slice]


class NonfiniteError(ValueError):
    """Not one sample of a picture is a number."""


@dataclass(frozen=True)
class Scale:
    """How samples become 8 bits.

    Attributes:
        low: what is black
        high: what is white
        fill: samples that hold no data, shown black; None without
        inverted: the smallest is white
    """

    low: float
    high: float
    fill: float | None = None
    inverted: bool = False


def scale_of(
    samples: NDArray[Any],
    bits: int | None = None,
    fill: float | None = None,
    inverted: bool = False,
) -> Scale:
    """Returns the window that samples are looked at through.

    * Unsigned up to 16 bits: from 0 to the largest value of the bits in use, as
      the file says, or else of the next of 8, 10, 12, 14 and 16, of which a few
      samples may reach a little beyond. 65535 is not counted as a value, but shown
      white, if all others have 9 to 14 bits; 9999, 32767 and 65534 are then no data.
    * Floats from 0 to 1 or to 255: as they are.
    * Signed, larger and other floats: from the 0.5th to the 99.5th percentile of
      what is data, which a value far from all others is not.

    Args:
        samples: of any number type
        bits: in use, as the file says; values beyond it make it void
        fill: the value that stands for "no data", as the file says
        inverted: the smallest is white

    Raises:
        NonfiniteError: not one of the samples is a number
    """
    if samples.dtype.kind == "u":
        voids = () if fill is None else (fill,)
        largest = _largest(samples, *voids)
        if bits is not None and largest < 2**bits <= 65536:
            return Scale(0, 2**bits - 1, fill, inverted)
        if largest == _SATURATED or largest in _UNSIGNED_FILLS:
            others = _largest(samples, *voids, largest)
            if others in _FEWER_BITS and _next_white(others) < _next_white(largest):
                if largest != _SATURATED and fill is None:
                    fill = largest
                largest = others
        if largest <= _WHITES[-1]:
            return Scale(0, _white_of(samples, largest), fill, inverted)
    low, high = _range(samples, None)
    if fill is None:
        fill = low if low in _FILLS else _value_apart(_some_data(samples, None))
    if fill is not None:
        low, high = _range(samples, fill)
    if low > high:
        if not np.isfinite(samples).any():
            raise NonfiniteError("not one sample of the picture is a number")
        return Scale(0, 1, fill, inverted)
    if samples.dtype.kind == "f" and low >= 0:
        for one in _FLOAT_WHITES:
            if _LEAST_OF_WHITE * one < high <= one:
                return Scale(0, one, fill, inverted)
    values = _some_data(samples, fill)
    if len(values):
        edges = np.percentile(values, _PERCENTILES)
        # Nearly all may be one value, such as the sea of a height map
        if edges[0] < edges[1]:
            low, high = edges.tolist()
    return Scale(low, high, fill, inverted)


def to_8_bit(samples: NDArray[Any], scale: Scale) -> U8:
    """Returns uint8 of the same shape, [h, w] or [h, w, bands]."""
    shown = np.empty(samples.shape, np.uint8)
    span = (scale.high - scale.low) or 1.0
    for tile in tiles(*samples.shape[:2]):
        values = _as_doubles(samples[tile])
        no_data = ~(np.abs(values) < _FILL_MAGNITUDE)
        if scale.fill is not None:
            no_data |= values == scale.fill
        values[no_data] = scale.low
        share = np.clip((values - scale.low) / span, 0, 1)
        if scale.inverted:
            share = 1 - share
            share[no_data] = 0
        shown[tile] = np.rint(share * 255)
    return shown


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Cuts a picture into pieces of at most _TILE_SIDE x _TILE_SIDE."""
    for top in range(0, height, _TILE_SIDE):
        for left in range(0, width, _TILE_SIDE):
            yield (
                slice(top, min(top + _TILE_SIDE, height)),
                slice(left, min(left + _TILE_SIDE, width)),
            )


def _largest(samples: NDArray[Any], *but: float) -> int:
    """Returns the largest sample that is none of some values."""
    largest = int(samples.max())
    if largest not in but:
        return largest
    counts = np.ones(samples.shape, bool)
    for one in but:
        counts &= samples != one
    return int(samples.max(initial=0, where=counts))


def _next_white(largest: int) -> int:
    return next(white for white in _WHITES if largest <= white)


def _white_of(samples: NDArray[Any], largest: int) -> int:
    """Returns what is white, beyond which lossy coding may reach in places.

    Args:
        samples: unsigned
        largest: the largest that is data, 0 to 65535
    """
    for white in _WHITES:
        if white < largest <= _OVERSHOOT * white:
            beyond = (samples > white) & (samples <= largest)
            if beyond.mean() <= _MOST_BEYOND:
                return white
    return _next_white(largest)


def _range(samples: NDArray[Any], fill: float | None) -> tuple[float, float]:
    """Returns the smallest and the largest that is data; inf, -inf without any."""
    low, high = np.inf, -np.inf
    for tile in tiles(*samples.shape[:2]):
        values = _data(samples[tile], fill)
        if len(values):
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def _some_data(samples: NDArray[Any], fill: float | None) -> NDArray[np.float64]:
    """Returns float64[k]: samples that are data, evenly chosen of many."""
    # Odd, lest all come from one column
    step = samples.size // _SAMPLED | 1
    return _data(samples.reshape(-1)[::step], fill)


def _data(samples: NDArray[Any], fill: float | None) -> NDArray[np.float64]:
    values = _as_doubles(samples.reshape(-1))
    values = values[np.abs(values) < _FILL_MAGNITUDE]
    return values if fill is None else values[values != fill]


def _value_apart(values: NDArray[np.float64]) -> float | None:
    """Returns the value that stands for "no data" by where it lies; None without.

    It is the smallest or the largest, more samples hold it than percentiles leave
    out, and it is farther from all others than those are from one another.

    Args:
        values: float64[k]
    """
    for value in (values.min(), values.max()) if len(values) else ():
        # White is a value
        if value in _FLOAT_WHITES:
            continue
        others = values[values != value]
        if len(others) and len(values) - len(others) > _BEYOND * len(values):
            low, high = others.min(), others.max()
            if max(low - value, value - high) > high - low > 0:
                return float(value)
    return None


def _as_doubles(samples: NDArray[Any]) -> NDArray[np.float64]:
    # A damaged file may hold signaling NaNs, of which NumPy would warn
    with np.errstate(invalid="ignore"):
        return samples.astype(np.float64)
