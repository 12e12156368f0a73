"""Compares a new folder of images with folders or data sets that exist.

    python cli/compare_folders.py [FOLDER] [--splits LIST] [--classes LIST]
                                  [--layout PATTERN] [--follow-links]
                                  [--against LIST] [--out DIR] [--fail-on POLICY]

Each option may also come from the environment (IMAGES, SPLITS, CLASSES, LAYOUT,
FOLLOW_LINKS, AGAINST, OUT, FAIL_ON), which is how ``make compare`` passes them on.
What is said of folders is said of FOLDER; those of AGAINST are read by their names.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from first_checks import check_home, check_machine  # noqa: E402
from folder_options import add_folder_options, listing_of  # noqa: E402
from scan_folder import BAD_INPUT, PLUGIN, connected_fiftyone, exit_code, gate  # noqa: E402
from show_progress import bars_or_lines  # noqa: E402

from core.curation.policy import COMPARED, parse_policy  # noqa: E402
from core.reading.folders import describe, list_images  # noqa: E402


def main() -> int:
    options = _options()
    if not options.folder or not options.against:
        print(
            "Give the new folder and the existing ones: make compare IMAGES=new-folder "
            "AGAINST=folder-or-data-set,another",
            file=sys.stderr,
        )
        return BAD_INPUT
    return exit_code(lambda: _compare(options), "Embeddings are stored.")


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_folder_options(parser)
    parser.add_argument("--against", default=env.get("AGAINST") or "")
    parser.add_argument("--out", type=Path, default=env.get("OUT") or "winnow-out")
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    return parser.parse_args()


def _compare(options: argparse.Namespace) -> int:
    policy = parse_policy(options.fail_on, COMPARED)
    check_home()
    listing = listing_of(options, options.folder, 1)
    check_machine(options.out, len(listing.images))
    fo = connected_fiftyone()
    if fo is None:
        return BAD_INPUT
    operator = fo.operators.get_operator("@winnow/curate/compare")
    sets = importlib.import_module(f"{PLUGIN}.operators.adapter.curation.image_sets")
    names = [name.strip() for name in options.against.split(",") if name.strip()]
    against = [_existing(name, options.follow_links, fo, sets) for name in names]
    report = operator(
        sets.folder_set(listing),
        against,
        output_dir=str(options.out),
        progress=bars_or_lines(),
    )
    print(f"\n{report}")
    return gate(policy, report.counts, report.not_looked_for, {})


def _existing(name: str, follow_links: bool, fo: ModuleType, sets: ModuleType) -> Any:
    """Returns what a name stands for: a folder is listed, and that is printed."""
    if fo.dataset_exists(name) or not Path(name).expanduser().is_dir():
        return name
    listing = list_images(name, at_least=1, follow_links=follow_links)
    print(describe(listing), flush=True)
    return sets.folder_set(listing)


if __name__ == "__main__":
    sys.exit(main())
