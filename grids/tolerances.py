"""How near is the same: the lengths, areas and fractions below which this room speaks of rounding.

Compiled code takes them in as constants, so its files are named by this one too (`grids.compiled`).
"""

NANOMETRE = 1e-9
"""Metres. Nearer to a border than this is on it, and ground of a smaller mean width is the rounding of a border:
coordinates of a nation are multiples of 0.1 to 0.5 nm, and each cut rounds to one."""

NEGLIGIBLE = 1e-12
"""Of a feature. A part of less is the rounding of a touch, not a part: a square millimetre of a square kilometre."""

SLIVER_M2 = 0.01
"""Square metres. Ground that two zones both claim is cut off the later one and counted up to here; more is refused."""

NEEDLE_M = 1e-6
"""Metres. A piece of a gap between zones of a smaller mean width is where their borders round, and is counted apart."""

THIN_M = 1e-4
"""Metres. Of a polygon of a smaller mean width a cut may miss more than a millionth, for it rounds to a fraction of a
nanometre: where parts do not add up to such a feature, its outline is shared out instead."""

WHOLE = 1e-9
"""Of a feature. Its parts and what lies outside add up to it within this."""
