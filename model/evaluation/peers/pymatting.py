"""PyMatting: closed-form alpha (Levin 2008) from an automatic trimap, foreground by its multi-level estimator."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from model.evaluation.contenders import Keyed
from model.evaluation.metrics import display
from model.evaluation.peers.first_click import key_color, trimap
from model.evaluation.sets import Picture


class PyMattingClosedForm:
    """``estimate_alpha_cf`` on the sRGB-encoded plate, ``estimate_foreground_ml`` in linear light, defaults."""

    name = "pymatting"
    about = (
        "PyMatting closed form (defaults) with an automatic trimap + estimate_foreground_ml; "
        "the true foregrounds of plates/alpha came from that same estimator"
    )
    longest: int | None = 1024
    longest_when_quick: int | None = 400

    def unavailable(self) -> str:
        """Say that the package is missing."""
        return "" if importlib.util.find_spec("pymatting") else "install the extra [peers] for PyMatting"

    def prepare(self) -> None:
        """Key a small made-up plate, so that Numba's compilation is not counted as keying."""
        plate = np.zeros((48, 48, 3), np.float32)
        plate[..., 1] = 0.5
        plate[16:32, 16:32] = 0.3
        for _ in self.key_shot([plate]):
            pass

    def key_shot(self, plates: Sequence[Picture]) -> Iterator[Keyed]:
        """Key every frame by the border color of the first."""
        estimate_alpha_cf, estimate_foreground_ml = _estimators()
        key = key_color(plates[0])
        for plate in plates:
            known = trimap(plate, key)
            if (known == 0.0).any() and (known == 1.0).any():
                # Its solver prints advice while it tries one preconditioner after the other.
                with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    alpha = np.clip(estimate_alpha_cf(display(plate), known), 0.0, 1.0)
            else:
                alpha = known
            foreground = estimate_foreground_ml(plate.astype(np.float64), alpha)
            yield Keyed(alpha.astype(np.float32), (foreground * (alpha > 0.0)[..., None]).astype(np.float32))


def _estimators() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Import the two functions, compiled without OpenMP, which would set the threads of torch too."""
    import numba

    numba.config.THREADING_LAYER = "workqueue"  # type: ignore[attr-defined]  # made as numba begins
    from pymatting import estimate_alpha_cf, estimate_foreground_ml

    return estimate_alpha_cf, estimate_foreground_ml
