"""Builds a network from its name and options."""

from __future__ import annotations

from collections.abc import Mapping

from model.errors import KeyingError
from model.network.classification import Classification
from model.network.interface import Network, Option
from model.network.neural import Neural
from model.network.regression import Regression
from model.network.saliency import Saliency
from model.network.segmenter import Segmenter

NETWORKS: dict[str, type[Network]] = {
    kind.name: kind for kind in (Regression, Classification, Neural, Saliency, Segmenter)
}


def build_network(name: str, options: Mapping[str, Option] | None = None) -> Network:
    """Return a fresh network; raises KeyingError for a name or an option that it does not have."""
    if name not in NETWORKS:
        raise KeyingError(f"There is no network called '{name}'.", fix=f"There are: {', '.join(NETWORKS)}.")
    try:
        return NETWORKS[name](**dict(options or {}))
    except TypeError as error:
        raise KeyingError(f"The network '{name}' cannot be built so: {error}.", fix="See its docstring.") from error
