"""Finds the distribution's Chromium, and installs it where that can be done.

python tests/e2e/browser.py
"""

import os
import shutil
import subprocess
import sys

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser():
    """Returns the path of a browser, None if there is none."""
    return os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, _NAMES)), None
    )


def main():
    if find_browser():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(
            "The browser tests need Chromium, and there is none here. Install it (on "
            "Debian: sudo apt install chromium), or name yours: make e2e CHROMIUM=PATH"
        )
    print("Installing Chromium", flush=True)
    subprocess.run(["apt-get", "update", "-q"], check=True)
    # A minimal image has no fonts: text would be empty boxes
    packages = ["chromium", "fonts-liberation"]
    subprocess.run(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages],
        check=True,
    )
    if not find_browser():
        sys.exit("apt installed no Chromium. Install one and run make e2e again.")


if __name__ == "__main__":
    main()
