"""The real App in a real browser, on the demo images with a conflict added."""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "e2e-shots"
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
_SLOW = 45_000  # ms: a busy machine of CI starts the page of the App in half a minute
A_SCAN = 4 * _SLOW
LONG_NAME = "IMG_20230617_101530_also_a_cat_0147.jpg"


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="the App in a browser: run 'make e2e'")
    for item in items:
        if Path(item.fspath).parent != Path(__file__).parent:
            continue
        if not os.environ.get("E2E"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Keeps what every page shows when a test of them fails, and prints its words."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    for number, context in enumerate(browser.contexts if browser else ()):
        if report.failed:
            page = context.pages[0]
            page.screenshot(path=SHOTS / f"_failed-{number}.png")
            report.sections.append((f"Page {number} says", page.inner_text("body")))
    return report


@pytest.fixture(scope="session")
def fiftyone():
    from tests import sandbox

    yield sandbox.fiftyone
    sandbox.stop()


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """The demo images; one, with a long name, lies in a second class as well."""
    target = tmp_path_factory.mktemp("demo")
    program = ROOT / "cli" / "demo_images.py"
    subprocess.run([sys.executable, program, target], check=True, capture_output=True)
    folder = target / "images"
    cat = sorted((folder / "train" / "cat").iterdir())[3]
    shutil.copyfile(cat, folder / "train" / "coffee" / LONG_NAME)
    return folder


@pytest.fixture(scope="session")
def dataset(fiftyone, images):
    import importlib

    from core.reading.folders import list_images

    fiftyone.operators.list_operators()
    plugin = "fiftyone.plugins.orgs.winnow.curate"
    folders = importlib.import_module(f"{plugin}.operators.adapter.dataset.from_folder")
    dataset = folders.load_folder(list_images(images)).dataset
    dataset.name = "my-photos"
    return dataset


@pytest.fixture(scope="session")
def server(fiftyone, dataset):
    """The address of an App server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(fiftyone.__file__).parent / "server" / "main.py"
    SHOTS.mkdir(exist_ok=True)
    with (SHOTS / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, program, "--address", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(address + "/fiftyone", timeout=1).close()
            break
        except OSError:
            time.sleep(0.5)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    from tests.e2e.browser import find_browser

    path = find_browser()
    assert path, "no Chromium: python tests/e2e/browser.py installs or asks for it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


class App:
    """A page of the App with the Winnow panel."""

    def __init__(self, browser, address, name, *, width=1500, theme="dark"):
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=theme
        )
        # Hides a pop-over that covers the panel, and chooses the theme
        context.add_init_script(
            "localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true');"
            f"localStorage.setItem('mui-mode', '{theme}');"
        )
        # Web fonts: without network, fail at once
        context.route("**/*.googleapis.com/**", lambda route: route.abort())
        self.page = context.new_page()
        self.page.set_default_timeout(_SLOW)
        self.page.goto(f"{address}/datasets/{name}")
        self.entries = self.page.locator("[data-cy='entry-counts']").first
        self.entries.wait_for()
        self.panel = self.page.locator("[data-cy='panel-content-winnow']")
        self.dialog = self.page.locator("[role='dialog']")
        self.modal = self.page.locator("[data-cy='modal']")

    def open_panel(self):
        # The server may know from another page that it is open; and the menu
        # lists the panels that are loaded when it opens, which ours may not be
        for _ in range(10):
            self.page.wait_for_timeout(2000)
            if self.panel.count():
                break
            self.page.locator("[data-cy='new-panel-btn']").first.click()
            option = self.page.locator("[data-cy='new-panel-option-winnow']")
            self.page.wait_for_timeout(500)
            if option.count():
                option.click()
        self.panel.wait_for()

    def tab(self, name):
        self.press(name)
        self.page.wait_for_timeout(1500)

    def press(self, name, within=None):
        from playwright.sync_api import TimeoutError

        found = (within or self.panel).get_by_role("button", name=name)
        try:
            found.first.click()
        except TimeoutError:
            self.page.screenshot(path=SHOTS / "_not-pressed.png")
            raise

    def submit(self, name):
        """Presses the button of an operator's form until the form is gone.

        A form that is being drawn anew swallows a click.
        """
        from playwright.sync_api import TimeoutError

        form = self.page.locator("[data-cy='operators-prompt-modal']")
        form.get_by_role("button", name=name, exact=True).wait_for()
        deadline = time.monotonic() + _SLOW / 1000
        while form.is_visible():
            assert time.monotonic() < deadline, f"The form of '{name}' does not close."
            with contextlib.suppress(TimeoutError):
                form.get_by_role("button", name=name, exact=True).click(timeout=5000)
                form.wait_for(state="hidden", timeout=5000)

    def open_picture(self, number=0):
        """Opens a picture of the panel in the App's own window; returns the window.

        A panel that is drawn anew at that moment does not hear a click.
        """
        from playwright.sync_api import TimeoutError

        deadline = time.monotonic() + 2 * _SLOW / 1000
        while not self.modal.is_visible():
            assert time.monotonic() < deadline, f"Picture {number} does not open."
            with contextlib.suppress(TimeoutError):
                self.panel.locator("img").nth(number).click(timeout=_SLOW / 3)
                self.modal.wait_for(timeout=_SLOW / 3)
        return self.modal

    def close_picture(self):
        # The App hears the key only once the picture is loaded
        for _ in range(30):
            self.page.wait_for_timeout(1000)
            if not self.modal.is_visible():
                return
            self.page.keyboard.press("Escape")
        raise AssertionError("The window of a picture does not close.")

    def sees(self, text, within=None, patience=_SLOW):
        from playwright.sync_api import TimeoutError

        try:
            (within or self.panel).get_by_text(text).first.wait_for(timeout=patience)
        except TimeoutError:
            self.page.screenshot(path=SHOTS / "_not-seen.png")
            raise

    def select(self, number):
        """Ticks a picture of the grid."""
        picture = self.page.locator("[data-cy='looker']").nth(number)
        for _ in range(10):
            corner = picture.bounding_box()
            at = corner["x"] + 14, corner["y"] + 14
            # The tick comes once the pointer is over the picture
            self.page.mouse.move(at[0] + 20, at[1] + 20)
            self.page.mouse.move(*at)
            self.page.wait_for_timeout(500)
            self.page.mouse.click(*at)
            self.page.wait_for_timeout(1000)
            # A grid that is drawn anew at that moment does not hear it
            if picture.locator("input[type=checkbox]").is_checked():
                return
        raise AssertionError(f"Picture {number} of the grid cannot be ticked.")

    def grid_shows(self, count):
        """Waits until the grid shows as many samples (or groups)."""
        from playwright.sync_api import TimeoutError

        try:
            self.page.wait_for_function(
                # The bar above the grid goes and comes back when it is drawn anew
                "count => document.querySelector(\"[data-cy='entry-counts']\")"
                "?.innerText.replaceAll(',', '').startsWith(count + ' ')",
                arg=count,
            )
        except TimeoutError as error:
            self.page.screenshot(path=SHOTS / "_grid.png")
            bars = self.entries.all_text_contents()
            raise AssertionError(f"The grid shows {bars}, not {count}.") from error

    def shot(self, name):
        """Keeps a screenshot, and the documentation's with DOCS=1."""
        from PIL import Image
        from playwright.sync_api import TimeoutError

        self.page.mouse.move(2, 2)
        with contextlib.suppress(TimeoutError):
            # The count above the grid comes before its pictures do
            self.page.locator("[data-cy='looker']").first.wait_for(timeout=8_000)
        self.page.wait_for_timeout(1500)
        png = self.page.screenshot()
        (SHOTS / f"{name}.png").write_bytes(png)
        if os.environ.get("DOCS") and not name.startswith("_"):
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            picture.save(ROOT / "docs" / f"{name}.jpg", quality=82, optimize=True)

    def fits(self):
        """True if nothing of the panel sticks out to the right."""
        return self.panel.evaluate(
            "panel => { const edge = panel.getBoundingClientRect().right + 1;"
            "return [...panel.querySelectorAll('button, img, p, td')].every("
            "part => part.getBoundingClientRect().right <= edge) }"
        )


@contextlib.contextmanager
def opened_panel(browser, server, dataset):
    """A page of its own on which the panel is open, closed afterwards."""
    app = App(browser, server, dataset.name)
    try:
        app.open_panel()
        yield app
    finally:
        app.page.context.close()


@pytest.fixture(scope="session")
def app(browser, server, dataset):
    return App(browser, server, dataset.name)


@pytest.fixture
def another_app(browser, server, dataset):
    """Opens further pages: ``another_app(width=900, theme="light")``."""
    opened = []

    def open_app(**options):
        opened.append(App(browser, server, dataset.name, **options))
        return opened[-1]

    yield open_app
    for app in opened:
        app.page.context.close()
