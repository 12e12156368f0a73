"""What pictures look like from afar, by which copies with marks are proposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dct import BASES, has_contrast, whole_spectra
from .signature import brightness_of
from .types import Floats, Signatures, floats
from .views import views_of

_PICTURES_AT_ONCE = 1024

_Rows = NDArray[np.int64]


def looks_of(signatures: Signatures) -> Floats:
    """Returns the 8 x 8 lowest cosine coefficients of the brightness, as unit vectors.

    A perceptual hash (Zauner, Implementation and benchmarking of perceptual image hash
    functions, 2010) keeps their signs; here they are kept whole. Marks tiled over a
    picture move its embedding far (cosine 0.2 to 0.8), and its looks little.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        float32[m, 64]; zeros for pictures with next to no contrast
    """
    looks = np.zeros((len(signatures), BASES**2), np.float32)
    for start in range(0, len(signatures), _PICTURES_AT_ONCE):
        some = signatures[start : start + _PICTURES_AT_ONCE]
        spectra = whole_spectra(floats(brightness_of(some)))
        contrasted = has_contrast(spectra)
        looks[start : start + len(some)][contrasted] = spectra[contrasted]
    return looks


def framed_looks_of(signatures: Signatures, rows: _Rows) -> tuple[_Rows, Floats]:
    """Returns what the pictures look like that some frame.

    Args:
        signatures: uint8[m, 4608]
        rows: int64[q], which of them are asked for

    Returns:
        int64[v], the pictures with plain margins; float32[v, 64], see :func:`looks_of`,
        of what lies inside
    """
    pictures, looks = [np.zeros(0, np.int64)], [np.zeros((0, BASES**2), np.float32)]
    for start in range(0, len(rows), _PICTURES_AT_ONCE):
        some = rows[start : start + _PICTURES_AT_ONCE]
        views = views_of(signatures[some], np.ones((len(some), 2), np.int32))
        framed = np.flatnonzero(views.inside >= 0)
        pictures.append(some[framed])
        looks.append(looks_of(views.signatures[views.inside[framed]]))
    return np.concatenate(pictures), np.concatenate(looks)
