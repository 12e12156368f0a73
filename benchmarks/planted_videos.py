"""Videos with planted copies, segments and damage, made of real footage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

Frames = Iterator[np.ndarray]
PLANTED_SECONDS = 2.0
DAMAGED_BYTES = 300


def frames_of(path: Path) -> tuple[list[np.ndarray], float]:
    """Returns the frames of a short video, BGR, and how many there are a second."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    rate = video.get(cv2.CAP_PROP_FPS)
    frames = []
    while True:
        ok, frame = video.read()
        if not ok:
            return frames, rate
        frames.append(frame)


def write(path: Path, frames: Frames | list[np.ndarray], rate: float) -> Path:
    """Writes a video: .avi by MJPEG, .webm by VP8, .mp4 by MPEG-4."""
    code = {".avi": "MJPG", ".webm": "VP80", ".mp4": "mp4v"}[path.suffix]
    writer = None
    for frame in frames:
        if writer is None:
            size = frame.shape[1], frame.shape[0]
            fourcc = cv2.VideoWriter_fourcc(*code)
            writer = cv2.VideoWriter(str(path), fourcc, rate, size)
        writer.write(np.ascontiguousarray(frame))
    assert writer is not None
    writer.release()
    return path


def _each(change: Callable[[np.ndarray], np.ndarray]):
    return lambda frames, rate: ([change(frame) for frame in frames], rate)


def _half(frame: np.ndarray) -> np.ndarray:
    height, width = (side // 4 * 2 for side in frame.shape[:2])
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def _cropped(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    top, left = round(0.06 * height), round(0.06 * width)
    inside = frame[top : height - top, left : width - left]
    return np.ascontiguousarray(
        inside[: inside.shape[0] // 2 * 2, : inside.shape[1] // 2 * 2]
    )


COPIES = {
    "webm": (".webm", lambda frames, rate: (frames, rate)),
    "mjpeg": (".avi", lambda frames, rate: (frames, rate)),
    "half size": (".mp4", _each(_half)),
    "trimmed": (
        ".mp4",
        lambda frames, rate: (frames[len(frames) // 4 : 3 * len(frames) // 4], rate),
    ),
    "mirrored": (".mp4", _each(lambda frame: frame[:, ::-1])),
    "cropped 12 %": (".mp4", _each(_cropped)),
    "1.5 x slower": (".mp4", lambda frames, rate: (frames, rate / 1.5)),
    "brighter": (
        ".mp4",
        _each(lambda frame: cv2.convertScaleAbs(frame, alpha=1.1, beta=20)),
    ),
}
"""How a copy is made: its container, and its frames and rate of the original's."""


def plant_copies(sources: list[Path], folder: Path) -> dict[Path, Path]:
    """Writes eight copies of each video; returns copy -> original."""
    origin = {}
    for source in sources:
        frames, rate = frames_of(source)
        for name, (suffix, change) in COPIES.items():
            slug = "".join(one if one.isalnum() else "_" for one in name)
            path = folder / f"{source.stem}-{slug}{suffix}"
            if not path.exists():
                write(path, *change(frames, rate))
            origin[path] = source
    return origin


def plant_segment(source: Path, kind: str, path: Path) -> tuple[int, int]:
    """Writes a video with two seconds of it black, frozen or blurred.

    Returns:
        the first and the last of these frames, from 0
    """
    frames, rate = frames_of(source)
    count = round(PLANTED_SECONDS * rate)
    start = max(0, (len(frames) - count) // 2)
    stop = min(len(frames), start + count)
    for place in range(start, stop):
        if kind == "black":
            frames[place] = np.zeros_like(frames[place])
        elif kind == "frozen":
            frames[place] = frames[start]
        else:
            frames[place] = cv2.GaussianBlur(frames[place], (0, 0), 8)
    write(path, frames, rate)
    return start, stop - 1


def damage(source: Path, path: Path, seed: int) -> None:
    """Writes a copy of a file with 300 bytes of its middle flipped."""
    data = bytearray(source.read_bytes())
    random = np.random.default_rng(seed)
    low, high = len(data) // 5, 4 * len(data) // 5
    for place in random.choice(np.arange(low, high), DAMAGED_BYTES, replace=False):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))
