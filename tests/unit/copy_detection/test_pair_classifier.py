"""What the pictures of a pair may show, and when it is no copy for sure."""

import numpy as np
import pytest

from core.copy_detection.pair_classifier import contradicted

PHOTOGRAPH = {
    "overhang": 0.0,
    "color_residual": 1.0,
    "rest": 1.0,
    "explained": 1.0,
    "alike": 4.0,
    "tones": 3.0,
    "turned": 0.0,
    "inverted": 0.0,
    "residual": 0.0,
    "unlike": 0.0,
    "places": 0.0,
}
DRAWING = PHOTOGRAPH | {"tones": 1.7}

NO_COPIES = {
    "two cuttings of one scene": PHOTOGRAPH | {"overhang": 0.2},
    "another color": PHOTOGRAPH | {"color_residual": 2.7},
    "a drawing in another color": DRAWING | {"color_residual": 2.3},
    "other details": PHOTOGRAPH | {"rest": 0.5},
    "another brightness": PHOTOGRAPH | {"explained": 0.5},
    "a form filled in differently": DRAWING | {"places": 3.0},
    "a drawing with another detail": DRAWING | {"places": 1.0, "unlike": 0.05},
    "another thing in one sky": PHOTOGRAPH | {"alike": 2.5, "places": 1.0},
    "an icon turned, with another detail": PHOTOGRAPH
    | {"tones": 2.4, "turned": 1.0, "unlike": 0.05},
    "an icon inverted, with another detail": PHOTOGRAPH
    | {"tones": 2.4, "inverted": 1.0, "unlike": 0.05},
}
MAY_BE_COPIES = {
    "an equal photograph": PHOTOGRAPH,
    "a drawing": DRAWING,
    "a photograph with captions": PHOTOGRAPH | {"places": 5.0, "unlike": 0.1},
    "a drawing with noise in places": DRAWING | {"places": 2.0},
    "a blurred scan": DRAWING | {"places": 4.0, "residual": 1.0},
    "an icon with another detail that is not plain": PHOTOGRAPH
    | {"tones": 2.4, "places": 1.0, "unlike": 0.05},
    "a photograph of another hue": PHOTOGRAPH | {"color_residual": 2.3},
}


def judged(evidence):
    return bool(
        contradicted({n: np.array([v], np.float32) for n, v in evidence.items()})[0]
    )


@pytest.mark.parametrize("name", NO_COPIES)
def test_what_contradicts_a_copy_is_seen(name):
    assert judged(NO_COPIES[name])


@pytest.mark.parametrize("name", MAY_BE_COPIES)
def test_what_a_copy_may_show_contradicts_nothing(name):
    assert not judged(MAY_BE_COPIES[name])
