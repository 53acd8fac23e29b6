"""The `neural` network: what it sees, how far it sees, and how its answers are read."""

from __future__ import annotations

import pytest
import torch

from model.keying import priors
from model.keying.priors import Priors, compress, expand
from model.keying.refinements import NEAR, ramp
from model.network.neural import ANSWERS, CHOICES, FEATURES, SEEN_FEATURE, Neural, Outlook
from model.network.reading import around, guide_factor, on_eighths, read
from model.neural import answer_frame


def seeded() -> Neural:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Neural(width=16, guide_width=8, guide_maps=8).eval().requires_grad_(False)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(11))


def known(height: int, width: int) -> Priors:
    features = noise(FEATURES, height, width)
    features[priors.SOLVED].sigmoid_()
    return Priors(features, torch.ones(1, height, width))


@pytest.mark.parametrize(("height", "width"), [(176, 264), (97, 131), (8, 8), (3, 5)])
def test_a_frame_of_any_size_is_answered_whole(height: int, width: int) -> None:
    answer = answer_frame(seeded(), known(height, width))
    assert answer.alpha.shape == (1, height, width)
    assert answer.foreground.shape == answer.emission.shape == (3, height, width)
    assert answer.spoiled == 0
    assert float(answer.alpha.min()) >= 0.0 and float(answer.alpha.max()) <= 1.0


@pytest.mark.parametrize(("height", "width"), [(320, 456), (301, 250)])
def test_a_frame_in_tiles_is_the_frame_in_one_piece(height: int, width: int) -> None:
    network, frame = seeded(), known(height, width)
    whole = answer_frame(network, frame, tile=512)
    tiled = answer_frame(network, frame, tile=104)
    for part in ("alpha", "unsolved", "projected"):
        torch.testing.assert_close(getattr(tiled, part), getattr(whole, part), atol=1e-5, rtol=0)
    torch.testing.assert_close(compress(tiled.foreground), compress(whole.foreground), atol=1e-5, rtol=0)


def test_the_outlook_sees_screen_on_all_sides_of_a_subject_and_on_one_side_of_a_wall() -> None:
    features = torch.zeros(1, FEATURES, 20, 30)
    features[:, SEEN_FEATURE, :, 10:] = 1.0  # a wall at the left, screen right of it
    features[:, SEEN_FEATURE, 8:, 17:23] = 0.0  # somebody who stands on the lower border
    found = Outlook()(features)
    assert found.shape == (1, Outlook.channels, 20, 30)
    right, left, right_share, left_share, down, up, down_share, up_share = found[0]
    wall, subject = (5, 3), (15, 20)
    assert [float(one[wall]) for one in (right, left, down, up)] == [1.0, 0.0, 0.0, 0.0]
    assert [float(one[subject]) for one in (right, left, down, up)] == [1.0, 1.0, 0.0, 1.0]
    assert float(left_share[subject]) == pytest.approx(7 / 21, abs=0.05)
    assert float(up_share[subject]) == pytest.approx(8 / 16, abs=0.05)
    assert float(right_share[subject]) > 0.6 and float(down_share[subject]) == 0.0


@pytest.mark.parametrize("told", [{}, {"outlook": True}, {"outlook": True, "recording": True}])
def test_what_it_sees_is_an_option_that_builds_an_equal_network(told: dict[str, bool]) -> None:
    network = Neural(width=16, guide_width=8, guide_maps=8, **told)
    again = Neural(**network.options)  # type: ignore[arg-type]  # the options are those that it takes
    assert again.load_state_dict(network.state_dict()) and again.options == network.options


@pytest.mark.parametrize("hears", [False, True])
def test_a_network_hears_how_the_plate_was_recorded_only_where_its_options_say_so(hears: bool) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = Neural(width=16, guide_width=8, guide_maps=8, recording=hears).eval().requires_grad_(False)
    frame = known(64, 72)
    frame.features[priors.RECORDING] = 0.0
    other = Priors(frame.features.clone(), frame.unit)
    other.features[priors.RECORDING] = 1.0
    first, second = (answer_frame(network, one).alpha for one in (frame, other))
    assert torch.equal(first, second) is not hears


