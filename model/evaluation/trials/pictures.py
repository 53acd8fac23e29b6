"""The pictures of the trials: what stands where, before which screen, and with which camera it was taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.data.blur import disc
from model.data.subjects.part import Part
from model.data.view import Motion
from model.evaluation.metrics import CORE_FROM, SCREEN_TO
from model.evaluation.trials import bodies, lights
from model.evaluation.trials.shoot import BLUE, BROADCAST, FILM, RED, WEBCAM, Studio, Taken, covered, mask

BLACK, WHITE = (0.014, 0.014, 0.015), (0.72, 0.71, 0.69)
OLIVE, TEAL = (0.118, 0.130, 0.030), (0.020, 0.150, 0.145)
NAVY, WINE, SAND = (0.020, 0.028, 0.070), (0.160, 0.020, 0.035), (0.420, 0.330, 0.220)
GEL = (0.60, 0.016, 0.018)
ORANGE, PAPER, COBALT = (0.90, 0.25, 0.03), (0.85, 0.85, 0.82), (0.03, 0.12, 0.60)
GREY, PALE = (0.17, 0.168, 0.165), (0.400, 0.500, 0.425)
PHONE = replace(BROADCAST, look=lights.PHONE, encoding="srgb", chroma="4:2:0")
SOFT = (0.1, 0.9)  # true alpha of pixels that are half-transparent for certain


def red_gel(recorded: bool) -> Taken:
    """A dense and a thin sheet of red gel over a green screen, over each other and, in part, over a person."""
    studio = Studio(1)
    person = studio.subject("person", 1, Motion((-0.44, -0.12), 0.115), NAVY, SAND)
    dense = studio.subject("gel", 1, Motion((0.0, 0.02), 0.33, 0.12), GEL)
    thin = studio.subject("gel", 11, Motion((0.38, -0.03), 0.48, -0.1), GEL)
    taken = studio.take("red gel", [person, dense, thin], studio.backdrop(1), recorded=recorded)
    gel = (covered(dense) | covered(thin)) & ~covered(person, 0.001)
    alpha = taken.example.alpha
    return taken.with_area("gel", gel & (alpha > SOFT[0]) & (alpha < SOFT[1]))


def fine_hair(recorded: bool) -> Taken:
    """Hair blown to one side, each strand a quarter to half a pixel wide."""
    studio = Studio(2)
    at = Motion((-0.12, 0.06), 0.21)
    head = studio.subject("hair", 1, at)
    color = (0.14, 0.075, 0.035)
    strands = bodies.fine_strands(studio.draw.child("strands"), studio.stage(), at, 420, color)
    taken = studio.take("fine hair", [head, strands], studio.backdrop(1), recorded=recorded)
    return taken.with_area("strands", covered(strands, 0.02) & ~covered(head, 0.001))


def swung_arm(recorded: bool) -> Taken:
    """An arm that swings by some thirty pixels while the shutter is open."""
    studio = Studio(3)
    at = Motion((-0.05, 0.34), 0.21, 0.25, velocity=(0.0, 0.0), spin=0.34)
    arm = bodies.swung_arm(studio.draw.child("arm"), studio.stage(SAND), at, 0.5)
    return studio.take("motion-blurred arm", [arm], studio.backdrop(1), recorded=recorded)


def defocused_edge(recorded: bool) -> Taken:
    """A head close to the camera, far out of focus, and a person in focus behind."""
    studio = Studio(4)
    far = studio.subject("person", 1, Motion((-0.28, -0.13), 0.12), WINE, SAND)
    near = studio.subject("person", 2, Motion((0.52, -0.02), 0.30, 0.06), NAVY, BLACK)
    parts = [far, Part(disc(near.stack, 9.0))]
    return studio.take("defocused edge", parts, studio.backdrop(1), recorded=recorded)


def glass(recorded: bool) -> Taken:
    """A tumbler, a ball and a bottle of glass that bend the screen and the crosses on it."""
    studio = Studio(5)
    marks = bodies.crosses(studio.view, studio.x, studio.y, [(0.030, 0.17, 0.042)], 0.1, 0.02)
    vessels = [
        studio.subject("glass", 7, Motion((-0.55, 0.05), 0.36)),
        studio.subject("glass", 5, Motion((0.02, 0.02), 0.36)),
        studio.subject("glass", 14, Motion((0.56, 0.03), 0.36)),
    ]
    backdrop = studio.marked(studio.backdrop(1), marks)
    return studio.take("glass", vessels, backdrop, recorded=recorded)


def smoke(recorded: bool) -> Taken:
    """Smoke beside a person, from a veil to nearly opaque."""
    studio = Studio(6)
    person = studio.subject("person", 1, Motion((-0.42, -0.10), 0.115), NAVY, SAND)
    cloud = studio.subject("smoke", 4, Motion((0.24, 0.02), 0.42))
    return studio.take("smoke", [person, cloud], studio.backdrop(1), recorded=recorded)


def fire(recorded: bool) -> Taken:
    """A flame: light without coverage, far above 1."""
    studio = Studio(7)
    person = studio.subject("person", 1, Motion((-0.42, -0.10), 0.115), BLACK, NAVY)
    flame = studio.subject("fire", 16, Motion((0.30, 0.12), 0.52))
    return studio.take("fire", [person, flame], studio.backdrop(1), recorded=recorded)


def chain_mail(recorded: bool) -> Taken:
    """Rings of metal before a person and beside, the screen in their holes."""
    studio = Studio(8)
    person = studio.subject("person", 1, Motion((-0.30, -0.14), 0.12), NAVY, BLACK)
    rings = studio.subject("chainmail", 8, Motion((0.26, 0.06), 0.54))
    return studio.take("chain-mail", [person, rings], studio.backdrop(1), recorded=recorded)


def black_and_white(recorded: bool) -> Taken:
    """One person in black and one in white."""
    studio = Studio(9)
    people = [
        studio.subject("person", 1, Motion((-0.32, -0.16), 0.13), BLACK),
        studio.subject("person", 2, Motion((0.34, -0.13), 0.13), WHITE),
    ]
    return studio.take("black and white cloth", people, studio.backdrop(1), BROADCAST, recorded=recorded)


def olive_and_teal(recorded: bool) -> Taken:
    """One person in olive and one in teal, to either side of the screen's green."""
    studio = Studio(10)
    people = [
        studio.subject("person", 1, Motion((-0.32, -0.16), 0.13), OLIVE),
        studio.subject("person", 2, Motion((0.34, -0.13), 0.13), TEAL),
    ]
    return studio.take("olive and teal cloth", people, studio.backdrop(1), recorded=recorded)


