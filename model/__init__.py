"""Turns arrays into arrays: plates into foreground and alpha. Knows no job, no file, no service.

The image convention, said once, here:

* torch tensors, ``float32``, RGB, shaped ``(3, H, W)`` or ``(B, 3, H, W)``; alpha is ``(1, H, W)`` or ``(B, 1, H, W)``.
* **Scene-linear Rec.709 primaries, D65 white.** Light adds in this space, so compositing is exact in it.
* **Unclamped.** Values above 1 are real light, negative ones are colors outside Rec.709. Both survive every function.
* Foreground is *straight* (not multiplied by alpha) and holds no light of the screen.
* A name says when something is otherwise: ``_srgb`` (display-encoded), ``_premultiplied``, ``_u8``.

This module imports nothing, so that ``model.settings`` stays free of torch.
"""