def test_no_pixel_beyond_the_context_reaches_an_answer_of_the_fine_part() -> None:
    network = seeded()
    features, guidance = noise(1, FEATURES, 16, 8 * 40), torch.zeros(1, 8, 2, 40)
    for column in range(160, 168):  # of each phase of the strides
        other = features.clone()
        other[..., column] += 3.0
        changed = (network.fine(features, guidance) - network.fine(other, guidance)).abs().amax(dim=(0, 1, 2))
        reached = changed.nonzero()[:, 0]
        assert 0 < column - int(reached.min()) <= Neural.context
        assert 0 < int(reached.max()) - column <= Neural.context


def test_answers_that_are_no_numbers_take_the_solved_alpha_and_are_counted() -> None:
    network, frame = seeded(), known(64, 72)

    def spoil(_module: torch.nn.Module, _inputs: object, answer: torch.Tensor) -> torch.Tensor:
        answer = answer.clone()
        answer[0, 1, 10, 20], answer[0, 5, 30, 40] = torch.nan, torch.inf
        return answer

    with network.fine.register_forward_hook(spoil):
        answer = answer_frame(network, frame)
    assert answer.spoiled == 2
    solved = frame.features[priors.SOLVED]
    torch.testing.assert_close(answer.alpha[:, 10, 20], solved[:, 10, 20], atol=1e-5, rtol=0)
    torch.testing.assert_close(answer.alpha[:, 30, 40], solved[:, 30, 40], atol=1e-5, rtol=0)
    assert bool(torch.isfinite(answer.foreground).all())


def test_maps_of_a_guide_that_are_no_numbers_spoil_no_answer() -> None:
    network, frame = seeded(), known(64, 72)
    with network.guide.register_forward_hook(lambda *given: given[2] * torch.nan):
        answer = answer_frame(network, frame)
    assert answer.spoiled == 0
    assert bool(torch.isfinite(answer.alpha).all())


def test_the_guide_says_of_a_mirror_image_what_it_says_of_the_frame() -> None:
    network, frame = seeded(), known(192, 288)
    heard: list[torch.Tensor] = []
    with network.fine.register_forward_pre_hook(lambda _module, inputs: heard.append(inputs[1])):
        answer_frame(network, frame, tile=512)
        answer_frame(network, Priors(frame.features.flip(-1), frame.unit), tile=512)
    torch.testing.assert_close(heard[1].flip(-1), heard[0], atol=1e-5, rtol=0)
    assert not torch.allclose(heard[0].flip(-1), heard[0], atol=1e-2)


def test_projection_on_the_true_foreground_is_the_true_alpha() -> None:
    screen, subject, alpha = torch.tensor([0.2, 1.2, 0.2]), torch.tensor([3.0, 0.1, 0.4]), 0.3
    light = alpha * subject + (1 - alpha) * screen
    features = torch.zeros(1, FEATURES, 1, 1)
    features[0, priors.LIGHT, 0, 0], features[0, priors.FROM_SCREEN, 0, 0] = compress(light), compress(light - screen)
    features[0, priors.CONTINUED, 0, 0] = compress(subject)
    raw = torch.zeros(1, ANSWERS, 1, 1)
    raw[0, 4] = 40.0
    reading = read(raw, features)
    assert float(reading.projected) == pytest.approx(alpha, abs=2e-3)
    assert float(reading.alpha) == pytest.approx(alpha, abs=2e-3)
    torch.testing.assert_close(reading.foreground[0, :, 0, 0], subject, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("choice", "alpha"), [(0, 0.0), (1, 1.0), (3, 0.7), (5, 0.5)])
