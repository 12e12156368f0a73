"""Reads videos: a few of their frames, what they are, and whether they are whole.

Whatever goes wrong with a video costs that video alone: it is decoded by another
process, which is started again when it dies or hangs.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ..common.children import Child, command_of, end_child, start_child
from ..reading.files import ReadFailure, file_identity, first_bytes
from .codec_names import codec_of

SECONDS_WITHOUT_A_FRAME = 60.0
"""After so long a process is taken to hang."""

_START_SECONDS = 120.0
_COMMAND = command_of("core.videos.decoder")
_WAITING = 4
"""Frames that are decoded ahead of who reads them."""

_LONGEST_LINE = 4096
_MOST_BYTES = 2**28
_ENCRYPTED = ("encv", "drmi")
"""What MP4 calls the codec of an encrypted video (ISO 14496-12, 8.12; FairPlay)."""

_MISSING_SHARE = 0.02
_LAST_FRAMES = 3


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """A frame of a video.

    Attributes:
        number: of the frame, from 0
        seconds: when it is shown
        jpeg: the picture, upright, as a JPEG of high quality; perhaps shrunk
    """

    number: int
    seconds: float
    jpeg: bytes


@dataclass(frozen=True)
class VideoFacts:
    """What a video is, once it was read to its end.

    Attributes:
        frames: that were decoded
        seconds: when the last of them is shown
        width: upright, in pixels
        height: upright, in pixels
        rate: frames a second; 0 if it is not known
        codec: its four letters
        announced: frames that the file says it has; many say wrong
        damage: complaints of the decoder; 0 for a whole video
        first_damage: frame at which they began, from 0; None without
        last_damage: the last frame of which it complained; None without
        is_truncated: the file ends before its video does
        has_variable_rate: some frames are shown for much longer than others
    """

    frames: int
    seconds: float
    width: int
    height: int
    rate: float
    codec: str
    announced: int
    damage: int
    first_damage: int | None
    last_damage: int | None
    is_truncated: bool
    has_variable_rate: bool


Outcome = VideoFacts | ReadFailure


class VideoReader:
    """Reads one video after the other, by one process.

    Use it in a ``with`` statement, which ends the process.

    Args:
        max_megapixels: videos of larger frames are refused
        threads: that may decode one video
        patience: seconds without a frame after which the process is taken to hang
        command: starts the process
    """

    def __init__(
        self,
        *,
        max_megapixels: float,
        threads: int = 1,
        patience: float = SECONDS_WITHOUT_A_FRAME,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._most_pixels = max_megapixels * 1e6
        self._threads = threads
        self._patience = patience
        self._command = command
        self._process: _Process | None = None

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(
        self,
        path: bytes,
        every: float,
        side: int | None = None,
        threads: int | None = None,
    ) -> Iterator[SampledFrame | Outcome]:
        """Yields frames of a video, and last what it is, or why it cannot be read.

        Args:
            path: absolute path of the file
            every: seconds between the frames
            side: to which the shorter side of larger frames is shrunk, in pixels;
                None for frames as they are
            threads: that may decode it; None for as many as the reader has
        """
        failure = _not_a_video(path)
        if failure is not None:
            yield failure
            return
        process = self._ready()
        if process is None:
            yield ReadFailure("read_error", "no process could be started to decode it")
            return
        asked = {
            "path": path.hex(),
            "every": every,
            "side": side,
            "most_pixels": self._most_pixels,
            "threads": threads or self._threads,
        }
        process.ask(asked)
        is_over = False
        try:
            while not is_over:
                answer = process.answer(self._patience)
                found = _understood(answer, path) if answer else _silence(process)
                if found is None:
                    continue
                is_over = not isinstance(found, SampledFrame)
                yield found
        finally:
            # Also where nobody wants the rest
            if not is_over or not process.is_alive:
                self._end()

    def _ready(self) -> _Process | None:
        if self._process is None or not self._process.is_alive:
            self._end()
            child = start_child(self._command)
            if child is None:
                return None
            process = _Process(child)
            if process.answer(_START_SECONDS) is None:
                process.end()
                return None
            self._process = process
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
        self._process = None


Answer = tuple[dict[str, Any], bytes]


class _Process:
    """A process that decodes; what it answers waits in a queue.

    Attributes:
        is_alive: as far as is known
        hangs: it had nothing to say for too long
    """

    def __init__(self, child: Child) -> None:
        self.is_alive, self.hangs = True, False
        self._child = child
        self._answers: queue.Queue[Answer | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def ask(self, message: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):
            self._child.stdin.write(json.dumps(message).encode() + b"\n")
            self._child.stdin.flush()

    def answer(self, seconds: float) -> Answer | None:
        """Returns the next answer; None if the process died, or hangs."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            answer, self.hangs = None, True
        self.is_alive = answer is not None
        return answer

    def end(self) -> None:
        self.is_alive = False
        self._child.kill()
        # The thread may wait for room
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._answers.get(timeout=0.05)
        end_child(self._child)

    def _listen(self) -> None:
        assert self._child.stdout is not None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            while answer := _next_answer(self._child.stdout):
                self._answers.put(answer)
        self._answers.put(None)


