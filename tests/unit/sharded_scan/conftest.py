import os
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from core.models.registry import load_embedder

HERE = os.path.dirname(__file__)
sys.path.insert(0, HERE)  # for fault_works.py, which worker processes import too


@pytest.fixture(scope="session")
def embedder():
    return load_embedder()


@pytest.fixture(scope="session")
def many_images(tmp_path_factory, draw):
    """300 files with copies of all kinds: (paths, splits, labels)."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    paths, splits, labels = [], [], []

    def add(name, data_or_image, split, label, **options):
        path = folder / name
        if isinstance(data_or_image, bytes):
            path.write_bytes(data_or_image)
        else:
            data_or_image.save(path, **options)
        os.utime(path, (1_000_000_000 + len(paths),) * 2)
        paths.append(path)
        splits.append(split)
        labels.append(label)

    for number in range(220):
        image, split = draw(number, 96), "train" if number % 4 else "test"
        label = "red" if np.asarray(image)[..., 0].mean() > 120 else "other"
        if number % 17 == 0:
            label = None
        add(f"{number:03d}.jpg", image, split, label, quality=92)
    for number in range(0, 220, 8):
        image, other = draw(number, 96), "test" if number % 4 else "train"
        kind = (number // 8) % 6
        if kind == 0:
            add(f"same-{number}.jpg", paths[number].read_bytes(), other, labels[number])
        elif kind == 1:
            add(f"small-{number}.png", image.resize((70, 70)), other, labels[number])
        elif kind == 2:
            turned = image.transpose(Image.Transpose.ROTATE_90)
            add(f"turned-{number}.png", turned, "train", labels[number])
        elif kind == 3:
            add(f"cut-{number}.jpg", image.crop((6, 6, 92, 90)), other, "odd")
        elif kind == 4:
            add(f"pixels-{number}.bmp", Image.open(paths[number]), "train", None)
        else:
            add(f"coarse-{number}.jpg", image, "train", labels[number], quality=30)
    for number in range(8):
        shade = Image.new("RGB", (64 + number, 64), (3, 3, 3))
        add(f"dark-{number}.png", shade, "train", "red")
        page = Image.fromarray(np.full((80, 80, 3), 250, np.uint8))
        page.paste((20, 20, 20), (10 + number, 10, 30 + number, 12))
        add(f"page-{number}.png", page, "test", "other")
    for number in range(6):
        noise = rng.integers(0, 256, (500, 700, 3), np.uint8)
        add(f"noise-{number}.png", Image.fromarray(noise), "train", "red")
    scene = draw(500, 600)
    for number in range(14):
        frame = scene.crop((24 * number, 40, 24 * number + 160, 200))
        add(f"walk-{number:02d}.png", frame, "test" if number > 9 else "train", "red")
    add("empty.jpg", b"", "train", "red")
    add("text.png", b"no picture at all", "train", "other")
    add("cut-off.jpg", paths[3].read_bytes()[:900], "test", "other")
    link = folder / "link.jpg"
    link.symlink_to(paths[5])
    paths.append(link)
    splits.append("test")
    labels.append("red")
    paths.append(folder / "missing.jpg")
    splits.append("train")
    labels.append("red")
    while len(paths) < 300:
        number = 1000 + len(paths)
        add(f"{number}.webp", draw(number, 80), "train", "other")
    return paths, splits, labels


@pytest.fixture(scope="session")
def ray():
    """Ray on this machine, two cores: started once, since that takes seconds."""
    pytest.importorskip("ray")
    from core.sharded_scan import ray_executor

    os.environ["PYTHONPATH"] = HERE
    with warnings.catch_warnings():
        # Ray's own: files and sockets that it leaves to be collected
        warnings.simplefilter("ignore")
        with ray_executor.ray_executor(None) as executor:
            del os.environ["PYTHONPATH"]
            yield executor
