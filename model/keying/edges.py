"""Alpha in the edges: the expected alpha, given the clean plate and the colors of the subject nearby.

The plate is modelled as I = a·F + (1 − a)·B + noise with B known and F drawn from a normal distribution fitted to the
opaque core around the pixel, at several radii and over the whole frame: Chuang, Curless, Salesin and Szeliski,
"A Bayesian Approach to Digital Matting" (2001), but with F integrated out instead of maximised, and alpha's mean
taken over all radii at once. Beside a core of one color this is the projection on the local color line; where
no core is near, only the wide distributions speak and the result returns to the color difference.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.keying.fill import box_blur, dilate, erode, reduce

_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_RADII = (0.013, 0.05, 0.2, None)  # of the shorter side; None: the whole frame
_TRUST = (1.0, 0.5, 0.25, 0.05)  # prior of each radius: near colors are likelier
_STEPS = 17  # values of alpha that are weighed
_OPAQUE = 16.0  # most pixels that could be opaque are: prior of alpha = 1 against any other step
_SLACK = 0.12  # alpha rarely exceeds the color difference, which errs upward but for green subjects
UNSOLVED_MARGIN = 0.06  # margin taken off both ends of a color difference that stays unsolved
_LEAST_NOISE = 1e-6  # variance; a synthetic plate has none, and zero would divide
_DOUBTFUL = 0.006  # variance of a solved alpha that is half to be trusted
_STRANGE = 1e-3  # prior of a color that the core does not have, against colors beside it
_ANY_DEVIATION = 1.25  # of such a color, in units of the screen's brightest channel, which is its mean
_SOLVED_MARGIN = 0.02  # taken off both ends of a solved alpha
# Of the second solution: alpha, and 1 − alpha, that count as none, and up to where that is felt. A hole in an opaque
# subject shows more than a wisp on the screen.
_NONE, _NONE_FELT = 0.01, 0.05
_ALL, _ALL_FELT = 0.02, 0.2
_CHUNK = 1 << 12  # pixels at a time on a CPU: stays in the cache, bounds the memory
_CHUNK_OF_A_CARD = 1 << 17  # elsewhere every chunk costs hundreds of launches: 4 s of a 4K frame with the small ones
_STATISTICS_SIDE = 270  # pixels; colors of the core are gathered at about this height: at 540 they are no better
_LEAST_CORE = 16  # pixels
_BRIGHTEST = 1e4  # light counts as this at most: its sixth power, in a determinant, must stay a float32
_ENOUGH = 1e-4  # share of core pixels within a radius that makes its distribution count


def solve_difference(plate: Tensor, clean_plate: Tensor, estimate: Tensor, seen: Tensor) -> Tensor:
    """Return the color difference alpha ``estimate`` (1, H, W), its edges solved again, clipped to 0–1.

    What is undecided, and where the opaque core lies, is read from ``estimate`` itself; plain screen is ``seen``
    (1, H, W).
    """
    grain = ((estimate.square() * seen).sum() / seen.sum().clamp_min(1.0)).sqrt()
    margin = min(max(0.03, 4.0 * float(grain)), 0.15)
    reach = max(2, round(min(plate.shape[-2:]) / 170))
    mixed = dilate(((estimate > margin) & (estimate < 1.0 - margin)).to(plate.dtype), reach) > 0
    core = erode((estimate > 0.985).to(plate.dtype), max(1, reach - 1)) * ~mixed
    # Below the margin nothing needs solving: the color difference errs upward.
    undecided = mixed & (estimate > margin)
    solved = _solve(plate, clean_plate, estimate, core, undecided, _noise(plate, clean_plate, seen))
    if solved is None:
        # Nothing to learn the subject's colors from: the color difference, stretched as keyers commonly do.
        plain = torch.where(undecided, stretch(estimate, UNSOLVED_MARGIN), (estimate > 0.5).to(plate.dtype))
        return stretch(plain, _SOLVED_MARGIN)
    return stretch(solved[0], _SOLVED_MARGIN)


def solve_again(
    plate: Tensor, clean_plate: Tensor, estimate: Tensor, seen: Tensor, alpha: Tensor
) -> tuple[Tensor, Tensor]:
    """Return an ``alpha`` (1, H, W) that a keyer has found, its edges solved with the core it shows, and how surely.

    The second, (1, H, W) in 0–1, is 1 where the core's colors leave one alpha only, and 0 where nothing was solved or
    where a color that the core does not have explains a pixel better: light hair upon a dark head.

    Where color alone must guess the core, wide edges and subjects in colors near the screen's blur the colors that F is
    expected to have: a first answer knows better. ``estimate`` is the color difference alpha, as in the first solution.
    """
    undecided = (alpha > 0.0) & (alpha < 1.0)
    core = erode((alpha >= 1.0).to(plate.dtype), max(1, round(min(plate.shape[-2:]) / 500)))
    solved = _solve(plate, clean_plate, estimate, core, undecided, _noise(plate, clean_plate, seen))
    if solved is None:
        return alpha, torch.zeros_like(alpha)
    expected, variance, explained = solved
    sure = undecided * explained * _DOUBTFUL / (_DOUBTFUL + variance)
    return torch.where(undecided, _with_ends(expected), alpha), sure


def stretch(alpha: Tensor, margin: float) -> Tensor:
    """Stretch alpha so that ``margin`` becomes 0 and 1 − margin becomes 1, and clip it there."""
    return ((alpha - margin) / (1.0 - 2.0 * margin)).clamp(0.0, 1.0)


def _with_ends(alpha: Tensor) -> Tensor:
    """Let a mean, which never gets there, reach 0 and 1, and leave all between the ends as it is."""
    low = (alpha - _NONE) * (_NONE_FELT / (_NONE_FELT - _NONE))
    high = 1.0 - (1.0 - alpha - _ALL) * (_ALL_FELT / (_ALL_FELT - _ALL))
    reached = torch.where(alpha < _NONE_FELT, low, torch.where(alpha > 1.0 - _ALL_FELT, high, alpha))
    return reached.clamp(0.0, 1.0)


def _noise(plate: Tensor, clean_plate: Tensor, seen: Tensor) -> Tensor:
    """Return the variance of this frame's own screen, eightfold: edges ring and are compressed."""
    difference = (plate - clean_plate).square().mean(dim=0, keepdim=True) * seen
    return 8.0 * difference.sum() / seen.sum().clamp_min(1.0) + _LEAST_NOISE


