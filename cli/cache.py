"""Says what Winnow keeps between runs, or clears it: cache.py [--clear]

``make cache`` passes ``CLEAR=1`` on through the environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.errors import CurationError  # noqa: E402
from core.storage.cache import CLEARED, cache_folder, cache_uses, clear_cache  # noqa: E402


def main() -> int:
    try:
        return _say_or_clear()
    except CurationError as error:
        print(error, file=sys.stderr)
        return 2


def _say_or_clear() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted = os.environ.get("CLEAR") == "1"
    parser.add_argument("--clear", action="store_true", default=wanted)
    folder = cache_folder()
    if parser.parse_args().clear:
        freed = clear_cache(folder)
        print(f"Cleared {' and '.join(CLEARED)}: {freed / 1e6:,.1f} MB.")
    print(f"{folder}")
    for use in cache_uses(folder):
        print(f"  {use.kind:16s} {use.files:8,} files {use.size / 1e6:12,.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
