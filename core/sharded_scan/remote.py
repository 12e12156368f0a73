"""The one door to fsspec: file systems that are reached by a URL."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ..errors import InputError

_NEEDED = "Run: .venv/bin/pip install -r requirements-ray.txt"


def is_url(text: str) -> bool:
    """True for what names its own file system, such as ``s3://bucket/a.jpg``."""
    scheme, found, _ = text.partition("://")
    return bool(found) and scheme.isalnum()


def file_system(url: str) -> tuple[Any, str]:
    """Returns the file system of a URL, and the path there.

    Raises:
        InputError: a package for such URLs is not installed, or nobody knows them
    """
    try:
        import fsspec
    except ImportError as error:
        raise InputError(
            f"'{url}' is a URL, and fsspec, which opens URLs, is not installed. "
            f"{_NEEDED}"
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise InputError(
            f"'{url}' cannot be opened: {error}. URLs of that kind need a package of "
            "their own (s3fs for s3://, gcsfs for gs://, aiohttp for https://)."
        ) from error
    except ValueError as error:
        raise InputError(
            f"'{url}' cannot be opened: {error}. Name a folder, or a URL of a kind "
            "that fsspec knows, such as s3://bucket/folder."
        ) from error
    return system, str(path)


def arrow() -> Any:
    """Returns pyarrow, which reads and writes parquet.

    Raises:
        InputError: it is not installed
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "A job writes parquet files, and pyarrow is not installed. " + _NEEDED
        ) from error
    return pyarrow


def parquet_bytes(columns: Mapping[str, Any]) -> bytes:
    """Returns the parquet file of columns.

    Raises:
        InputError: pyarrow is not installed
    """
    pa, sink = arrow(), io.BytesIO()
    pa.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()
