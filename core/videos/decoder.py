"""The process that decodes videos: OpenCV's FFmpeg, and nothing else of Winnow.

A video is read once from its start; frames that nobody asks for are decoded and not
converted. It never seeks: that was measured to be slower everywhere (5.3 s in place of
0.5 s for 160 frames of 80 s of MPEG-4), and it is inexact.

FFmpeg says what is damaged on the standard error stream and nowhere else; every frame
of a damaged video "decodes". So that stream is a file here, which is looked at after
each frame.

It is started as ``python -m core.videos.decoder`` in the plugin's folder. What it is
asked and answers are lines of JSON, each with as many bytes after it as it says: what a
hostile file made of this process must not be able to do more than lie.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

JPEG_QUALITY = 95
FRAMES_WITHOUT_RATE = 25
"""Between samples of a video whose frame rate is not known."""

_CONTAINERS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,rm,mxf,h264,hevc"
OPTIONS = f"protocol_whitelist;file|format_whitelist;{_CONTAINERS}"
"""What FFmpeg may open: no network, and no playlists, which name other files."""

_SLACK = 0.001
"""Seconds: times are rounded to milliseconds by some containers."""

_USUAL_RATES = (0.1, 480.0)
_VARIES = 2.5
"""Times the shortest interval that the longest of a steady rate stays below: one frame
that is left out doubles an interval."""

_ENDED_EARLY = (b"ended prematurely", b"moov atom not found", b"partial file")
_NO_DECODER = (
    b"hardware accelerated",
    b"Failed to get pixel format",
    b"Missing Sequence Header",
    b"Could not find decoder",
)
"""What is said where there is no decoder: of AV1, for one, where the library has none
of its own and the machine neither."""

_COMPLAINING = ("avc1", "avc3", "h264", "x264", "hvc1", "hev1", "hevc")
"""Codecs of which more than one thread decodes a video. Their decoders complain of all
damage; that of VP8, for one, does not, and shows damaged frames otherwise by each
number of threads."""

_SAID_BY_CODEC = re.compile(rb"^(\[[\w,.-]+ @ 0x[0-9a-f]+\]|error while)", re.MULTILINE)
_MOST_READ = 1 << 20
_WAITING = 2
"""Frames that wait to be sent, at their full size."""

_Answer = tuple[dict[str, Any], Any, int | None]


def send_message(
    pipe: IO[bytes], message: dict[str, Any], payload: bytes = b""
) -> None:
    """Writes a message, and the bytes that belong to it."""
    line = json.dumps({**message, "bytes": len(payload)}).encode()
    pipe.write(line + b"\n" + payload)
    pipe.flush()


class _Answers:
    """Sends answers in their order, by a thread that shrinks and writes frames.

    The next frames are decoded meanwhile: in turn, the threads of the decoder wait.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: queue.Queue[_Answer] = queue.Queue(_WAITING)
        threading.Thread(target=self._send, daemon=True).start()

    def put(
        self, message: dict[str, Any], pixels: Any = None, side: int | None = None
    ) -> None:
        """Takes a message, and the pixels of a frame, shrunk to a side if it has one.

        Whatever could not be sent before ends the process.
        """
        self._waiting.put((message, pixels, side))

    def finish(self) -> None:
        """Waits until all is sent."""
        self._waiting.join()

    def _send(self) -> None:
        try:
            while True:
                message, pixels, side = self._waiting.get()
                picture = b"" if pixels is None else _picture(pixels, side)
                send_message(self._pipe, message, picture)
                self._waiting.task_done()
        # Nobody reads: who asked is gone
        finally:
            os._exit(1)


class _Complaints:
    """What was written to the standard error stream since it was last asked."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (as long as we live)
        os.dup2(self._file.fileno(), 2)

    def since(self) -> bytes:
        if not os.fstat(2).st_size:
            return b""
        os.lseek(2, 0, os.SEEK_SET)
        text = os.read(2, _MOST_READ)
        os.ftruncate(2, 0)
        os.lseek(2, 0, os.SEEK_SET)
        return text


class _Damage:
    """Counts what a decoder complains of, and notes at which frame it began."""

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self.last: int | None = None
        self.ended_early = self.lacks_decoder = False

    def note(self, text: bytes, frame: int) -> None:
        if not text:
            return
        self.ended_early |= any(one in text for one in _ENDED_EARLY)
        self.lacks_decoder |= any(one in text for one in _NO_DECODER)
        found = len(_SAID_BY_CODEC.findall(text))
        if found:
            self.first = frame if self.first is None else self.first
            self.last = frame
        self.count += found


class _Intervals:
    """The shortest and the longest time between two frames, in seconds."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._shortest, self._longest = float("inf"), 0.0

    def note(self, seconds: float) -> None:
        if self._last is not None and seconds > self._last:
            self._shortest = min(self._shortest, seconds - self._last)
            self._longest = max(self._longest, seconds - self._last)
        self._last = seconds

    @property
    def vary(self) -> bool:
        return self._longest > _VARIES * (self._shortest + _SLACK)


@dataclass(frozen=True)
class _Asked:
    """What is asked of a video.

    Attributes:
        path: of the file
        every: seconds between the frames
        side: to which the shorter side of larger frames is shrunk; None for no side
        most_pixels: of a frame; videos of larger ones are refused
        threads: that may decode it
    """

    path: bytes
    every: float
    side: int | None
    most_pixels: float
    threads: int


