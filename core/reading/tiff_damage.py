"""What libtiff says while Pillow reads a TIFF.

It prints its errors on the terminal, and goes on after some of them. Here they are
heard instead, by the thread that reads the file.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading

from PIL import _imaging

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p)


class _Heard(threading.local):
    is_damaged = False


_heard = _Heard()


def _hear(speaker: bytes | None, words: bytes | None) -> None:
    # Others speak of metadata, or of what Pillow raises
    if (speaker or b"").endswith(b"Decode"):
        _heard.is_damaged = True


_handler = _Handler(_hear)


def listen() -> None:
    """Forgets what this thread heard so far."""
    _heard.is_damaged = False


def heard_damage() -> bool:
    """True if a decoder found damage in this thread since :func:`listen`."""
    return _heard.is_damaged


def _be_told() -> None:
    """Makes libtiff call us; where it is a part of Pillow itself, it cannot be."""
    with contextlib.suppress(OSError, AttributeError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [_Handler], ctypes.c_void_p
        # Called as long as the process lives, whatever becomes of this module
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_handler))
        set_handler(_handler)


_be_told()
