"""Runs a part of a test in a child: as another user, with mounts of its own."""

import ctypes
import os
import traceback
import warnings

import pytest

NOBODY = 65534
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE, _RECURSIVE = 1 << 18, 1 << 14
_BIND, _REMOUNT, _READ_ONLY = 1 << 12, 1 << 5, 1


def in_child(function, prepare=None):
    """Calls a function in a child process; fails here if it failed there.

    A ``prepare`` that is not permitted skips the test, and says so.
    """
    outcome, answer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        text = b""
        try:
            try:
                if prepare is not None:
                    prepare()
            except OSError as error:
                text = b"skip" + str(error).encode()
            else:
                function()
        except BaseException:  # noqa: BLE001 - it is raised in the parent
            text = b"fail" + traceback.format_exc().encode(errors="replace")
        finally:
            os.write(answer, text)
            os._exit(0)
    os.close(answer)
    with open(outcome, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    if text.startswith("skip"):
        pytest.skip(f"NOT TESTED, the system does not permit it: {text[4:]}")
    assert not text, text[4:]


def become_nobody():
    """From now on the process has no privilege."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def own_mounts():
    """From now on mounts are seen by this process alone, and end with it."""
    user, group = os.geteuid(), os.getegid()
    _check(_libc().unshare(_NEW_MOUNTS | (_NEW_USERS if user else 0)))
    if user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"0 {user} 1"),
            ("gid_map", f"0 {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    mount("none", "/", None, _PRIVATE | _RECURSIVE)


def mount_memory(folder, options):
    mount("tmpfs", str(folder), "tmpfs", 0, options)


def mount_again(source, folder):
    mount(str(source), str(folder), None, _BIND)


def remount(folder, *, read_only):
    mount("none", str(folder), None, _REMOUNT | (_READ_ONLY if read_only else 0))


def mount(source, folder, kind, flags, options=None):
    arguments = (text and text.encode() for text in (source, folder, kind))
    _check(_libc().mount(*arguments, flags, options and options.encode()))


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
