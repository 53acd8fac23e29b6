"""All trials in their order: which picture, and what is measured on it."""

from __future__ import annotations

from collections.abc import Callable

from model.evaluation.trials import pictures
from model.evaluation.trials.shoot import Taken, quietly
from model.evaluation.trials.trial import Trial


def _trial(name: str, take: Callable[[bool], Taken], *figures: str, has_screen: bool = True) -> Trial:
    return Trial(name, (take.__doc__ or "").strip(), quietly(take), figures, has_screen)


TRIALS: tuple[Trial, ...] = (
    _trial("red gel", pictures.red_gel, "mad", "spill", "hue"),
    _trial("fine hair", pictures.fine_hair, "mad", "spill", "rec"),
    _trial("motion-blurred arm", pictures.swung_arm, "mad", "spill", "rec"),
    _trial("defocused edge", pictures.defocused_edge, "mad", "spill", "core"),
    _trial("glass", pictures.glass, "mad", "spill", "rec"),
    _trial("smoke", pictures.smoke, "mad", "spill", "rec"),
    _trial("fire", pictures.fire, "mad", "spill", "rec"),
    _trial("chain-mail", pictures.chain_mail, "mad", "spill", "core"),
    _trial("black and white cloth", pictures.black_and_white, "mad", "spill", "core"),
    _trial("olive and teal cloth", pictures.olive_and_teal, "mad", "spill", "core"),
    _trial("marker crosses", pictures.marker_crosses, "mad", "spill", "markers"),
    _trial("screen that ends", pictures.screen_ends, "mad", "spill", "set"),
    _trial("hot spot", pictures.hot_spot, "mad", "spill", "core"),
    _trial("low bit rate", pictures.low_bit_rate, "mad", "spill", "core"),
    _trial("640 × 360", pictures.low_resolution, "mad", "spill", "core"),
    _trial("blue screen", pictures.blue_screen, "mad", "spill", "core"),
    _trial("red screen", pictures.red_screen, "mad", "spill", "core"),
    _trial("highlights", pictures.highlights, "mad", "spill", "highlights"),
    _trial("hot spot that clips", pictures.curved_hot_spot, "mad", "spill", "screen"),
    _trial("light from one side", pictures.side_light, "mad", "spill", "screen"),
    _trial("pale backdrop", pictures.pale_backdrop, "mad", "spill", "core"),
    _trial("screen amid a dark set", pictures.screen_amid, "mad", "spill", "set"),
    _trial("confetti and dots", pictures.confetti, "mad", "spill", "markers"),
    _trial("grey shirt with spill", pictures.grey_shirt, "mad", "spill", "core"),
    _trial("no screen", pictures.no_screen, "keyed", has_screen=False),
)
