"""Videos as OpenCV writes them: short, and different each."""

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def film():
    """Returns frames of a camera that moves over a picture of a number."""

    def frames(number, count, side=96, step=3):
        random = np.random.default_rng(number)
        low = random.integers(0, 255, (12, 12 + count // 4, 3), np.uint8)
        size = (side + step * count, side)
        ground = cv2.resize(low, size, interpolation=cv2.INTER_CUBIC)
        for frame in range(count):
            yield ground[:, step * frame : step * frame + side]

    return frames


@pytest.fixture(scope="session")
def write_video():
    """Writes a video of frames, in a codec that OpenCV has everywhere."""

    def write(path, frames, rate=25.0):
        code = {".avi": "MJPG", ".mp4": "mp4v", ".mkv": "mp4v", ".webm": "VP80"}[
            path.suffix
        ]
        writer = None
        for frame in frames:
            if writer is None:
                size = frame.shape[1], frame.shape[0]
                writer = cv2.VideoWriter(
                    str(path), cv2.VideoWriter_fourcc(*code), rate, size
                )
                assert writer.isOpened()
            writer.write(np.ascontiguousarray(frame))
        writer.release()
        return path

    return write


@pytest.fixture(scope="session")
def shot(draw):
    """Returns frames of a camera that moves over shapes, of a number."""

    def frames(number, count, side=160, step=4):
        pictures = [
            np.asarray(draw(1000 * number + part, side))
            for part in range(2 + step * count // side)
        ]
        ground = np.concatenate(pictures, axis=1)[:, :, ::-1]
        return [
            np.ascontiguousarray(ground[:, step * frame : step * frame + side])
            for frame in range(count)
        ]

    return frames
