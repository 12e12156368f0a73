"""Metadata and chosen fields as properties that should tell no class."""

import fiftyone as fo
import pytest
from PIL import Image


@pytest.fixture
def photographed(tmp_path, draw):
    """Eighty pictures of two classes; one camera took all of the first."""
    dataset = fo.Dataset()
    samples = []
    for number in range(80):
        path = tmp_path / f"{number:02d}.jpg"
        exif = Image.Exif()
        if number % 2:
            exif[0x010F], exif[0x0110] = "Maker", "Model 1"
        draw(number).convert("RGB").save(path, exif=exif)
        samples.append(
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label="ab"[number % 2]),
                weather="rain" if number % 2 else "sun",
                angle=float(number % 7),
            )
        )
    dataset.add_samples(samples)
    yield dataset
    dataset.delete()


def told(report):
    return {
        one["measures"]["property"]
        for one in report.overview["findings"]
        if one["kind"] == "shortcuts"
    }


def test_the_camera_of_a_class_and_a_chosen_field_are_shortcuts(photographed, scan):
    report = scan(photographed, label_field="ground_truth")

    assert told(report) == {"camera no. 1"}
    assert "camera no. 1 tells" in str(report).lower()

    report = scan(
        photographed, label_field="ground_truth", properties=["weather", "angle"]
    )

    assert any(one.startswith("weather ") for one in told(report))
    assert "angle" not in told(report)


@pytest.mark.parametrize(
    ("properties", "message"),
    [(["nope"], "'nope' is no field of texts"), ("weather", "must be a list")],
)
def test_a_property_that_cannot_be_read_is_refused(
    photographed, scan, properties, message
):
    with pytest.raises(Exception, match=message):
        scan(photographed, label_field="ground_truth", properties=properties)
