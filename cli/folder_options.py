"""What both folder commands ask of a folder: options, and how it is read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from core.reading.folders import FolderListing, describe, list_images
from core.reading.layout_choices import parse_choices


def add_folder_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what the folders of a folder are."""
    env = os.environ
    parser.add_argument("folder", nargs="?", default=env.get("IMAGES") or None)
    parser.add_argument(
        "--splits",
        default=env.get("SPLITS") or "",
        help="which folders are splits: train=seg_train,test=seg_test, or just their "
        "names; none: no folder is one",
    )
    parser.add_argument(
        "--classes",
        default=env.get("CLASSES") or "",
        help="which folders are classes: cats,dogs; none: there are no classes",
    )
    parser.add_argument(
        "--layout",
        default=env.get("LAYOUT") or "",
        help="what each level of folders is, outermost first: split, class, * (says "
        "nothing) or a folder's own name, as in split/class, */class or "
        "images/split; flat: no folder says anything",
    )
    parser.add_argument(
        "--follow-links",
        action="store_true",
        default=env.get("FOLLOW_LINKS", "0") not in ("", "0"),
        help="enter linked folders as well, each once",
    )


def listing_of(
    options: argparse.Namespace, folder: str | Path, at_least: int = 2
) -> FolderListing:
    """Lists a folder as the options say, and prints how it was understood."""
    choices = parse_choices(options.splits, options.classes, options.layout)
    listing = list_images(
        folder, at_least, choices=choices, follow_links=options.follow_links
    )
    print(describe(listing), flush=True)
    return listing
