"""Ways in which a container may be seen from a point: where the source stands, and how the array is bent.

With the source at distance d from the near wall and W the container's width, a point at height z and at the share u of
the width from the near wall is seen in row c + (r - c)/(1 + u (M - 1)), where r is the row in which the near wall shows that
height, c the row of the horizontal ray, and M = (d + W)/d the magnification of the near wall over the far one: rays
from a point onto an even upright array. On an L-shaped array the upper channels lie on a horizontal arm, evenly spaced
towards the source: they see slopes s steeper than that of the corner, b, at b + 1 - b/s instead of s, in units of the upright
distance from source to array; so the roof's rows may be spaced quite otherwise than the floor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

__all__ = ["RAIL", "ROOF", "WIDTH", "Views", "coarse_views"]

WIDTH = 2.438
RAIL = 0.06
ROOF = (0.0105, 0.006)
"""By how much the near and the far roof rail's edges, as found at half of their depth, lie below the castings' tops [m]."""
MAGNIFICATIONS = (1.2, 2.6)
HORIZON, HIGHEST = (-0.25, 0.9), 2.6
TALLEST, SHORTEST = 1.25, 0.8
COARSE_RATIO, COARSE_ABOVE, COARSE_BEND = 0.05, 0.03, 0.26
HIGHEST_SOURCE = 0.9
"""Share of the container's height under which the source of an L-shaped array stands: its arm would see nothing otherwise."""
BENDS = (np.inf, 0.27, 0.35, 0.45, 0.58, 0.75, 0.97)
_Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Views:
    """Ways in which the container may be seen, shape (n,) each.

    Attributes
    ----------
    bend : slope of the ray to the corner of an L-shaped array; infinite for upright ones, which come first
    height : of the container [m]
    above : source above the underside of its castings [m]
    ratio : near wall's scale over the far wall's
    corner : float or None
        Where the array has its corner, if that is known: rows below the near roof rail, as a share of those to the far one.
        Then it gives the bend, which is not searched.
    """

    bend: _Array
    height: _Array
    above: _Array
    ratio: _Array
    corner: float | None = None

    def pick(self, index: int | _Array) -> Views:
        """Some of them."""
        bend, height, above, ratio = (np.atleast_1d(part[index]) for part in (self.bend, self.height, self.above, self.ratio))
        return Views(bend, height, above, ratio, self.corner)

    def shrink(self, u: float) -> _Array:
        """Slope per meter of height at a share u of the width from the near wall."""
        return (self.ratio - 1.0) / (WIDTH * (1.0 + u * (self.ratio - 1.0)))

    def slope(self, z: float | _Array, u: float) -> _Array:
        """Slope of the ray to height z [m above the castings] at a share u of the width from the near wall."""
        return (z - self.above) * self.shrink(u)

    def channel(self, slope: _Array) -> _Array:
        """Place on the array that a ray of a slope meets, in units of the upright distance from source to array."""
        upright = int(np.isinf(self.bend).sum())
        if upright == slope.size:
            return slope
        bend, part = self.bend[upright:], slope[upright:]
        place = slope.copy()
        np.minimum(part, bend, out=place[upright:])
        place[upright:] += 1.0 - bend / np.maximum(part, bend)
        return place

    def span(self) -> _Array:
        """From the near roof rail's outer to the far one's inner upper edge, in units of `channel`."""
        near = self.slope(self.height - ROOF[0], 0.0)
        return self.channel(near) - self.channel(self.slope(self.height - ROOF[1], 1.0 - RAIL / WIDTH))

    def samples(self, roofs: tuple[float, float]) -> _Array:
        """Samples of a unit of `channel`, where near and far roof rail are seen at ``roofs`` [sample]."""
        return np.float32(roofs[1] - roofs[0]) / np.maximum(self.span(), np.float32(1e-6))

    def horizon(self, roofs: tuple[float, float]) -> _Array:
        """Sample of the horizontal ray."""
        return roofs[0] + self.samples(roofs) * self.channel(self.slope(self.height - ROOF[0], 0.0))

    def seen_at(self, roofs: tuple[float, float], heights: Sequence[float | _Array], u: float) -> list[_Array]:
        """Samples at which points at several heights [m] are seen."""
        scale, first = self.samples(roofs), self.horizon(roofs)
        return [first - scale * self.channel(self.slope(z, u)) for z in heights]

    def scale(self, roofs: tuple[float, float], z: float | _Array, u: float) -> _Array:
        """Samples per meter of height at one point."""
        upper, lower = self.seen_at(roofs, (z + 0.01, z - 0.01), u)
        return (lower - upper) / 0.02

    def middle_rows(self, roofs: tuple[float, float]) -> _Array:
        """Samples that the height would take with the scale in the middle of the load."""
        return self.height * self.scale(roofs, self.height / 2.0, 0.5)

    def bent(self) -> Views:
        """With the bends that the corner gives, where it is known: in closed form, as scale and horizon cancel in its share."""
        share, on_arm = self.corner, np.isfinite(self.bend)
        if share is None:
            return self
        arms, bend = self.pick(on_arm), self.bend.copy()
        near, far = arms.slope(arms.height - ROOF[0], 0.0), arms.slope(arms.height - ROOF[1], 1.0 - RAIL / WIDTH)
        if share < 1.0:
            bend[on_arm] = (1.0 - share + share * far) / (share + (1.0 - share) / near)
        else:
            bend[on_arm] = 1.0 / (share / far - (share - 1.0) / near)
        return replace(self, bend=bend)

    def quarters(self, size: float) -> Views:
        """Quarters of cells of the grid, each ``size`` of a coarse one."""
        bends = (-0.33, 0.0, 0.33) if self.corner is None else (0.0,)
        steps = np.meshgrid((-0.25, 0.25), (-0.25, 0.25), bends, indexing="ij")
        above, ratio, bend = (part.ravel() for part in steps)
        keep = np.isfinite(self.bend)[:, None] | (bend == 0.0)[None]
        parts = (
            self.bend[:, None] * np.exp(COARSE_BEND * size * bend),
            np.broadcast_to(self.height[:, None], keep.shape),
            self.above[:, None] + COARSE_ABOVE * size * above,
            1.0 + (self.ratio - 1.0)[:, None] * np.exp(COARSE_RATIO * size * ratio),
        )
        bend, height, above, ratio = (part[keep].astype(np.float32) for part in parts)
        return Views(bend, height, above, ratio, self.corner).bent()

    def around(self, index: int, size: float) -> Views:
        """A fine grid around one of them."""
        fine = np.linspace(-0.7, 0.7, 11) * size
        bends, height = self.bend[index : index + 1], self.height[index : index + 1]
        if np.isfinite(bends[0]) and self.corner is None:
            bends = bends * np.exp(COARSE_BEND * size * np.linspace(-1.0, 1.0, 5))
        above, ratio = self.above[index] + COARSE_ABOVE * fine, 1.0 + (self.ratio[index] - 1.0) * np.exp(COARSE_RATIO * fine)
        grid = np.meshgrid(bends, height, above, ratio, indexing="ij")
        bend, height, above, ratio = (part.astype(np.float32).ravel() for part in grid)
        return Views(bend, height, above, ratio, self.corner).bent()

    def tall(self) -> _Array:
        """The container's height at its near wall over the distance of its roof rails."""
        whole = self.channel(self.slope(self.height, 0.0)) - self.channel(self.slope(np.zeros_like(self.above), 0.0))
        return whole / np.maximum(self.span(), 1e-6)


