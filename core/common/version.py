"""The version of Winnow."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path


@lru_cache(1)
def winnow_version() -> str:
    """Returns the version that ``fiftyone.yml`` names; the cluster has no such file."""
    path = Path(__file__).parents[2] / "fiftyone.yml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(r'^version: "(.+)"$', text, re.MULTILINE)
    return found[1] if found else "of unknown version"