def _decode(answers: _Answers, complaints: _Complaints, asked: _Asked) -> None:
    """Answers with the frames of a video, and last with what it is.

    A whole video looks the same whatever the number of threads, and a damaged one does
    not. So it is read anew by one thread once a decoder complains, which it does before
    the first frame that looks otherwise: what was sent is the same.
    """
    sent = -1
    if asked.threads > 1:
        gave_up = _read(answers, complaints, asked, asked.threads, sent)
        if gave_up is None:
            return
        sent = gave_up
    _read(answers, complaints, asked, 1, sent)


def _read(
    answers: _Answers, complaints: _Complaints, asked: _Asked, threads: int, sent: int
) -> int | None:
    """Reads a video by so many threads, to its end or to the first complaint of many.

    Args:
        answers: where messages go
        complaints: of the decoder
        asked: what is asked
        threads: of the decoder
        sent: number of the frame up to which all were sent

    Returns:
        number of the last frame that was sent, if another pass must go on; else None
    """
    import cv2

    damage, intervals = _Damage(), _Intervals()
    complaints.since()
    with _name_of(asked.path) as name:
        how = [cv2.CAP_PROP_N_THREADS, threads]
        video = cv2.VideoCapture(name, cv2.CAP_FFMPEG, how)
    video.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    text = complaints.since()
    damage.note(text, 0)
    if not video.isOpened():
        answers.put({"kind": "unopened", "ended_early": damage.ended_early})
        return None
    width, height = (
        int(video.get(one))
        for one in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    if width * height > asked.most_pixels:
        answers.put({"kind": "too_large", "width": width, "height": height})
        return None
    codec = int(video.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    codec_name = codec.to_bytes(4, "little").decode("latin-1").strip("\0 ")
    if threads > 1 and codec_name.lower() not in _COMPLAINING:
        return sent
    rate = video.get(cv2.CAP_PROP_FPS)
    rate = rate if _USUAL_RATES[0] <= rate <= _USUAL_RATES[1] else 0.0
    frame, seconds, due, shown = 0, 0.0, 0, -1.0
    while video.grab():
        text = complaints.since()
        if text and threads > 1:
            return sent
        damage.note(text, frame)
        position = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        # Some containers have no times
        seconds = position if position > shown else (frame / rate if rate else 0.0)
        shown = max(shown, position)
        intervals.note(seconds)
        reached = int((seconds + _SLACK) / asked.every)
        is_due = reached >= due if rate else frame % FRAMES_WITHOUT_RATE == 0
        if is_due:
            ok, pixels = video.retrieve()
            if ok and pixels is not None and pixels.ndim == 3:
                height, width = pixels.shape[:2]
                if frame > sent:
                    head = {"kind": "frame", "frame": frame, "seconds": seconds}
                    answers.put(head, pixels, asked.side)
                    sent = frame
                else:
                    # Silence would be taken for a hang
                    answers.put({"kind": "again"})
            due = reached + 1
        frame += 1
    text = complaints.since()
    if text and threads > 1:
        return sent
    damage.note(text, frame)
    answers.put(
        {
            "kind": "end",
            "frames": frame,
            "seconds": seconds,
            "width": width,
            "height": height,
            "rate": rate,
            "announced": max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT))),
            "codec": codec_name,
            "damage": damage.count,
            "first_damage": damage.first,
            "last_damage": damage.last,
            "has_variable_rate": intervals.vary,
            "ended_early": damage.ended_early,
            "lacks_decoder": damage.lacks_decoder,
        },
    )
    video.release()
    return None


def _picture(pixels: Any, side: int | None) -> bytes:
    """Returns the JPEG of a frame, shrunk if that is asked for."""
    import cv2

    if side is not None:
        pixels = _shrunk(pixels, side)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", pixels, quality)
    jpeg: bytes = data.tobytes()
    return jpeg


def _shrunk(pixels: Any, side: int) -> Any:
    """Returns a frame whose shorter side is at most so many pixels.

    By a whole number first: OpenCV averages whole blocks nine times faster than parts
    of pixels, and what is left has a fraction of the pixels. In all it takes 2.4 ms in
    place of 6.0 of a frame of 1280 x 720, and gray levels differ by 0.4.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = side / min(width, height)
    if scale >= 1:
        return pixels
    size = round(width * scale), round(height * scale)
    blocks = int(1 / scale)
    if blocks > 1:
        whole = width // blocks, height // blocks
        pixels = cv2.resize(pixels, whole, interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


@contextlib.contextmanager
def _name_of(path: bytes) -> Iterator[str]:
    """Gives OpenCV, which takes text alone, a name for a path of any bytes."""
    name = os.fsdecode(path)
    if name.isprintable() and name == name.encode("utf-8", "replace").decode():
        yield name
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "video")
        link.symlink_to(name)
        yield str(link)


def _main() -> None:
    # Ctrl+C is for the process that started this one, which then ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = OPTIONS
    os.environ["OPENCV_LOG_LEVEL"] = "FATAL"
    answers = _Answers(os.fdopen(os.dup(1), "wb"))
    complaints = _Complaints()
    os.dup2(2, 1)
    import cv2

    cv2.setNumThreads(1)
    answers.put({"kind": "ready"})
    for line in sys.stdin.buffer:
        told = json.loads(line)
        told["path"] = bytes.fromhex(told["path"])
        _decode(answers, complaints, _Asked(**told))
    answers.finish()


if __name__ == "__main__":
    _main()
