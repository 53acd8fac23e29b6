"""Renders shots with known answers in Blender's Cycles: hair, fur, cloth, glass and gels before a lit screen."""