def marker_crosses(recorded: bool) -> Taken:
    """Crosses of orange, white and blue tape on the screen around a person."""
    studio = Studio(11)
    marks = bodies.crosses(studio.view, studio.x, studio.y, [ORANGE, PAPER, COBALT], 0.19, 0.026)
    person = studio.subject("person", 1, Motion((0.05, -0.12), 0.12), NAVY, WINE)
    backdrop = studio.marked(studio.backdrop(1), marks)
    taken = studio.take("marker crosses", [person], backdrop, recorded=recorded)
    bare = taken.example.alpha <= SCREEN_TO
    return taken.with_area("markers", mask(marks.coverage > 0.5) & bare)


def screen_ends(recorded: bool) -> Taken:
    """A screen that ends inside the frame: its stands and the room show beside it."""
    studio = Studio(12)
    person = studio.subject("person", 1, Motion((0.02, -0.11), 0.105), NAVY, WINE)
    room = bodies.room(studio.draw.child("room"), studio.view, studio.x, studio.y)
    backdrop = bodies.hung(studio.backdrop(1, wrinkles=True), room, studio.view, studio.x, studio.y)
    taken = studio.take("screen that ends", [person], backdrop, recorded=recorded)
    return taken.with_area("set", mask(backdrop.share < 0.02) & (taken.example.alpha <= SCREEN_TO))


def hot_spot(recorded: bool) -> Taken:
    """A lamp too close to the screen: over four times brighter in one place than far from it."""
    studio = Studio(13)
    person = studio.subject("person", 1, Motion((-0.22, -0.12), 0.12), WINE, SAND)
    backdrop = bodies.hot_spot(studio.backdrop(1), studio.x, studio.y, (0.33, -0.08), 1.9)
    return studio.take("hot spot", [person], backdrop, BROADCAST, recorded=recorded)


def low_bit_rate(recorded: bool) -> Taken:
    """4:2:0 H.264 from a real encoder, at a low bit rate."""
    studio = Studio(14)
    person = studio.subject("person", 1, Motion((-0.05, -0.12), 0.12), NAVY, WINE)
    camera = replace(BROADCAST, codec="h264", codec_quality=0.3, sharpening=0.4)
    return studio.take("low bit rate", [person], studio.backdrop(1), camera, recorded=recorded)


def low_resolution(recorded: bool) -> Taken:
    """A web camera of 640 × 360 that sees people whole: noisy, sharpened, compressed."""
    studio = Studio(15, size=(360, 640))
    people = [
        studio.subject("person", 1, Motion((-0.34, -0.26), 0.062), SAND, NAVY),
        studio.subject("person", 2, Motion((0.22, -0.28), 0.062), WINE, BLACK),
    ]
    backdrop = studio.backdrop(1, wrinkles=True)
    return studio.take("640 × 360", people, backdrop, WEBCAM, recorded=recorded)


def blue_screen(recorded: bool) -> Taken:
    """A person and a plant before a blue screen."""
    studio = Studio(16, BLUE)
    person = studio.subject("person", 1, Motion((-0.22, -0.12), 0.12), WINE, SAND)
    plant = studio.subject("foliage", 1, Motion((0.48, 0.12), 0.42))
    return studio.take("blue screen", [plant, person], studio.backdrop(1), recorded=recorded)


