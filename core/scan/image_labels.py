"""The labels of unique images, and what a classifier learns from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..findings.class_learning import LearnedClasses, learn_classes
from ..findings.label_support import ClassEvidence
from ..findings.schema import NO_CLUSTER, NO_LABEL
from ..progress import OnProgress, silent
from .scan_data import Pairs, Samples
from .unique_images import DescribedImages


@dataclass(frozen=True, eq=False)
class ImageLabels:
    """What a classifier learns from, of i unique images.

    Attributes:
        label: int32[i], the commonest label of each image's samples, -1 without
        group: int64[i], of copies, which are never parted; -1 for none
        class_count: number of classes
    """

    label: NDArray[np.int32]
    group: NDArray[np.int64]
    class_count: int


def majority_labels(
    sample_images: NDArray[np.int32],
    labels: NDArray[np.int32],
    image_count: int,
    class_count: int,
) -> NDArray[np.int32]:
    """Returns int32[i]: the commonest label of each image's samples, -1 without.

    Of equally common labels the first by name wins.

    Args:
        sample_images: int32[n], the unique image of each sample; -1 if unreadable
        labels: int32[n], the label of each sample; -1 without
        image_count: number of unique images
        class_count: number of classes
    """
    result = np.full(image_count, NO_LABEL, np.int32)
    labeled = (sample_images >= 0) & (labels >= 0)
    if not labeled.any():
        return result
    key = sample_images[labeled].astype(np.int64) * class_count + labels[labeled]
    pair, votes = np.unique(key, return_counts=True)
    # Last assignment wins: fewest votes first, and within them last name first
    order = np.lexsort((-pair, votes))
    result[pair[order] // class_count] = pair[order] % class_count
    return result


def connected_groups(image_count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Returns int64[i]: a number of each group that pairs connect; -1 for no group."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), np.int8)
    links = coo_matrix((ones, tuple(pairs.T)), shape=(image_count, image_count))
    _, component = connected_components(links, directed=False)
    sizes = np.bincount(component, minlength=1)
    return np.where(sizes[component] > 1, component, NO_CLUSTER).astype(np.int64)


def labels_of_images(
    samples: Samples, images: DescribedImages, copies: Pairs
) -> ImageLabels:
    """Returns what there is to learn of i unique images.

    Args:
        samples: with labels
        images: the unique images
        copies: int32[p, 2], the pairs of them that are copies
    """
    unique_image = images.groups.of_samples(samples.unique_file)
    class_count = len(samples.classes)
    return ImageLabels(
        majority_labels(unique_image, samples.labels, len(images), class_count),
        connected_groups(len(images), copies),
        class_count,
    )


def learn_labels(
    images: DescribedImages, labels: ImageLabels, on_progress: OnProgress = silent
) -> tuple[ClassEvidence, LearnedClasses | None]:
    """Learns the classes from all embeddings there are.

    Args:
        images: i unique images
        labels: of them
        on_progress: told after each fold; may raise to cancel

    Returns:
        what is said of the images, and what was learned, for the next scan
    """
    return learn_classes(
        (images.descriptors, images.features),
        labels.label,
        labels.group,
        labels.class_count,
        on_progress=on_progress,
    )
