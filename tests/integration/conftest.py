import shutil

import pytest

from tests import sandbox


def pytest_unconfigure(config):
    sandbox.stop()


@pytest.fixture(scope="session", autouse=True)
def plugin():
    """The plugin, registered without an error."""
    import fiftyone.plugins.context as contexts

    (found,) = [
        context
        for context in contexts.build_plugin_contexts()
        if context.name == "@winnow/curate"
    ]
    assert not found.errors, found.errors
    return found


@pytest.fixture
def folder(tmp_path, draw):
    """Twenty pictures; 0 and 19 have the same bytes, 1 and 18 the same pixels."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(18):
        draw(number).save(images / f"{number:02d}.png")
    again = draw(1)
    again.save(images / "18.bmp")
    shutil.copyfile(images / "00.png", images / "19.png")
    return images


@pytest.fixture
def dataset(folder):
    """The folder's pictures, labeled a or b, tagged train or test."""
    import fiftyone as fo

    dataset = fo.Dataset()
    dataset.add_samples(
        [
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label="ab"[number % 2]),
                tags=["train" if number < 10 else "test"],
            )
            for number, path in enumerate(sorted(folder.iterdir()))
        ]
    )
    yield dataset
    if not dataset.deleted:
        dataset.delete()


@pytest.fixture
def scan():
    import fiftyone.operators as foo

    return foo.get_operator("@winnow/curate/scan")


@pytest.fixture
def set_thresholds():
    import fiftyone.operators as foo

    return foo.get_operator("@winnow/curate/set_thresholds")


@pytest.fixture
def classes(tmp_path, draw):
    """Two splits of two classes, and a copy of a train picture in test."""
    import fiftyone as fo

    root = tmp_path / "data"
    samples = []
    for number in range(64):
        split, label = ("train", "test")[number % 4 == 3], "ab"[number % 2]
        folder = root / split / label
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"img {number // 2}.png"
        draw(number).save(path)
        samples.append(
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label=label, confidence=0.5),
                tags=[split],
            )
        )
    again = root / "test" / "a"
    again.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(samples[0].filepath, again / "again.png")
    samples.append(
        fo.Sample(
            filepath=str(again / "again.png"),
            ground_truth=fo.Classification(label="a"),
            tags=["test"],
        )
    )
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    yield dataset
    if not dataset.deleted:
        dataset.delete()


@pytest.fixture
def scanned(classes, scan):
    """The two splits of two classes with a copy, scanned."""
    scan(classes, label_field="ground_truth", split_by=["train", "test"])
    return classes
