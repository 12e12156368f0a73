"""Learns what :mod:`core.copy_detection.closer_look` weighs evidence with.

    python tools/learn_closer_look.py OUT.json PIXELS.json MOMENTS.json
        --photographs FOLDER ... --icons FOLDER ... --scenes FOLDER

Folders of photographs and of icons or clip art, of which none may hold what the
benchmarks judge by, and that of the pairs of ``benchmarks/scene_pairs.csv``, of which
half are learned from: those whose scenes :func:`is_learned_from` draws.

The first trees weigh what is known of all pairs, the second what pixels say as well of
those in doubt, see :mod:`core.copy_detection.closer_pixels`. These learn from more
copies with several changes, and from soft photographs. The third know as much and tell
copies from other moments of a scene; they learn from those of all pairs that signatures
take for copies, more or less, and are free to hold it for one that much is covered.

The stored trees were learned on 30 November 2026 from the same scenes and clip art as
those of ``learn_pair_classifier.py``; the first ones before the second were thought of,
from other draws of the same kinds; the second from five of eight composed copies. The
third were learned last, from one in eight of the scenes, one in three each of the
aerial photographs and of photographs of waste, and the clip art: of 5,872 copies and
3,676 others.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from core.copy_detection import compositions as made  # noqa: E402
from core.copy_detection import verify_pairs  # noqa: E402
from core.copy_detection.closer_overlays import (  # noqa: E402
    lay_closely,
    map_between,
)
from core.copy_detection.closer_picture import closer_picture  # noqa: E402
from core.copy_detection.closer_pixels import pixel_evidence  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from tools.closer_examples import (  # noqa: E402
    Lesson,
    changed_others,
    changed_views,
    composed_copies,
    copies,
    covering_copies,
    crowd,
    cuttings,
    enlarged_cutting,
    look_alikes,
    other_views,
    same_surroundings,
    small_copies,
    soft_cutting,
)
from tools.learn_pair_classifier import fitted, read, written  # noqa: E402
from tools.pair_examples import (  # noqa: E402
    Pair,
    Propose,
    by_a_search,
    describe,
    like_at_eight,
)

MONOTONIC = {
    "agreed": 1,
    "agreed_share": 1,
    "agreed_cells": 1,
    "agreed_apart": -1,
    "contained": 1,
    "fine_alike": 1,
    "fine_unlike": -1,
    "fine_least": 1,
    "fine_rest": 1,
    "fine_groups": -1,
    "fine_largest": -1,
    "fine_others": -1,
    "fine_flat": 0,
    "fine_move": -1,
    "fine_drift": -1,
    "fine_sway": -1,
    "fine_parallax": -1,
    "slide": -1,
    "residual": -1,
    "explained": 1,
    "tones": 1,
    "tone_change": 0,
    "desaturation": 0,
    "color_residual": -1,
    "colorfulness": 0,
    "inverted": -1,
    "zoom": -1,
    "overhang": -1,
    "alike": 1,
    "unlike": -1,
    "rest": 1,
    "places": -1,
    "correlation": 1,
    "skew": -1,
    "stretch": -1,
    "size": 0,
    "patch": -1,
    "inward": 0,
    "scattered": -1,
    "least_alike": 1,
    "detail": 0,
    "one_sided": 0,
    "spread": -1,
    "drift": -1,
    "bare": 1,
    "bare_alike": 1,
    "bare_unlike": -1,
    "bare_least": 1,
    "margined": 0,
    "flat": 0,
    "edges": 0,
}
"""Evidence, and whether more of it may only raise (1) or lower (-1) the log odds."""

PIXELS = {
    "pixel_blocks": 1,
    "pixel_apart": -1,
    "pixel_kept": 1,
    "pixel_left": 1,
    "pixel_sided": 0,
    "pixel_thin_sided": 0,
    "pixel_largest": -1,
    "pixel_filled": 0,
    "pixel_thick": 0,
    "pixel_strength": 0,
    "pixel_unlike": -1,
    "pixel_bare": 1,
    "pixel_spread": 0,
    "pixel_on_edges": -1,
    "pixel_gain": 0,
    "pixel_texture": 0,
    "pixel_blur": 0,
    "pixel_noise": 0,
}
"""The same of what is known of pairs in doubt."""

MOMENTS = dict.fromkeys(MONOTONIC | PIXELS, 0)
"""The same of what might be another moment."""

COUNTS = {
    "copies": 2200,
    "small copies": 600,
    "tilted copies": 500,
    "written copies": 400,
    "cuttings": 450,
    "look-alikes": 1800,
    "other views": 600,
    "composed copies": 8000,
    "changed views": 1800,
    "same surroundings": 1400,
}
FIRST = {"look-alikes": 900, "composed copies": 2000, "changed views": 666}
SOFT_COUNTS = {
    "copies": 1200,
    "cuttings": 450,
    "look-alikes": 1200,
    "other views": 400,
    "written copies": 300,
    "tilted copies": 200,
    "composed copies": 4000,
    "changed views": 1000,
    "same surroundings": 900,
}
EACH_CHANGED = 13
COVERING = {"tilted copies": made.tilted, "written copies": made.captioned}
PICTURES = {"photographs": 2400, "icons": 2400}
"""Pairs that are made, of which the first trees learn from so many, and of soft
photographs; how often each labeled pair of others is changed, what is done to some, and
pictures that are read."""

_TREES = 250
WEIGHTS = {
    "copies": 1.0,
    "small copies": 1.0,
    "tilted copies": 1.0,
    "written copies": 1.0,
    "cuttings": 3.0,
    "look-alikes": 1.0,
    "other views": 1.0,
    "composed copies": 1.0,
    "changed views": 1.0,
    "changed others": 0.3,
    "same surroundings": 2.0,
    "photographs": 3.0,
    "icons": 6.0,
    "icons at eight": 6.0,
    "drawings": 6.0,
    "labeled copies": 20.0,
    "labeled others": 20.0,
}
"""Of the kinds of pairs."""

MOMENT_TREES = 300
LEAST_CHANCE = 0.3
MOMENT_WEIGHTS = {
    "small copies": 0.3,
    "tilted copies": 0.5,
    "written copies": 0.5,
    "look-alikes": 0.5,
    "changed others": 2.0,
    "icons": 2.0,
    "icons at eight": 2.0,
    "drawings": 2.0,
    "labeled copies": 10.0,
    "labeled others": 20.0,
}
"""The same of those that might be other moments, 1 for all other kinds; they learn from
pairs of which signatures say so much, whatever rules say then."""

STRICTER = 0.6
PIXELS_STRICTER = 1.2
MOMENTS_STRICTER = 2.2
"""Log odds taken from all: copies are rarer among the pairs that are looked at. From
0.55 on, and from 1.2 on, two of the labeled others are called copies; up to 1.4 another
one is taken for no other moment, and at 1.8 two more of 600 made ones than here."""

_AT_ONCE = 64
_SOFT = 0.4
"""Share of the photographs of which a part is enlarged: most have little detail."""


def evidence_of(pairs: list[Pair]) -> NDArray[np.float32]:
    """Returns float32[p, d] in the order of MONOTONIC and PIXELS.

    NaN where nothing agrees.
    """
    names = [*MONOTONIC, *PIXELS]
    result = np.full((len(pairs), len(names)), np.nan, np.float32)
    for start in range(0, len(pairs), _AT_ONCE):
        given = [
            closer_picture(picture, (picture.shape[1], picture.shape[0]))
            for pair in pairs[start : start + _AT_ONCE]
            for picture in pair
        ]
        ends = np.arange(len(given)).reshape(-1, 2)
        maps = [map_between(given[a], given[b]) for a, b in ends]
        laid = lay_closely(given, ends, maps, np.ones(len(ends), bool))
        if laid is not None:
            evidence = laid.evidence | pixel_evidence(laid.gray, laid.overlays)
            numbers = [evidence[name] for name in names]
            result[start + laid.rows] = np.stack(numbers, axis=1)
    return result


def chances_of(pairs: list[Pair]) -> NDArray[np.float32]:
    """Returns float32[p], that pairs are copies, by their signatures alone."""
    signatures, sizes = describe([picture for pair in pairs for picture in pair])
    ends = np.arange(len(sizes), dtype=np.int32).reshape(-1, 2)
    return np.asarray(verify_pairs(signatures, ends, sizes).chance, np.float32)


def labeled(folder: Path) -> dict[str, Lesson]:
    """Reads the labeled pairs that are learned from."""
    with (ROOT / "benchmarks" / "scene_pairs.csv").open() as file:
        rows = list(csv.DictReader(file))
    learned = is_learned_from([(row["a"], row["b"]) for row in rows])
    lessons: dict[str, Lesson] = {
        "labeled copies": ([], []),
        "labeled others": ([], []),
    }
    for row, is_learned in zip(rows, learned, strict=True):
        if is_learned:
            name = "labeled copies" if row["label"] == "copy" else "labeled others"
            one, other = (cv2.imread(str(folder / row[end])) for end in "ab")
            assert one is not None and other is not None
            lessons[name][0].append((_rgb(one), _rgb(other)))
            lessons[name][1].append(1.0)
    return lessons


def _rgb(picture: NDArray[Any]) -> made.U8:
    return np.asarray(picture[..., ::-1], np.uint8)


def is_learned_from(pairs: list[tuple[str, str]]) -> list[bool]:
    """Draws half of the scenes: pairs that share a picture are of one."""
    names = sorted({name for pair in pairs for name in pair})
    place = {name: at for at, name in enumerate(names)}
    a, b = np.array([[place[name] for name in pair] for pair in pairs]).T
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(names),) * 2)
    scene = connected_components(links, directed=False)[1]
    first = {int(group): names[at] for at, group in reversed(list(enumerate(scene)))}
    return [zlib.crc32(first[int(scene[at])].encode()) % 2 == 0 for at in a]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("pixels", type=Path)
    parser.add_argument("moments", type=Path)
    for name in ("photographs", "icons"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    asked, random = parser.parse_args(), np.random.default_rng(101)
    crowds = {name: read(getattr(asked, name), most) for name, most in PICTURES.items()}
    given = crowds["photographs"]
    crowds["photographs"] = photos = [
        enlarged_cutting(photo, random) if random.random() < _SOFT else photo
        for photo in given
    ]
    some_drawn = photos + crowds["icons"][: len(photos) // 8]
    lessons = {
        "copies": copies(some_drawn, random, COUNTS["copies"]),
        "small copies": small_copies(photos, random, COUNTS["small copies"]),
        "cuttings": cuttings(photos, random, COUNTS["cuttings"]),
        "look-alikes": look_alikes(photos, random, COUNTS["look-alikes"]),
        "other views": other_views(photos, random, COUNTS["other views"]),
        **{
            name: covering_copies(photos, random, COUNTS[name], change)
            for name, change in COVERING.items()
        },
        **labeled(asked.scenes),
        "composed copies": composed_copies(
            some_drawn, random, COUNTS["composed copies"]
        ),
        "changed views": changed_views(photos, random, COUNTS["changed views"]),
        "same surroundings": same_surroundings(
            photos, random, COUNTS["same surroundings"]
        ),
    }
    others = lessons["labeled others"][0]
    lessons["changed others"] = changed_others(others, random, EACH_CHANGED)
    search = by_a_search(load_embedder())
    for name, pictures in crowds.items():
        lessons[name] = crowd(pictures, random, search)
    icons = crowds["icons"]
    lessons["icons at eight"] = crowd(icons, random, like_at_eight)
    lessons["drawings"] = crowd(
        icons, np.random.default_rng(5), search, all_differ=True
    )
    kinds = {name: (name, lesson) for name, lesson in lessons.items()}
    kinds |= {
        f"soft {name}": (name, lesson)
        for name, lesson in soft_lessons(given, search).items()
    }
    learned = {
        name: (kind, evidence_of(pairs), np.array(weights))
        for name, (kind, (pairs, weights)) in kinds.items()
    }
    first = {
        name: (evidence[:most, : len(MONOTONIC)], weights[:most], is_copy(name))
        for name, (_, evidence, weights) in learned.items()
        if name in WEIGHTS
        for most in [FIRST.get(name, len(weights))]
    }
    both = {
        name: (evidence, weights, is_copy(name))
        for name, (_, evidence, weights) in learned.items()
    }
    moments = {}
    for name, (_, (pairs, _)) in kinds.items():
        likely = chances_of(pairs) > LEAST_CHANCE
        numbers, weight, copied = both[name]
        moments[name] = numbers[likely], weight[likely], copied
    weights = {name: WEIGHTS[kind] for name, (kind, _, _) in learned.items()}
    of_moments = {
        name: MOMENT_WEIGHTS.get(kind, 1.0) for name, (kind, _, _) in learned.items()
    }
    for path, some, counted, signs, trees, stricter in (
        (asked.out, first, weights, MONOTONIC, _TREES, STRICTER),
        (asked.pixels, both, weights, MONOTONIC | PIXELS, _TREES, PIXELS_STRICTER),
        (asked.moments, moments, of_moments, MOMENTS, MOMENT_TREES, MOMENTS_STRICTER),
    ):
        model = fitted(some, counted, signs, trees)
        stored = written(model, list(signs), stricter)
        text = json.dumps(stored, separators=(",", ":"))
        path.write_text(text + "\n", "utf-8")
    for name, (_, evidence, _) in learned.items():
        print(f"{name}: {len(evidence)} pairs")


def is_copy(name: str) -> bool:
    return name.endswith("copies")


def soft_lessons(photos: list[made.U8], search: Propose) -> dict[str, Lesson]:
    """Makes the same kinds of pairs of soft photographs."""
    random = np.random.default_rng(202)
    soft = [soft_cutting(photo, random) for photo in photos]
    make = {
        "copies": copies,
        "cuttings": cuttings,
        "look-alikes": look_alikes,
        "other views": other_views,
        "composed copies": composed_copies,
        "changed views": changed_views,
        "same surroundings": same_surroundings,
    }
    lessons: dict[str, Lesson] = {}
    for name, count in SOFT_COUNTS.items():
        if name in COVERING:
            change = COVERING[name]
            lessons[name] = covering_copies(soft, random, count, change)
        else:
            lessons[name] = make[name](soft, random, count)
    return lessons | {"photographs": crowd(soft, random, search)}


if __name__ == "__main__":
    main()
