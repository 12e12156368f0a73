"""The labels of unique images, and what a classifier learns from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..findings.label_issues import ClassEvidence, label_evidence
from ..findings.schema import NO_CLUSTER, NO_LABEL
from ..progress import OnProgress, silent
from .scan_data import ImageGraphs, Pairs
from .unique_images import DescribedImages


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


def learn_labels(
    images: DescribedImages,
    graphs: ImageGraphs,
    labels: NDArray[np.int32],
    group: NDArray[np.int64],
    class_count: int,
    on_progress: OnProgress = silent,
) -> ClassEvidence:
    """Learns the classes from all embeddings there are.

    Args:
        images: i unique images
        graphs: of them; they say whether descriptors and features differ
        labels: int32[i], -1 without
        group: int64[i], of copies, which are never parted; -1 for none
        class_count: number of classes
        on_progress: told after each fold; may raise to cancel
    """
    vectors = [images.features]
    if graphs.descriptors is not None:
        vectors.insert(0, images.descriptors)
    return label_evidence(vectors, labels, group, class_count, on_progress=on_progress)