@lru_cache(maxsize=8)
def _grid(heights: tuple[float, ...]) -> tuple[Views, _Array]:
    """A coarse grid over all views, and the container's height over the distance of its roof rails in each."""
    least, most = (float(np.log(ratio - 1.0)) for ratio in MAGNIFICATIONS)
    ratios = 1.0 + np.exp(np.arange(least, most, COARSE_RATIO))
    grid = np.meshgrid(BENDS, heights, np.arange(-0.6, HIGHEST, COARSE_ABOVE), ratios, indexing="ij")
    bend, height, above, ratio = (part.astype(np.float32).ravel() for part in grid)
    views = Views(bend, height, above, ratio)
    share = views.above / views.height
    good = (share > HORIZON[0]) & (share < HORIZON[1])
    # An arm that is not reached is the same as none; and it lies above the vehicle, its corner not far below the far roof rail.
    arm = np.isfinite(views.bend)
    good &= ~(arm & (views.slope(views.height, 0.0) < 1.03 * views.bend))
    good &= ~(arm & (views.slope(0.65 * views.height, 0.5) > views.bend))
    views = views.pick(good)
    return views, views.tall()


def _cornered(upright: Views, corner: float) -> Views:
    """Upright views, and each of them again with a corner where it is known to be."""
    if corner <= 0.0:
        return upright
    below = upright.pick(upright.above < HIGHEST_SOURCE * upright.height)
    bent = replace(below, bend=np.zeros_like(below.bend), corner=corner).bent()
    bent = bent.pick(bent.slope(0.65 * bent.height, 0.5) <= bent.bend)
    return Views(
        np.concatenate([upright.bend, bent.bend]),
        np.concatenate([upright.height, bent.height]),
        np.concatenate([upright.above, bent.above]),
        np.concatenate([upright.ratio, bent.ratio]),
        corner,
    )


def coarse_views(heights: Sequence[float], roofs: tuple[float, float], tall: float, corner: float | None = None) -> Views:
    """Those of a coarse grid over all views that make the container about as tall as it is.

    Parameters
    ----------
    heights : sequence of float [m]
        ISO heights that come into question.
    roofs : (float, float) [sample]
        Where near and far roof rail are seen.
    tall : float [sample]
        Rough height of the container, within a quarter.
    corner : float or None [sample]
        Where the array has its corner, if that is known.

    Returns
    -------
    Views
    """
    views, share = _grid(tuple(heights))
    distance = roofs[1] - roofs[0]
    if corner is not None:
        views = _cornered(views.pick(np.isinf(views.bend)), (corner - roofs[0]) / distance)
        share = views.tall()
    return views.pick(np.flatnonzero((share > SHORTEST * tall / distance) & (share < TALLEST * tall / distance)))
