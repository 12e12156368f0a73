import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image, ImageDraw

# Time limits belong in benchmarks: on a busy machine they fail good code.
# derandomize: the same examples each time, so that a red run can be repeated
settings.register_profile("winnow", deadline=None, derandomize=True)
settings.register_profile("quick", settings.get_profile("winnow"), max_examples=25)
settings.load_profile("winnow")


TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest picks by -m
def pytest_collection_modifyitems(items):
    """Marks each test with its level, which is its folder."""
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])


@pytest.fixture(scope="session")
def draw():
    """Draws the picture of a number: shapes that resemble no other number's."""

    def picture(number, side=64):
        rng = random.Random(number)
        image = Image.new("RGB", (side, side), _color(rng))
        pen = ImageDraw.Draw(image)
        for _ in range(12):
            x, y = rng.randrange(side), rng.randrange(side)
            box = (x, y, x + rng.randrange(6, side // 2), y + rng.randrange(6, side))
            rng.choice((pen.ellipse, pen.rectangle))(box, fill=_color(rng))
        noise = np.random.default_rng(number).normal(0, 6, (side, side, 3))
        pixels = np.clip(np.asarray(image) + noise, 0, 255)
        return Image.fromarray(pixels.astype(np.uint8))

    return picture


def _color(rng):
    return tuple(rng.randrange(256) for _ in range(3))