def test_a_sure_weight_makes_its_choice_the_answer(choice: int, alpha: float) -> None:
    features, raw = torch.zeros(1, FEATURES, 2, 2), torch.zeros(1, ANSWERS, 2, 2)
    features[:, priors.SOLVED] = 0.7
    raw[:, choice] = 50.0
    assert choice < CHOICES
    torch.testing.assert_close(read(raw, features).alpha, torch.full((1, 1, 2, 2), alpha), atol=1e-6, rtol=0)


def test_near_is_a_thirtieth_of_the_frame_around_what_a_coarse_alpha_calls_subject() -> None:
    coarse = torch.zeros(1, 1, 64, 96)
    coarse[..., 30, 40] = 1.0  # frame pixels 300–309, 400–409
    coarse[..., 50, 80] = 0.62  # a set that it is not sure of
    most = around(coarse, 10, (640, 960))[0, 0]
    assert most.shape == (640, 960)
    near = ramp(most, *NEAR)
    assert float(near[305, 405]) == float(near[305, 420]) == float(near[290, 405]) == 1.0
    assert float(near[305, 445]) == float(near[260, 405]) == float(near[505, 805]) == 0.0
    assert float(most[305, 445]) == float(most[260, 405]) == 0.0


def test_inside_is_where_a_coarse_alpha_calls_all_around_subject() -> None:
    coarse = torch.zeros(1, 1, 64, 96)
    coarse[..., 30, 40] = 1.0
    coarse[..., 40:60, 60:90] = 1.0
    coarse[..., 45, 80] = 0.2  # a hole
    least = around(coarse, 10, (640, 960))[0, 1]
    assert float(least[305, 405]) == 0.0, "one pixel has no inside"
    assert float(least[505, 655]) == 1.0
    assert float(least[404, 655]) < 0.5 and float(least[455, 805]) < 0.4, "its border, and beside a hole"


def test_beyond_its_border_a_frame_goes_on_as_it_ends() -> None:
    coarse = torch.zeros(1, 1, 9, 16)
    coarse[..., 8:] = 1.0
    most, least = around(coarse, 10, (85, 160))[0]
    assert float(least[84, 159]) == float(least[0, 159]) == float(most[0, 159]) == 1.0
    assert float(most[84, 0]) == float(least[84, 0]) == 0.0


def test_the_guide_lies_upon_the_frame_without_a_shift() -> None:
    factor, rows, columns = 6, 20, 30
    maps = (torch.arange(columns) * factor + factor / 2.0).expand(1, 1, rows, columns)
    inside = on_eighths(maps, factor, [(16, 24)], size=(64, 96))
    torch.testing.assert_close(inside[0, 0, 0], torch.arange(12) * 8.0 + 4.0 + 24.0, atol=1e-3, rtol=0)


def test_the_guide_sees_every_resolution_at_about_the_same_size() -> None:
    lines = [height / guide_factor(height, height * 16 // 9, 64) for height in (360, 720, 1080, 2160, 4320)]
    assert all(55 <= line <= 75 for line in lines)


def test_compressed_light_expands_to_itself() -> None:
    light = torch.tensor([-0.2, 0.0, 0.01, 1.0, 50.0, 900.0])
    torch.testing.assert_close(expand(compress(light)), light, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "short",
    [torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate")],
)
def test_where_memory_runs_out_the_frame_is_answered_in_smaller_tiles(
    short: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, frame = seeded(), known(400, 416)
    tried: list[int] = []
    fine = network.fine.forward

    def with_little_memory(seen: torch.Tensor, guidance: torch.Tensor) -> torch.Tensor:
        tried.append(max(seen.shape[-2:]))
        if len(tried) == 1:
            raise short
        return fine(seen, guidance)

    whole = answer_frame(network, frame)
    monkeypatch.setattr(network.fine, "forward", with_little_memory)
    spared = answer_frame(network, frame)
    torch.testing.assert_close(spared.alpha, whole.alpha, atol=1e-5, rtol=0)
    assert len(tried) > 2 and max(tried[1:]) < tried[0]
    monkeypatch.setattr(network.fine, "forward", lambda *_: (_ for _ in ()).throw(short))
    with pytest.raises(type(short)):
        answer_frame(network, frame)
