"""What is refused is said in words of the trade, before it takes its turn in the queue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.faults import sentence
from service.jobs import JobRequest
from service.shots import shot_from_plate
from service.versions import gap_problem
from tests.service.asking import Asker, asker, check_problem
from tests.service.dropping import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.render(range(1, 4))
    yield made
    made.close()


@pytest.fixture
def client(place: Place) -> Asker:
    return asker(place)


def order(place: Place, **more: Any) -> dict[str, Any]:
    return {"plate": str(place.root / "hero" / "hero.####.png"), **more}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"settings": {"despill": 7}}, "settings.despill must be at most 1."),
        ({"priority": "soon"}, "priority must be a whole number."),
        ({"settings": {"screen_color": "pink"}}, "settings.screen_color must be one of 'auto'."),
        ({"colour": 1}, "colour is not known here."),
        ({"fps": "fast"}, "fps is not written as it should be."),
    ],
)
def test_what_does_not_fit_is_said_in_plain_words(client: Asker, place: Place, wrong: Any, said: str) -> None:
    problem = check_problem(client.post("/jobs", json=order(place) | wrong), 422, "invalid_request")
    assert problem["detail"] == f"The request does not fit: {said}"
    assert not re.search("Input should|Field required|Extra inputs", json.dumps(problem))


@pytest.mark.parametrize("keyer", ["magic", "neural:none", "neural:../x", "Difference"])
def test_an_unknown_keyer_is_refused_before_anything_is_queued(client: Asker, place: Place, keyer: str) -> None:
    problem = check_problem(client.post("/jobs", json=order(place, settings={"keyer": keyer})), 422, "bad_input")
    assert keyer in problem["detail"] and problem["fix"]
    assert client.get("/jobs").json()["jobs"] == []
    place.sidecar(settings={"keyer": keyer})
    place.wait(5)
    assert [job.state for job in place.jobs()] != ["queued"] and not any(job.frames_done for job in place.jobs())


def test_weights_of_ones_own_are_a_keyer_once_they_are_there(client: Asker, place: Place) -> None:
    place.settings.weights_folder.mkdir(parents=True)
    (place.settings.weights_folder / "mine.safetensors").touch()
    assert client.post("/jobs", json=order(place, settings={"keyer": "neural:mine"})).status_code == 202


def test_a_sidecar_that_does_not_fit_is_told_in_plain_words(place: Place) -> None:
    place.sidecar(settings={"despill": 7, "layer": 3}, frame="1-2")
    (job,) = place.wait(5)
    assert job.problem is not None
    for said in ("settings.despill must be at most 1;", "settings.layer must be text;", "frame is not known here"):
        assert said in job.problem.message


def test_every_alternative_of_a_type_is_one_place(place: Place) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as raised:
        JobRequest.model_validate({"plate": "x", "mattes": {"garbage": 7}})
    assert sentence(raised.value.errors()) == "mattes.garbage must be text"


@pytest.mark.parametrize(
    ("present", "said"), [((1, 3), "1 frame is missing: 2."), ((1, 4), "2 frames are missing: 2-3.")]
)
def test_missing_frames_are_counted_as_people_do(place: Place, present: tuple[int, ...], said: str) -> None:
    place.render(present, shot="gap")
    shot = shot_from_plate(place.root / "gap")
    problem = gap_problem(JobRequest(plate="x"), shot.missing)
    assert problem is not None and problem.message == said
