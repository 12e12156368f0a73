"""Runs imagededup in its own environment: python imagededup_run.py WORK

Its copies are images whose perceptual hashes differ in at most as many of 64 bits as a
threshold says; 10 is its default. Its network is left out: the weights are downloaded
when it is first used.
"""

from __future__ import annotations

import sys
from pathlib import Path

from answers import Answers
from imagededup.methods import AHash, DHash, PHash, WHash

DEFAULT = "PHash, at most 10 bits"
THRESHOLDS = (0, 2, 4, 6, 8, 10, 12)
MOST_PAIRS = 1_000_000
"""What flags more calls everything a copy."""


def main(work: Path) -> None:
    answers = Answers(work, "imagededup", ["imagededup"])
    for method in (PHash(), DHash(), AHash(), WHash()):
        hashes = method.encode_images(answers.root, recursive=True)
        found = method.find_duplicates(
            encoding_map=hashes, max_distance_threshold=max(THRESHOLDS), scores=True
        )
        distances = {
            tuple(sorted((row(answers, name), row(answers, other)))): distance
            for name, near in found.items()
            for other, distance in near
        }
        for threshold in THRESHOLDS:
            pairs = [pair for pair, bits in distances.items() if bits <= threshold]
            setting = f"{type(method).__name__}, at most {threshold} bits"
            if len(pairs) <= MOST_PAIRS or setting == DEFAULT:
                default = setting == DEFAULT
                answers.add("copies", setting, default=default, pairs=pairs)
    files = sorted(path.name for path in Path(answers.broken).iterdir())
    read = PHash().encode_images(answers.broken, recursive=True)
    unread = [str(Path(answers.broken, name)) for name in files if name not in read]
    answers.add("unreadable", "left out", default=True, files=unread)
    answers.write()


def row(answers: Answers, name: str) -> int:
    return answers.row(str(Path(answers.root, name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