def red_screen(recorded: bool) -> Taken:
    """A furry creature before a red screen."""
    studio = Studio(17, RED)
    creature = studio.subject("fur", 1, Motion((0.0, 0.08), 0.34), (0.06, 0.22, 0.08))
    return studio.take("red screen", [creature], studio.backdrop(1), recorded=recorded)


def highlights(recorded: bool) -> Taken:
    """Bare bulbs with values up to 50, beside a person."""
    studio = Studio(18)
    person = studio.subject("person", 1, Motion((0.28, -0.10), 0.12), BLACK, WINE)
    bulbs = bodies.lamps(studio.stage(), [(-0.42, -0.10, 0.085, 50.0), (-0.12, 0.08, 0.06, 24.0)])
    camera = replace(FILM, clip=80.0, chroma="4:4:4")
    taken = studio.take("highlights", [person, bulbs], studio.backdrop(1), camera, recorded=recorded)
    bright = taken.example.foreground.max(axis=-1) > 2.0
    return taken.with_area("highlights", bright & (taken.example.alpha >= CORE_FROM))


def curved_hot_spot(recorded: bool) -> Taken:
    """A lamp so close to the screen that its middle clips, seen through a phone's curves: from green to white."""
    studio = Studio(20)
    person = studio.subject("person", 1, Motion((-0.32, -0.12), 0.12), WINE, SAND)
    backdrop = lights.clipping_spot(studio.backdrop(1), studio.x, studio.y, (0.34, -0.06))
    taken = studio.take("hot spot that clips", [person], backdrop, PHONE, recorded=recorded)
    return taken.with_area("screen", np.asarray(taken.example.alpha <= SCREEN_TO))


def side_light(recorded: bool) -> Taken:
    """Light from one side, eight times as strong there as at the other, seen through a phone's curves."""
    studio = Studio(21)
    person = studio.subject("person", 1, Motion((0.06, -0.12), 0.12), NAVY, WINE)
    backdrop = lights.from_one_side(
        studio.backdrop(1, wrinkles=True), studio.x, 13.0, 0.88
    )  # the rest is the screen's own fall
    taken = studio.take("light from one side", [person], backdrop, PHONE, recorded=recorded)
    return taken.with_area("screen", np.asarray(taken.example.alpha <= SCREEN_TO))


def pale_backdrop(recorded: bool) -> Taken:
    """A washed backdrop, hardly more colored than grey, and a person in a white shirt before it."""
    studio = Studio(22, PALE)
    person = studio.subject("person", 2, Motion((0.04, -0.12), 0.13), WHITE)
    taken = studio.take("pale backdrop", [person], studio.backdrop(1), BROADCAST, recorded=recorded)
    return taken.with_area("screen", np.asarray(taken.example.alpha <= SCREEN_TO))


def screen_amid(recorded: bool) -> Taken:
    """A screen amid a dark set, which is seen on all four sides of it."""
    studio = Studio(23)
    person = studio.subject("person", 1, Motion((0.02, -0.18), 0.042), NAVY, WINE)
    room = bodies.room(studio.draw.child("room"), studio.view, studio.x, studio.y)
    backdrop = lights.amid(studio.backdrop(1), room, studio.view, studio.x, studio.y, (0.44, 0.38))
    taken = studio.take("screen amid a dark set", [person], backdrop, recorded=recorded)
    return taken.with_area("set", mask(backdrop.share < 0.02) & (taken.example.alpha <= SCREEN_TO))


def confetti(recorded: bool) -> Taken:
    """Small round markers and confetti of many colors on the screen around a person."""
    studio = Studio(24)
    paints = (ORANGE, PAPER, COBALT)
    bits = (*paints, (0.75, 0.04, 0.25), (0.80, 0.62, 0.04), (0.03, 0.03, 0.03))
    marks = lights.litter(studio.draw.child("litter"), studio.view, studio.x, studio.y, paints, bits)
    person = studio.subject("person", 1, Motion((0.05, -0.12), 0.12), NAVY, WINE)
    backdrop = studio.marked(studio.backdrop(1), marks)
    taken = studio.take("confetti and dots", [person], backdrop, BROADCAST, recorded=recorded)
    return taken.with_area("markers", mask(marks.coverage > 0.5) & (taken.example.alpha <= SCREEN_TO))


def grey_shirt(recorded: bool) -> Taken:
    """A person in a grey shirt on which much of the screen's light falls."""
    studio = Studio(41)
    person = studio.subject("person", 1, Motion((0.03, -0.13), 0.14), GREY)
    return studio.take("grey shirt with spill", [person], studio.backdrop(1), BROADCAST, recorded=recorded)


def no_screen(recorded: bool) -> Taken:
    """A person in a room without any screen."""
    studio = Studio(19)
    person = studio.subject("person", 1, Motion((0.05, -0.11), 0.115), NAVY, WINE)
    backdrop = bodies.room(studio.draw.child("room"), studio.view, studio.x, studio.y)
    taken = studio.take("no screen", [person], backdrop, BROADCAST, recorded=recorded, spill=False)
    return taken.with_area("room", np.asarray(taken.example.alpha <= SCREEN_TO))
