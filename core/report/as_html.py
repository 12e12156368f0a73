"""The report as one HTML file: pictures inside, no scripts, no network.

The page is ``page.html`` with ``style.css``, filled in by Jinja, which escapes
every text; a content security policy in the page forbids all the rest.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ..common.text import cut_middle, plain, share_text
from .as_markdown import cell_text
from .model import Picture, Report, left_out_text

_SHOWN_AT_ONCE = 20
"""Pairs of a gallery that need no click."""


def as_html(report: Report) -> str:
    """Returns the report as a page that needs nothing but itself."""
    # Here: whoever only scans does not need it
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {
        "data_uri": _data_uri,
        "cell": cell_text,
        "alt": _alt,
        "share": _share,
        "cut_middle": cut_middle,
    }
    environment.globals["left_out"] = left_out_text
    environment.globals["shown_at_once"] = _SHOWN_AT_ONCE
    page: str = environment.get_template("page.html").render(report=report)
    return page


def _shown(value: Any) -> Any:
    # Markup, a kind of str, is the page's own and stays as it is
    return plain(value) if type(value) is str else value


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _alt(picture: Picture) -> str:
    """Returns what a person reads, or hears, who does not see the picture."""
    kind = f"Image of class {picture.label}" if picture.label else "Image"
    where = f" in {picture.split}" if picture.split else ""
    return f"{kind}{where}, file {picture.path.rsplit('/', 1)[-1]}"


def _share(share: float) -> str:
    return share_text(share, 1)
