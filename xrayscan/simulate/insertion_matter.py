"""What an insertion adds to a scan's beam and takes out of it, at the scan's own scale and sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from xrayscan.errors import RecipeError
from xrayscan.normalize.beam import local_mean
from xrayscan.scan import Box, Radiograph
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.body import body_solids
from xrayscan.simulate.fan import Fan, Window
from xrayscan.simulate.insertion_plan import InsertionPlan
from xrayscan.simulate.insertion_site import END_WALL, cavity_of
from xrayscan.simulate.render import Hidden, render
from xrayscan.simulate.solid import box

__all__ = ["Base", "Matter", "base_of", "coarse", "ratios_of", "trace"]

LOAD_DEPTH = 2.3  # of a load that fills the container across [m]
WALL_MOST, FLOOR_DEPTH = 0.35, 0.65  # optical depth of empty walls at most, and of the floor beside them
_FAR = 1e3  # [m]
_FINE = 0.005  # [m] rays are no farther apart
_MOST_AREAL = 480.0  # [g/cm²]


@dataclass(frozen=True, eq=False)
class Matter:
    """What was traced, over the part of the scan that it touches.

    Attributes
    ----------
    window : Window
    fine : (int, int)
        Rays for each pixel, up and along.
    water, iron : ndarray, shape (fine rows, fine columns) [g/cm²]
        The persons'.
    share : ndarray, shape (fine rows, fine columns)
        Of the load's depth that all holes take, 0 to 1.
    added : tuple of ndarray, each of shape (rows, columns) [g/cm²]
        Each person's own.
    shares : tuple of ndarray, each of shape (rows, columns)
        Of the load's depth that each one's hole takes.
    """

    window: Window
    fine: tuple[int, int]
    water: np.ndarray
    iron: np.ndarray
    share: np.ndarray
    added: tuple[np.ndarray, ...]
    shares: tuple[np.ndarray, ...]


def trace(plan: InsertionPlan, shape: tuple[int, int]) -> Matter:
    """Trace the persons, and the part of a load's depth that their holes take.

    Parameters
    ----------
    plan : InsertionPlan
    shape : (int, int)
        Rows and columns of the scan.

    Returns
    -------
    Matter

    Raises
    ------
    RecipeError
        If nothing of them is in the scan.
    """
    things = [
        Hidden("person", person.body.posture, body_solids(person.body, person.at), cavity_of(person)) for person in plan.persons
    ]
    window = _window(plan, things, shape)
    fine = (_rays(plan.pitch[0]), _rays(plan.pitch[1]))
    rows = window.top + (np.arange(window.shape[0] * fine[0]) + 0.5) / fine[0] - 0.5
    columns = window.left + (np.arange(window.shape[1] * fine[1]) + 0.5) / fine[1] - 0.5
    fan = plan.fan(columns, rows)
    bodies = render(fan, [], [], [Hidden(thing.kind, thing.label, thing.solids) for thing in things])
    # A load of 1 g/cm³ across the container: what is taken of it [g/cm²] is the length of the hole [cm].
    block = box((-_FAR, -LOAD_DEPTH / 2, -_FAR), (_FAR, LOAD_DEPTH / 2, _FAR), "water", 1.0)
    holes = [
        thing if person.cavity else Hidden(thing.kind, thing.label) for person, thing in zip(plan.persons, things, strict=True)
    ]
    taken = render(fan, [], [block], holes)
    path = 100.0 * LOAD_DEPTH
    inside = _inside(plan, columns)
    shares = [inside * _over(fan, patch.window, patch.removed / path).clip(0.0, 1.0) for patch in taken.patches]
    share = np.clip(np.sum(shares, axis=0), 0.0, 1.0).astype(np.float32)
    added = tuple(coarse(_over(fan, patch.window, patch.added), fine) for patch in bodies.patches)
    return Matter(
        window, fine, bodies.water.numpy(), bodies.iron.numpy(), share, added, tuple(coarse(one, fine) for one in shares)
    )


def _inside(plan: InsertionPlan, columns: np.ndarray) -> np.ndarray:
    """1 where what is dense is load, 0 where it may be an end wall or a post, from which nothing is taken."""
    end = END_WALL / plan.pitch[1]
    return ((columns > plan.container[1] + end) & (columns < plan.container[3] - end)).astype(np.float32)


def _rays(pitch: float) -> int:
    """Rays for each pixel."""
    return int(np.clip(np.ceil(pitch / _FINE), 1, 6))


def _over(fan: Fan, window: Window, part: torch.Tensor) -> np.ndarray:
    """A part of the picture in its place, 0 elsewhere."""
    whole = np.zeros(fan.shape, np.float32)
    whole[window.slices] = part.numpy()
    return whole


def _window(plan: InsertionPlan, things: list[Hidden], shape: tuple[int, int]) -> Window:
    """The part of the scan that may change."""
    solids = [solid for thing in things for solid in (*thing.solids, *thing.hole)]
    center, reach = np.array([s.center for s in solids]), np.array([s.reach for s in solids])
    whole = plan.fan(np.arange(shape[1], dtype=float), np.arange(shape[0], dtype=float))
    places = whole.windows(center - reach, center + reach)
    places = places[(places[:, 0] < places[:, 2]) & (places[:, 1] < places[:, 3])]
    if len(places) == 0:
        raise RecipeError("none of the persons' pixels lies in the scan; this plan is of another scan")
    margin = int(np.ceil(4.0 * max(plan.spread))) + 2
    return Window(
        max(0, int(places[:, 0].min()) - margin), max(0, int(places[:, 1].min()) - margin),
        min(shape[0], int(places[:, 2].max()) + margin), min(shape[1], int(places[:, 3].max()) + margin),
    )  # fmt: skip


def coarse(image: np.ndarray, fine: tuple[int, int]) -> np.ndarray:
    """Mean over each pixel of the finer grid."""
    rows, columns = image.shape[0] // fine[0], image.shape[1] // fine[1]
    return image.reshape(rows, fine[0], columns, fine[1]).mean(axis=(1, 3), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Base:
    """What is there already, over the window.

    Attributes
    ----------
    load, wall : ndarray, shape (rows, columns) [g/cm²]
        The walls are iron.
    """

    load: np.ndarray
    wall: np.ndarray


def base_of(plan: InsertionPlan, radiograph: Radiograph, window: Window) -> Base:
    """The load in front of the persons, as water and iron that have the scan's optical depth at the scan's beam."""
    margin = 8
    grown = Box(window.top, window.left, window.bottom, window.right).grown(margin, radiograph.shape)
    depth, valid = radiograph.optical_depth[0][grown.slices], radiograph.valid[grown.slices]
    filled = np.where(valid, depth, np.float32(0.0))
    if not valid.all():
        filled = np.where(valid, filled, local_mean(filled, valid, 9))
    smooth = _denoised(np.ascontiguousarray(filled, np.float32))
    top, left = window.top - grown.top, window.left - grown.left
    smooth = smooth[top : top + window.shape[0], left : left + window.shape[1]].clip(0.0)
    wall = np.minimum(smooth, _wall(plan, radiograph)[window.top : window.bottom, None])
    beam = Beam(plan.beams[0])
    grid = torch.linspace(0.0, _MOST_AREAL, 1200)
    iron_only = optical_depth(beam, torch.zeros_like(grid), grid).numpy()
    iron = np.interp(wall, iron_only, grid.numpy()).astype(np.float32)
    level = float(np.median(iron))
    mixed = optical_depth(beam, (1.0 - plan.iron_share) * grid, level + plan.iron_share * grid).numpy()
    # The walls' own areal density differs from row to row; what is above them is counted from the common level.
    above = smooth - wall + mixed[0]
    load = np.interp(above, mixed, grid.numpy()).astype(np.float32)
    return Base(load, iron)


def _denoised(depth: np.ndarray) -> np.ndarray:
    """Optical depth without its noise: means where nothing but noise changes, medians of 5 x 5 at edges.

    What is computed from a pixel's depth must hardly know that pixel's own noise, or some of the noise would be taken out
    with it.
    """
    median = cv2.medianBlur(depth, 5)
    mean = cv2.blur(cv2.blur(median, (5, 5)), (5, 5))
    # Rms of the noise in a median of 25: 1.25 of that in their mean.
    rms = 1.25 * 1.25 / 5.0 * cv2.blur(np.abs(depth - median), (15, 15))
    edge = np.abs(median - mean) / np.maximum(3.0 * rms, 1e-4) - 1.0
    return mean + (median - mean) * edge.clip(0.0, 1.0)


def _wall(plan: InsertionPlan, radiograph: Radiograph) -> np.ndarray:
    """Optical depth of the empty container at each row: its emptiest columns, at most that of walls, and of the floor."""
    _, left, _, right = plan.container
    inside = radiograph.optical_depth[0][:, left:right]
    usable = np.where(radiograph.valid[:, left:right], inside, np.nan)[:, :: max(1, (right - left) // 400)]
    wall = np.full(radiograph.shape[0], WALL_MOST, np.float32)
    rows = np.flatnonzero(np.isfinite(usable).any(axis=1))
    wall[rows] = np.nanquantile(usable[rows], 0.05, axis=1)
    z = plan.top - (np.arange(radiograph.shape[0]) + 0.5) * plan.pitch[0]
    return np.minimum(wall, np.where(z > 0.0, WALL_MOST, WALL_MOST + FLOOR_DEPTH)).astype(np.float32)


def ratios_of(plan: InsertionPlan, matter: Matter, base: Base) -> list[np.ndarray]:
    """New signal over old for each energy, as sharp as the scan is, shape (rows, columns) of the window."""
    fine = matter.fine

    def spread(image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.repeat(np.repeat(image, fine[0], axis=0), fine[1], axis=1))

    load, wall = spread(base.load), spread(base.wall)
    left = load * (1.0 - torch.from_numpy(matter.share))
    water, iron = torch.from_numpy(matter.water), torch.from_numpy(matter.iron)
    ratios = []
    for endpoint in plan.beams:
        beam = Beam(endpoint)
        before = optical_depth(beam, (1.0 - plan.iron_share) * load, wall + plan.iron_share * load)
        after = optical_depth(beam, (1.0 - plan.iron_share) * left + water, wall + plan.iron_share * left + iron)
        ratio = coarse(torch.exp(before - after).numpy(), fine)
        ratios.append(_blurred(ratio, plan.spread))
    return ratios


def _blurred(ratio: np.ndarray, spread: tuple[float, float]) -> np.ndarray:
    """Spread out by what the scan's point spread is wider than a pixel."""
    row, column = (float(np.sqrt(max(s * s - 1.0 / 12.0, 0.0))) for s in spread)
    if max(row, column) < 0.15:
        return ratio
    size = tuple(2 * int(np.ceil(3.5 * s)) + 1 if s >= 0.15 else 1 for s in (column, row))
    return 1.0 + cv2.GaussianBlur(ratio - 1.0, size, max(column, 1e-3), sigmaY=max(row, 1e-3))
