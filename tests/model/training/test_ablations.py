"""An ablation lacks what its name says and nothing else."""

from __future__ import annotations

from typing import Any

from model.training.ablations import ablations


def flat(document: dict[str, Any], path: str = "") -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, value in document.items():
        parts |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {f"{path}{name}": value}
    return parts


def test_each_ablation_differs_from_the_whole_in_what_it_takes_away_alone() -> None:
    whole, *lacking = ({name: flat(config.model_dump()) for name, config in ablations(10).items()}).values()
    lacks = [{name for name in whole if one[name] != whole[name]} for one in lacking]
    assert lacks == [
        {"loss_weights.recomposition"},
        {"data.spill", "data.camera", "studio_data.spill", "studio_data.camera"},
    ]
    assert lacking[0]["loss_weights.recomposition"] == lacking[0]["loss_weights.recomposition_display"] == 0.0