def _solve(
    plate: Tensor, clean_plate: Tensor, estimate: Tensor, core: Tensor, undecided: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return alpha (1, H, W), solved where ``undecided``, elsewhere 0 or 1, whichever ``estimate`` is nearer to.

    Beside it its variance under the posterior, 0 where nothing was solved, and how likely it is that the core has the
    pixel's color at all. ``core`` is 1 where the subject's own colors are seen, None where that is too little to learn
    them from.
    """
    alpha = (estimate > 0.5).to(plate.dtype)
    where = undecided.flatten().nonzero()[:, 0]
    if where.numel() == 0:
        return alpha, torch.zeros_like(alpha), torch.ones_like(alpha)
    short = min(plate.shape[-2:])
    stride = max(1, short // _STATISTICS_SIDE)
    gathered = core[:, ::stride, ::stride]
    if float(gathered.sum()) < _LEAST_CORE:
        return None
    sums = _products(plate[:, ::stride, ::stride].clamp(-_BRIGHTEST, _BRIGHTEST), gathered)
    fits = [
        (_average(sums, None if radius is None else max(2, round(radius * short / stride))), trust)
        for radius, trust in zip(_RADII, _TRUST, strict=True)
    ]
    colors, screens, first = plate.flatten(1), clean_plate.flatten(1), estimate.flatten()
    solved = []
    for part in torch.split(where, _CHUNK if plate.device.type == "cpu" else _CHUNK_OF_A_CARD):
        local = [(_look_up(fit, part, alpha.shape[-2], alpha.shape[-1]), trust) for fit, trust in fits]
        light, behind = (side[:, part].clamp(-_BRIGHTEST, _BRIGHTEST) for side in (colors, screens))
        solved.append(_expected_alpha(light, behind, first[part], local, noise))
    found = torch.stack((alpha, torch.zeros_like(alpha), torch.ones_like(alpha))).flatten(1)
    found[:, where] = torch.cat(solved, dim=1)
    expected, variance, explained = found.view(3, *alpha.shape)
    return expected, variance, explained


def _products(plate: Tensor, core: Tensor) -> Tensor:
    """What a mean and a covariance are made of: weight, color × weight (3), products × weight (6); (10, h, w)."""
    products = torch.stack([plate[i] * plate[j] for i, j in _PAIRS])
    return torch.cat([core, plate * core, products * core])


def _average(sums: Tensor, radius: int | None) -> Tensor:
    """Return the sums averaged over about ``radius`` pixels (None: over all), at a size that still holds them."""
    if radius is None:
        return sums.mean(dim=(1, 2), keepdim=True)
    shrink = max(1, radius // 4)
    small = reduce(sums, shrink)
    blur = max(1, round(radius / shrink / 2))
    return box_blur(box_blur(small, blur), blur)


def _look_up(fit: Tensor, pixels: Tensor, height: int, width: int) -> Tensor:
    """Interpolate ``fit`` (10, h, w) bilinearly at flat pixel numbers of a height × width picture; (10, N)."""
    if fit.shape[-1] == 1 and fit.shape[-2] == 1:
        return fit.flatten(1).expand(-1, pixels.numel())
    position = torch.stack([(pixels % width + 0.5) * 2.0 / width - 1.0, (pixels // width + 0.5) * 2.0 / height - 1.0])
    limit = torch.tensor([1.0 - 1.0 / fit.shape[-1], 1.0 - 1.0 / fit.shape[-2]], device=fit.device)[:, None]
    grid = torch.minimum(torch.maximum(position.to(fit), -limit), limit).T[None, None]
    return functional.grid_sample(fit[None], grid, mode="bilinear", align_corners=False)[0, :, 0]


def _expected_alpha(
    color: Tensor, screen: Tensor, estimate: Tensor, fits: list[tuple[Tensor, float]], noise: Tensor
) -> Tensor:
    """Mean and variance of alpha under its posterior, and how likely one of the fits is true: (3, N).

    Colors are (3, N). All fits and steps are weighed together; against all of them stands a fit of any color.
    """
    steps = torch.linspace(0.0, 1.0, _STEPS, dtype=color.dtype, device=color.device)[:, None]
    evidence = torch.stack([_log_evidence(color, screen, *fit, noise, steps) for fit in fits])
    above = (steps - estimate - _SLACK).clamp_min(0.0) / _SLACK
    evidence -= above.square()
    shares = torch.softmax(evidence.flatten(0, 1), dim=0)
    heaviest, weights = shares.amax(dim=0), shares.view(evidence.shape).sum(dim=0)
    mean = (weights * steps).sum(dim=0)
    variance = ((weights * steps.square()).sum(dim=0) - mean.square()).clamp_min(0.0)
    strange = _log_evidence(color, screen, _any_color(screen), _STRANGE, noise, steps) - above.square()
    # The logarithm of the sum that the weights were divided by, told by the heaviest: another sum would cost as much.
    likely = evidence.amax(dim=(0, 1)) - heaviest.log()
    # Nothing at all, the first step, is the same to both.
    explained = torch.sigmoid(likely - strange[1:].logsumexp(dim=0))
    return torch.stack((mean, variance, explained))


def _any_color(screen: Tensor) -> Tensor:
    """Return the sums (10, N) of a distribution that holds any color of a subject before ``screen`` (3, N)."""
    mean = screen.amax(dim=0)
    apart, alike = mean.square() * (1.0 + _ANY_DEVIATION**2), mean.square()
    return torch.stack([torch.ones_like(mean), mean, mean, mean, *(apart if i == j else alike for i, j in _PAIRS)])


def _log_evidence(color: Tensor, screen: Tensor, sums: Tensor, trust: float, noise: Tensor, steps: Tensor) -> Tensor:
    """Log of prior × likelihood of every alpha step under one normal distribution of F; (steps, N).

    The covariance of I is a²·(A + s·1) with s = noise / a²; adjugate and determinant of A + s·1 are polynomials in s,
    so the nine quadratic forms below are all that a pixel needs for every alpha.
    """
    weight = sums[0].clamp_min(1e-8)
    mean = sums[1:4] / weight
    a00, a01, a02, a11, a12, a22 = (sums[4 + k] / weight - mean[i] * mean[j] for k, (i, j) in enumerate(_PAIRS))
    # A floor on the variance: a core of few pixels is never known better than a fiftieth of its own light.
    floor = 1e-5 + 0.02 * mean.mean(dim=0).square()
    a00, a11, a22 = a00.clamp_min(0) + floor, a11.clamp_min(0) + floor, a22.clamp_min(0) + floor
    c00, c11, c22 = a11 * a22 - a12 * a12, a00 * a22 - a02 * a02, a00 * a11 - a01 * a01
    c01, c02, c12 = a02 * a12 - a01 * a22, a01 * a12 - a02 * a11, a01 * a02 - a00 * a12
    determinant = (a00 * c00 + a01 * c01 + a02 * c02).clamp_min(1e-20)
    trace, minors = a00 + a11 + a22, (c00 + c11 + c22).clamp_min(0)
    u, v = color - screen, mean - screen

    def forms(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dot = (x * y).sum(dim=0)
        cross01, cross02, cross12 = x[0] * y[1] + x[1] * y[0], x[0] * y[2] + x[2] * y[0], x[1] * y[2] + x[2] * y[1]
        adjugate = c00 * x[0] * y[0] + c11 * x[1] * y[1] + c22 * x[2] * y[2]
        adjugate = adjugate + c01 * cross01 + c02 * cross02 + c12 * cross12
        plain = a00 * x[0] * y[0] + a11 * x[1] * y[1] + a22 * x[2] * y[2]
        plain = plain + a01 * cross01 + a02 * cross02 + a12 * cross12
        return adjugate, trace * dot - plain, dot

    uu, uv, vv = forms(u, u), forms(u, v), forms(v, v)
    step = steps[1:]
    s = noise / step.square()
    scale = determinant + s * (minors + s * (trace + s))
    quadratic = [uu[k] - 2.0 * step * uv[k] + step.square() * vv[k] for k in range(3)]
    distance = (quadratic[0] + s * (quadratic[1] + s * quadratic[2])).clamp_min(0) / (step.square() * scale)
    rows = -0.5 * (distance + torch.log(scale)) - 3.0 * torch.log(step)
    rows[-1] += math.log(_OPAQUE)
    nothing = -0.5 * uu[2] / noise - 1.5 * torch.log(noise)
    return torch.cat([nothing[None], rows]) + torch.log(trust * (sums[0] / _ENOUGH).clamp(0.0, 1.0) + 1e-12)
