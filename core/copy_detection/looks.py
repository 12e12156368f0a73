"""What pictures look like from afar, by which copies with marks are proposed."""

from __future__ import annotations

import numpy as np

from .dct import BASES, has_contrast, whole_spectra
from .signature import brightness_of
from .types import Floats, Signatures, floats

_PICTURES_AT_ONCE = 1024


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
