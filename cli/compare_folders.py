"""Compares a new folder of images with folders or data sets that exist.

    python cli/compare_folders.py [FOLDER] [--against LIST] [--out DIR]
                                  [--fail-on POLICY]

Each option may also come from the environment (IMAGES, AGAINST, OUT, FAIL_ON),
which is how ``make compare`` passes them on.
"""

from __future__ import annotations

import argparse
import os
import sys

from scan_folder import (
    BAD_INPUT,
    connected_fiftyone,
    exit_code,
    gate,
    use_this_checkout,
)

from core.policy import COMPARED, parse_policy


def main() -> int:
    options = _options()
    if not options.folder or not options.against:
        print(
            "Say what is new and what exists: make compare IMAGES=new-folder "
            "AGAINST=folder-or-data-set,another",
            file=sys.stderr,
        )
        return BAD_INPUT
    return exit_code(lambda: _compare(options), "What was embedded is kept.")


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", default=env.get("IMAGES") or None)
    parser.add_argument("--against", default=env.get("AGAINST") or "")
    parser.add_argument("--out", default=env.get("OUT") or "winnow-out")
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    return parser.parse_args()


def _compare(options: argparse.Namespace) -> int:
    policy = parse_policy(options.fail_on, COMPARED)
    print("Starting FiftyOne and its database ...", flush=True)
    use_this_checkout()
    fo = connected_fiftyone()
    if fo is None:
        return BAD_INPUT
    operator = fo.operators.get_operator("@winnow/curate/compare")
    against = [name.strip() for name in options.against.split(",") if name.strip()]
    report = operator(options.folder, against, out=options.out, progress=True)
    print(f"\n{report}")
    return gate(policy, report.counts, report.not_looked_for)


if __name__ == "__main__":
    sys.exit(main())