def _next_answer(pipe: IO[bytes]) -> Answer | None:
    line = pipe.readline(_LONGEST_LINE)
    if not line:
        return None
    message = json.loads(line)
    size = int(message["bytes"])
    if not 0 <= size <= _MOST_BYTES:
        return None
    payload = pipe.read(size)
    return (message, payload) if len(payload) == size else None


def _understood(answer: Answer, path: bytes) -> SampledFrame | Outcome | None:
    """Returns what is said; None of a frame that was sent before."""
    message, payload = answer
    try:
        kind = message["kind"]
        if kind == "again":
            return None
        if kind == "frame":
            return SampledFrame(
                int(message["frame"]), float(message["seconds"]), payload
            )
        if kind == "end":
            return _facts(message, path)
        if kind == "too_large":
            size = f"{int(message['width'])} x {int(message['height'])}"
            return ReadFailure("too_large", f"its frames have {size} pixels")
        if message["ended_early"]:
            return ReadFailure("truncated", "the file ends before its table of frames")
    except (KeyError, TypeError, ValueError):
        return ReadFailure("corrupt", "the process that decoded it said nonsense")
    return _not_decoded(path)


def _not_decoded(path: bytes) -> ReadFailure:
    """Says that there is no decoder for a file, and for which codec."""
    codec = codec_of(path)
    if codec is None:
        return ReadFailure("unsupported", "no video in it that FFmpeg can decode")
    return ReadFailure(
        "unsupported", f"its codec, {codec}, is not one that FFmpeg decodes here"
    )


def _facts(message: dict[str, Any], path: bytes) -> Outcome:
    frames, announced = int(message["frames"]), int(message["announced"])
    first = message["first_damage"]
    if message["damage"] and codec_of(path) in _ENCRYPTED:
        return ReadFailure("unsupported", "it is encrypted")
    if not frames:
        if message["lacks_decoder"]:
            return _not_decoded(path)
        if message["damage"]:
            return ReadFailure("corrupt", "not one frame can be decoded")
        return ReadFailure("unsupported", "there is no frame in it")
    # Many headers are wrong: only what breaks off in damage was cut
    breaks_off = (
        frames < (1 - _MISSING_SHARE) * announced
        and first is not None
        and int(first) >= frames - _LAST_FRAMES
    )
    return VideoFacts(
        frames=frames,
        seconds=float(message["seconds"]),
        width=int(message["width"]),
        height=int(message["height"]),
        rate=float(message["rate"]),
        codec=str(message["codec"]),
        announced=announced,
        damage=int(message["damage"]),
        first_damage=None if first is None else int(first),
        last_damage=None if first is None else int(message["last_damage"]),
        is_truncated=bool(message["ended_early"]) or breaks_off,
        has_variable_rate=bool(message["has_variable_rate"]),
    )


def _silence(process: _Process) -> ReadFailure:
    if process.hangs:
        return ReadFailure("read_error", "decoding it hangs")
    return ReadFailure("read_error", "the process that decoded it died")


def _not_a_video(path: bytes) -> ReadFailure | None:
    """Returns why a file is no video, before any decoder sees it."""
    identity = file_identity(path)
    if isinstance(identity, ReadFailure):
        return identity
    start = first_bytes(path, 512)
    if identity.status.st_size == 0:
        return ReadFailure("empty", "the file is empty")
    if not start:
        return ReadFailure("not_regular", "not a regular file")
    if not _starts_like_a_video(start):
        return ReadFailure("unsupported", "it does not begin like a video")
    return None


def _starts_like_a_video(start: bytes) -> bool:
    return (
        start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
        or start.startswith(b"\x1a\x45\xdf\xa3")  # Matroska, WebM
        or (start.startswith(b"RIFF") and start[8:12] == b"AVI ")
        or start.startswith((b"\0\0\1\xba", b"\0\0\1\xb3", b"\0\0\0\1", b"\0\0\1\x67"))
        or start.startswith((b"FLV\1", b"OggS", b".RMF", b"\x06\x0e\x2b\x34"))
        or start.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")  # ASF, WMV
        or _is_transport_stream(start)
    )


def _is_transport_stream(start: bytes) -> bool:
    # Packets of 188 bytes, or of 192 with a time code before each
    return any(
        len(start) > at + size and start[at] == start[at + size] == 0x47
        for at, size in ((0, 188), (4, 192))
    )
