"""The scan as it would be without a finding: the load around it goes on, as it does elsewhere in the same scan.

A load repeats. The place whose surroundings are most like the finding's is looked for in the scan itself; what is there takes
the finding's place, lifted or lowered until it joins without a seam, with its own noise. Where nothing is much like it, the
edge's values are drawn together, rather along the travel than up and down, as loads are stacked, and noise of the scan's own
size and grain is put in. The network has no part in it: what it says of the picture that results is a test of the finding, and
not an echo.

References
----------
P. Pérez, M. Gangnet, A. Blake, Poisson image editing, SIGGRAPH 2003, https://doi.org/10.1145/882262.882269
A. Criminisi, P. Pérez, K. Toyama, Region filling by exemplar-based inpainting, 2004, https://doi.org/10.1109/TIP.2004.833105
S. J. Gortler et al., The lumigraph (pull and push), SIGGRAPH 1996, https://doi.org/10.1145/237170.237200
J. Immerkær, Fast noise variance estimation, 1996, https://doi.org/10.1006/cviu.1996.0060
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from xrayscan.findings import Finding
from xrayscan.scan import Box, Radiograph, frozen_array

__all__ = ["Expected", "expected_depth", "taken_by"]

ROOM = 0.05  # around a finding's mask that is replaced too: the network's edge is not a body's [m]
AROUND = 0.25  # width of the surroundings that must be alike [m]
REACH = (0.10, 15.0)  # up or down and along the travel, within which a place is looked for: floors and rails run along [m]
CELL = 0.02  # pixels of the first search [m]
DEEPEST = 8.0  # beyond this optical depth all is alike: hardly anything comes through
SMOOTH, WIDE = 0.03, 0.06  # of what is drawn over the hole from its edge; finer than the second is lost within it [m]
BLIND = (0.05, 0.3)  # share of a place, and of its surroundings, that may be of no use, for it to be taken
CLEARLY = 0.9  # so much of what a guess from the edge leaves unexplained another place may leave: it brings things of its own
SURE = 0.2  # share of a cell that must be known for its mean to count in full
RELAXED = 4  # times that what is drawn over the hole is smoothed over WIDE: a bend of its own is more than a quiet scan's noise
# Both keep the size of noise that neighbors do not share; of what they share the second leaves more.
GRAIN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6.0
SOFT_GRAIN = np.array([[1, -1], [-1, 1]], np.float32) / 2.0
FINE = 1.5  # what varies over less than this is noise [px]
EDGE = 5.0  # times the median size of noise: what is off the mean by more is an edge of the load
LIFT = 1.5  # optical depth up to which noise is scaled to its new place
SEED = 20261128

Pair = tuple[int, int]
Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False, repr=False)
class Expected:
    """A part of the scan as it would be without a finding.

    Attributes
    ----------
    box : Box
        The finding's, with some room around.
    depth : ndarray of float32, shape (energies, box.height, box.width)
        Optical depth; the scan's own wherever nothing was replaced.
    replaced : ndarray of bool, shape (box.height, box.width)
        The finding's mask and a little around it, less what is opaque or was not measured: nothing is known there.
    shift : (int, int) or None [px]
        Rows and columns from here to the place whose surroundings are most alike; None where there is none.
    unlike : float
        How much both surroundings differ, but for a smooth part: root mean square of optical depth. Where no place is alike,
        how much the surroundings vary.
    """

    box: Box
    depth: np.ndarray
    replaced: np.ndarray
    shift: Pair | None
    unlike: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", frozen_array(self.depth, np.float32))
        object.__setattr__(self, "replaced", frozen_array(self.replaced, bool))


def taken_by(findings: Iterable[Finding], radiograph: Radiograph) -> np.ndarray:
    """Where findings are, with a little around them: no example of what is to be expected.

    Parameters
    ----------
    findings : iterable of Finding
    radiograph : Radiograph

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Raises
    ------
    ValueError
        If a finding lies outside of it.
    """
    room = _pixels((ROOM, ROOM), radiograph.pixel_pitch)
    taken = np.zeros(radiograph.shape, bool)
    for finding in findings:
        box = finding.box.grown(room, radiograph.shape)
        taken[box.slices] |= _widened(finding, box, room)
    return taken


def expected_depth(
    finding: Finding, radiograph: Radiograph, findings: Iterable[Finding] = (), *, taken: np.ndarray | None = None
) -> Expected:
    """Optical depth around a finding as it would be without it.

    Parameters
    ----------
    finding : Finding
        Its box lies within the radiograph; `xrayscan.explain.explain` checks it.
    radiograph : Radiograph
    findings : iterable of Finding
        All of the scan's: none of them is an example of what is to be expected.
    taken : ndarray of bool or None, shape (rows, columns)
        `taken_by` all of them and this one, where it is at hand.

    Returns
    -------
    Expected

    Examples
    --------
    >>> from xrayscan.findings import Mass, Position, Size
    >>> depth = np.tile(1 + np.arange(300) // 20 % 2, (120, 1)).astype(np.float32)
    >>> depth[40:90, 100:140] += 1.0
    >>> ones = np.ones(depth.shape, bool)
    >>> finding = Finding("P1", "person", 0.9, Box(40, 100, 90, 140), ones[40:90, 100:140],
    ...     Position(0.4, 0.4), Size(0.5, 0.4), Mass(40, 30, 60))
    >>> expected = expected_depth(finding, Radiograph(depth[None], ones, ~ones, (0.01, 0.01)))
    >>> expected.box, expected.shift[1] % 40, expected.depth[0, 20, 10:50:10].round(1).tolist()
    (Box(top=35, left=95, bottom=95, right=145), 0, [2.0, 2.0, 1.0, 1.0])
    """
    room = _pixels((ROOM, ROOM), radiograph.pixel_pitch)
    box = finding.box.grown(room, radiograph.shape)
    view = box.grown(_pixels((AROUND, AROUND), radiograph.pixel_pitch), radiograph.shape)
    hole = np.zeros((view.height, view.width), bool)
    hole[_within(box, view)] = _widened(finding, box, room)
    place = _Place(radiograph, view, hole, taken_by((finding, *findings), radiograph) if taken is None else taken)
    shift = place.alike()
    unlike = place.unlike(None)
    if shift is not None and (apart := place.unlike(shift)) <= CLEARLY * unlike:
        replaced, mean, noise = place.joined(shift)
        unlike = apart
    else:
        replaced, mean, noise = place.drawn_together()
        shift = None
    depth = place.filled(replaced, mean, noise)
    inner = _within(box, view)
    return Expected(box, depth[:, *inner], replaced[inner], shift, unlike)


class _Place:
    """A finding's surroundings in a scan, with a hole where it is, and what else could be there."""

    def __init__(self, radiograph: Radiograph, view: Box, hole: np.ndarray, taken: np.ndarray) -> None:
        self.radiograph, self.view, self.hole, self.taken = radiograph, view, hole, taken
        self.outside = _outside(radiograph, view)
        self.pitch = radiograph.pixel_pitch

    def depth(self, window: Box) -> np.ndarray:
        """Optical depth of all energies in a window."""
        return self.radiograph.optical_depth[:, *window.slices]

    def seen(self, window: Box) -> np.ndarray:
        """What was measured and penetrated in a window."""
        return self.radiograph.valid[window.slices] & ~self.radiograph.opaque[window.slices]

    def moved(self, shift: Pair) -> Box:
        """The view, somewhere else."""
        top, left = self.view.top + shift[0], self.view.left + shift[1]
        return Box(top, left, top + self.view.height, left + self.view.width)

    def alike(self) -> Pair | None:
        """From here to the place whose surroundings are most alike."""
        step = _pixels((CELL, CELL), self.pitch)
        found = self._searched(self.view.grown(_pixels(REACH, self.pitch), self.radiograph.shape), step)
        if found is None or step == (1, 1):
            return found
        around = self.moved(found).grown(step, self.radiograph.shape)
        return self._searched(around, (1, 1)) or found

    def _searched(self, near: Box, step: Pair) -> Pair | None:
        """The best place within a window, in steps of so many pixels."""
        # The search's cells start where the view does, so that a step of theirs is a whole number of pixels.
        if self.view.height < step[0] or self.view.width < step[1]:
            return None  # a scan so narrow that it holds no cell
        top, left = (near.top + (self.view.top - near.top) % step[0], near.left + (self.view.left - near.left) % step[1])
        window = np.s_[top : near.bottom, left : near.right]
        depth, useless, blind = self._planes(window, step)
        own, unusable, _ = self._planes(self.view.slices, step)
        hole = (_binned(self.hole, step) > 0).astype(np.float32)
        ring = ((hole == 0) & (unusable < 0.5)).astype(np.float32)
        if not ring.any() or not hole.any() or any(a < b for a, b in zip(depth.shape, own.shape, strict=True)):
            return None
        apart = cv2.matchTemplate(depth, own, cv2.TM_SQDIFF, mask=ring) / ring.sum()
        apart[~np.isfinite(apart)] = np.inf
        for plane, part, most in ((blind, hole, BLIND[0]), (useless, ring, BLIND[1])):
            if plane.sum() > most * part.sum():  # else there is no such place
                apart[cv2.matchTemplate(plane, part, cv2.TM_CCORR) / part.sum() > most] = np.inf
        best = np.unravel_index(int(apart.argmin()), apart.shape)
        if not np.isfinite(apart[best]):
            return None
        return int(top + best[0] * step[0] - self.view.top), int(left + best[1] * step[1] - self.view.left)

    def _planes(self, window: tuple[slice, slice], step: Pair) -> Planes:
        """Optical depth, what is of no use, and what no hole may be filled from, in cells of so many pixels."""
        depth = np.fmax(self.radiograph.optical_depth[0][window], np.float32(0.0))  # of NaN 0 too
        np.minimum(depth, DEEPEST, out=depth)
        useless = self.taken[window] | ~self.radiograph.valid[window]
        blind = useless | self.radiograph.opaque[window] | self.outside[window]
        return _binned(depth, step), _binned(useless, step), _binned(blind, step)

    def unlike(self, shift: Pair | None) -> float:
        """How much the surroundings differ from those of another place, or vary by themselves, but for a smooth part: rms."""
        own, use = self.depth(self.view)[0], self._ring(shift)
        if not use.any():
            return np.inf
        values = np.nan_to_num(own if shift is None else own - self.depth(self.moved(shift))[0])
        return float(np.sqrt(np.mean((values - self._mean(values, use, WIDE))[use] ** 2)))

    def joined(self, shift: Pair) -> Planes:
        """What of the hole can be told; what is at another place, lifted or lowered so that it joins here: mean and noise."""
        there, use = self.moved(shift), self._ring(shift)
        means, noises = [], []
        for own, other in zip(self.depth(self.view), np.nan_to_num(self.depth(there)), strict=True):
            change = self._membrane(np.nan_to_num(own - other), use)
            fine = other - _blurred(other, (FINE, FINE))
            most = EDGE * _level(other, use) / _quiet(other)
            noise = fine.clip(-most, most)
            means.append(other - noise + change)
            noises.append(noise * np.exp(change.clip(-LIFT, LIFT) / 2.0))
        return self._replaceable() & self.seen(there), np.stack(means), np.stack(noises)

    def drawn_together(self) -> Planes:
        """What of the hole can be told, the edge's values drawn together over it, and noise; of no size in particular."""
        rng, use = np.random.default_rng(SEED), self._ring()
        known = np.nan_to_num(self.depth(self.view))
        means = np.stack([self._membrane(own, use) for own in known])
        noises = np.stack([_drawn_noise(rng, own, _inner(use)) for own in known]) / _quiet(means)
        return self._replaceable() & use.any(), means, noises

    def filled(self, replaced: np.ndarray, means: np.ndarray, noises: np.ndarray) -> np.ndarray:
        """The view with the hole filled, its noise scaled to that of the surroundings."""
        ring, inner = _inner(self._ring()), _inner(replaced)
        planes = []
        for own, mean, noise in zip(self.depth(self.view), means, noises, strict=True):
            mean, known = np.maximum(mean, 0.0), np.nan_to_num(own)
            wanted = _level(known, ring)
            # What is under the noise adds a little of its own: the second time takes it into account.
            for _ in range(2):
                now = _level(np.where(replaced, mean + noise, known), inner)
                noise = noise * (wanted / now if now > 0.0 else 1.0)
            planes.append(np.where(replaced, mean + noise, own))
        return np.stack(planes)

    def _replaceable(self) -> np.ndarray:
        return self.hole & self.seen(self.view)

    def _ring(self, shift: Pair | None = None) -> np.ndarray:
        """The surroundings: seen, and of no finding; here, and at another place too."""
        use = ~self.hole & self.seen(self.view) & ~self.taken[self.view.slices]
        if shift is not None:
            there = self.moved(shift)
            use &= self.seen(there) & ~self.taken[there.slices]
        return use

    def _mean(self, values: np.ndarray, use: np.ndarray, far: float) -> np.ndarray:
        """Gaussian means over what is of use, over so many meters."""
        sigma = (far / self.pitch[0], far / self.pitch[1])
        weight = np.maximum(_blurred(use.astype(np.float32), sigma), 1e-3)
        return _blurred(np.where(use, values, 0.0).astype(np.float32), sigma) / weight

    def _membrane(self, values: np.ndarray, use: np.ndarray) -> np.ndarray:
        """Values of the surroundings, smoothed and drawn over the hole; 0 where there are none."""
        if not use.any():
            return np.zeros(values.shape, np.float32)
        mean = self._mean(values, use, SMOOTH)
        tall, wide = (max(2, round(side * step / SMOOTH)) for side, step in zip(mean.shape, self.pitch, strict=True))
        known, share = (
            cv2.resize(plane.astype(np.float32), (wide, tall), interpolation=cv2.INTER_AREA) for plane in (mean * use, use)
        )
        drawn = cv2.resize(_pulled_and_pushed(known, share), mean.shape[::-1], interpolation=cv2.INTER_LINEAR)
        window = tuple(2 * round(np.sqrt(3.0) * WIDE / side) + 1 for side in self.pitch[::-1])  # as wide as a Gaussian of WIDE
        for _ in range(RELAXED):
            drawn = cv2.blur(np.where(use, mean, drawn), window, borderType=cv2.BORDER_REPLICATE)
        return np.where(use, mean, drawn)


def _outside(radiograph: Radiograph, view: Box) -> np.ndarray:
    """What lies in no container: nothing there is an example for what lies in one."""
    boxes = radiograph.containers
    outside = np.full(radiograph.shape, any(box.holds(view.middle) for box in boxes))
    for box in boxes:
        outside[box.slices] = False
    return outside


def _pulled_and_pushed(known: np.ndarray, share: np.ndarray, level: int = 0) -> np.ndarray:
    """Means, times the share of each cell they are known of, drawn over the cells where that is little: from coarser ones.

    Cells grow wide before they grow tall.
    """
    own = known / np.maximum(share, 1e-6)
    if known.size == 1 or share.min() >= SURE:
        return own
    rows, columns = known.shape
    half = ((columns + 1) // 2, (rows + 1) // 2 if level % 3 == 2 or columns == 1 else rows)
    fewer, of = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (known, share))
    drawn = cv2.resize(_pulled_and_pushed(fewer, of, level + 1), (columns, rows), interpolation=cv2.INTER_LINEAR)
    weight = np.minimum(share / SURE, 1.0)
    return weight * own + (1.0 - weight) * drawn


def _pixels(lengths: tuple[float, float], pitch: tuple[float, float]) -> Pair:
    row, column = (max(1, round(length / side)) for length, side in zip(lengths, pitch, strict=True))
    return row, column


def _inner(mask: np.ndarray) -> np.ndarray:
    """Pixels all of whose neighbors are in a mask too; the mask itself where that is none."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return inner if inner.any() else mask


def _quiet(depth: np.ndarray) -> np.ndarray:
    """What noise of photons is multiplied by to be that of depth 0: it grows as exp(depth / 2)."""
    return np.exp(-depth.clip(0.0, DEEPEST) / 2.0)


def _level(depth: np.ndarray, where: np.ndarray, grain: np.ndarray = GRAIN) -> float:
    """Median size of the noise in a place, as it were at depth 0; 0 of no pixel.

    Neither a slope nor an edge along rows or columns adds to it.
    """
    if not where.any():
        return 0.0
    fine = cv2.filter2D(depth, cv2.CV_32F, grain) * _quiet(cv2.blur(depth, (3, 3)))
    return float(np.median(np.abs(fine[where])))


def _drawn_noise(rng: np.random.Generator, like: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Noise as it were at depth 0, of which neighbors share as much as they do in a place; of no size in particular."""
    white, soft = 1e-3 * rng.standard_normal((2, *like.shape), np.float32)
    soft = cv2.GaussianBlur(soft, (0, 0), 1.0)
    everywhere = np.ones(like.shape, bool)
    (fine, coarse), (white_fine, white_coarse), (soft_fine, soft_coarse) = (
        [_level(plane, part, grain) ** 2 for grain in (GRAIN, SOFT_GRAIN)]
        for plane, part in ((like, where), (white, everywhere), (soft, everywhere))
    )
    short, left = coarse * white_fine - fine * white_coarse, fine * soft_coarse - coarse * soft_fine
    return white + soft * np.float32(np.sqrt(short / left)) if short > 0.0 and left > 0.0 else white


def _within(inner: Box, outer: Box) -> tuple[slice, slice]:
    top, left = inner.top - outer.top, inner.left - outer.left
    return slice(top, top + inner.height), slice(left, left + inner.width)


def _widened(finding: Finding, box: Box, room: Pair) -> np.ndarray:
    """A finding's mask with some room around, over a box that holds both."""
    mask = np.zeros((box.height, box.width), np.uint8)
    mask[_within(finding.box, box)] = finding.mask
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * room[1] + 1, 2 * room[0] + 1))
    return cv2.dilate(mask, around).astype(bool)


def _binned(plane: np.ndarray, step: Pair) -> np.ndarray:
    """Means over blocks of so many pixels; what is left over at the end is left out."""
    rows, columns = plane.shape[0] // step[0], plane.shape[1] // step[1]
    whole = np.asarray(plane[: rows * step[0], : columns * step[1]], np.float32)
    return whole if step == (1, 1) else cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)


def _blurred(image: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Gaussian, (row, column) sigma in pixels; the edge value goes on beyond the border."""
    row, column = (max(side, 0.3) for side in sigma)
    return cv2.GaussianBlur(image, (0, 0), sigmaX=column, sigmaY=row, borderType=cv2.BORDER_REPLICATE)
