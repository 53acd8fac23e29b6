"""What a plate's tags cannot mean, or contradict: the sentences of the table of doubts in docs/color.md."""

from __future__ import annotations

DOUBTS: dict[str, str] = {
    "linear-video": (
        "The movie says that its light is {curve}, which 8 bits of YUV cannot hold: it is taken as Rec.709. "
        "If it is so all the same, set encoding to {insist}."
    ),
    "linear-8-bit": (
        "{what} says that its light is {curve}, and it is decoded so, but 8 bits are too coarse for that. "
        "If colors look washed out, the tag is wrong: set encoding to srgb."
    ),
    "pq-contradicted": (
        "The movie says PQ, but has {why}: the picture is probably not PQ. It is decoded as PQ; "
        "if colors look wrong, set encoding to rec709."
    ),
    "pq-8-bit": (
        "{what} says PQ, and it is decoded so, but 8 bits are too coarse for that. "
        "If colors look wrong, the tag is wrong: set encoding to srgb."
    ),
    "no-matrix": (
        "The movie's color matrix {number} is impossible for its pixels (YUV): {matrix} is used instead. "
        "If colors look wrong, set matrix."
    ),
    "full-range-unused": (
        "The movie says full range, but all brightness lies within 16 to 235, as limited range does. It is read as "
        "full range; if black looks grey, set range to limited."
    ),
    "limited-range-exceeded": (
        "The movie says limited range, but much of its brightness lies beyond 16 to 235, as in full range. It is read "
        "as limited range; if black and white look cut off, set range to full."
    ),
    "rgb-limited": (
        "The movie says limited range, but its pixels are RGB: they are read as full range. "
        "If black looks grey, set range to limited."
    ),
    "gamma-senseless": (
        "The PNG's gAMA chunk makes no sense ({gamma}): it is ignored, and the picture taken as sRGB. "
        "If that is wrong, set encoding."
    ),
    "cicp-matrix": (
        "The PNG's cICP chunk names color matrix {number}, but pixels of a PNG are RGB: the matrix is ignored. "
        "If colors look wrong, set encoding."
    ),
    "code-reserved": (
        "{what} has color tags without a meaning (primaries {primaries}, curve {curve}): these are ignored. "
        "If colors look wrong, set encoding."
    ),
    "profile-unread": (
        "The ICC profile “{profile}” cannot be used: {why}. The picture is taken as sRGB. "
        "If that is wrong, set encoding."
    ),
    "chromaticities-senseless": (
        "The EXR's chromaticities make no sense: they are ignored, and its primaries taken as Rec.709. "
        "If that is wrong, set encoding."
    ),
    "exr-steps": (
        "All values of the EXR are whole 255ths and none is above 1: these are probably display colors from an 8-bit "
        "picture, not linear light. It is taken as linear; if it looks washed out, set encoding to srgb."
    ),
    "origin-unread": (
        "{file}, which the plate was rendered from, cannot be read here: the plate is taken as {encoding}. "
        "If that is wrong, set encoding."
    ),
    "origins-differ": (
        "The plate was rendered from files of several encodings ({encodings}), and no working space made them one: "
        "it is taken as {encoding}. If that is wrong, set encoding, or a working space in the project."
    ),
    "frame-otherwise": (
        "The frame's own color tag says something else ({reason}); it is decoded as its shot is, {encoding}. "
        "If it looks different from the others, render it again as they are."
    ),
}
"""The doubts by name. Each says what is seen, what is done, and how to insist."""


def doubt(name: str, **words: object) -> str:
    """Return one doubt as a sentence for the artist."""
    return DOUBTS[name].format(**words)
