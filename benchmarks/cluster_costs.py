"""Prints what jobs of 12, 100 and 400 million images would cost: products, not runs.

The CPU-ms an image were measured one by one (cluster.md says where); that they stay
what they are at these sizes is extrapolated, and so is every cell of the table.
"""

from __future__ import annotations

_IMAGES = (12e6, 100e6, 400e6)
_DOLLARS_A_CORE_HOUR = 0.04
_DOLLARS_A_MILLION_GETS = 0.40
_DOLLARS_A_MILLION_PUTS = 5.0
_IMAGES_A_TAR = 10_000
_PUTS_A_SHARD, _IMAGES_A_SHARD = 11, 5_000
"""Inputs and results of the tasks that a shard makes, its records and its parquet."""

_MILLISECONDS = {
    "with VNNI": {"describe": 3.05, "search": 1.47, "compare": 0.93, "rest": 0.2},
    "without": {"describe": 5.9, "search": 1.65, "compare": 0.93, "rest": 0.2},
}
"""CPU-ms an image, by processor: reading of 50,000 pictures of 48 to 64 px; dividing
and searching ten million vectors of 256 numbers and a million of 1,280; comparing 5.4
pairs an image; and the driver, with four million rows. Without VNNI 100,000 were
searched, and what does not multiply integers is taken to cost the same."""

_RECORD_BYTES = 8_900 + 2_200
"""What tasks read and leave, and parquet: statistics, digests and both vectors; of
80,401 images."""


def main() -> None:
    print(
        "| images | processor | CPU-ms an image | vCPU-hours | CPU | records | "
        "GETs: single images | GETs: tar files | PUTs |"
    )
    print("| --: | :-- | --: | --: | --: | --: | --: | --: | --: |")
    for images in _IMAGES:
        for processor, steps in _MILLISECONDS.items():
            each = sum(steps.values())
            hours = images * each / 3.6e6
            puts = images / _IMAGES_A_SHARD * _PUTS_A_SHARD
            requests = (
                (images, _DOLLARS_A_MILLION_GETS),
                (images / _IMAGES_A_TAR, _DOLLARS_A_MILLION_GETS),
                (puts, _DOLLARS_A_MILLION_PUTS),
            )
            row = [
                f"{images / 1e6:,.0f} M",
                processor,
                f"{each:.2f}",
                f"{hours:,.0f}",
                f"${hours * _DOLLARS_A_CORE_HOUR:,.2f}",
                f"{images * _RECORD_BYTES / 1e12:.2f} TB",
                *(f"{n:,.0f}, ${n / 1e6 * price:,.2f}" for n, price in requests),
            ]
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
