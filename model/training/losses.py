"""What training makes small, as named terms: each network has its own, and their weighted sum is the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.baselines import as_green_screen
from model.errors import KeyingError
from model.network.classification import CLASSES
from model.network.interface import AlphaNetwork
from model.training.shots import Batch

Terms = dict[str, Tensor]
Objective = Callable[[AlphaNetwork, Batch], Terms]


def regression_terms(network: AlphaNetwork, batch: Batch) -> Terms:
    """``alpha``: mean absolute difference. ``cross_entropy``: of alpha as a share, so that sure errors keep a slope.

    A sigmoid that is certain and wrong has hardly a slope under the absolute difference alone.
    """
    answered = network.alpha(network(_seen(batch)))
    safe = answered.clamp(1e-5, 1.0 - 1e-5)
    entropy = -(batch.alpha * safe.log() + (1.0 - batch.alpha) * (1.0 - safe).log()).mean()
    return {"alpha": functional.l1_loss(answered, batch.alpha), "cross_entropy": 0.25 * entropy}


def classification_terms(network: AlphaNetwork, batch: Batch) -> Terms:
    """``cross_entropy``: of the softmax over 256 classes with the class nearest to the true alpha."""
    true_class = (batch.alpha[:, 0] * (CLASSES - 1)).round().long()
    return {"cross_entropy": functional.cross_entropy(network(_seen(batch)), true_class)}


def _seen(batch: Batch) -> Tensor:
    pairs = zip(batch.plate, batch.screen_colors, strict=True)
    return torch.stack([as_green_screen(plate, color) for plate, color in pairs])


OBJECTIVES: dict[str, Objective] = {"regression": regression_terms, "classification": classification_terms}


def weighted_sum(terms: Terms, weights: Mapping[str, float]) -> Tensor:
    """Return the loss; a term without a weight counts once. Raises KeyingError for the weight of an unknown term."""
    unknown = weights.keys() - terms.keys()
    if unknown:
        raise KeyingError(f"There is no loss term '{min(unknown)}'.", fix=f"There are: {', '.join(terms)}.")
    return torch.stack([weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
