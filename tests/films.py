"""Short films for tests: a camera that moves over drawn pictures."""

import cv2
import numpy as np

RATE, SIDE, STEP = 25, 160, 4
CODES = {".avi": "MJPG", ".mp4": "mp4v", ".webm": "VP80"}
"""What OpenCV can write everywhere; browsers play the last."""


def film(draw, number, count=125, step=STEP):
    """Returns frames, BGR, of a camera that moves to the right by so many pixels."""
    pictures = [
        np.asarray(draw(1000 * number + part, SIDE))
        for part in range(2 + step * count // SIDE)
    ]
    ground = np.concatenate(pictures, axis=1)[:, :, ::-1]
    return [ground[:, step * at : step * at + SIDE] for at in range(count)]


def write_film(path, frames, rate=RATE):
    """Writes a video; its suffix says how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = frames[0].shape[1], frames[0].shape[0]
    code = cv2.VideoWriter_fourcc(*CODES[path.suffix])
    writer = cv2.VideoWriter(str(path), code, rate, size)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()
    return path


def films_of(folder):
    """Returns a data set of the videos below a folder, tagged by their folders."""
    # Not before a test has said which database it uses
    import fiftyone as fo

    dataset = fo.Dataset()
    dataset.add_samples(
        [
            fo.Sample(filepath=str(path), tags=[path.relative_to(folder).parts[0]])
            for path in sorted(folder.rglob("*.*"))
        ]
    )
    return dataset
