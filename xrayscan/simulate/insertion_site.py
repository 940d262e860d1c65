"""Where in a real scan a body can be: the scanner's place, the container's floor, and the load, found in the scan itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.scan import Box, Radiograph, Step
from xrayscan.simulate.beam import ENDPOINTS
from xrayscan.simulate.body import Body, body_size, check_posture, draw_body
from xrayscan.simulate.solid import Solid, box, sack

__all__ = ["Placed", "Site", "Wishes", "cavity_of", "draw_places", "find_site"]

Rng = np.random.Generator

DISTANCES = (3.2, 8.2)  # source to the middle of the load [m]: 2 to 7 m off the near wall
HEIGHTS = (-0.4, 1.0)  # source above the container's floor [m]
HALF_WIDTH = 1.219  # of a container, ISO 668 [m]
RAIL = 0.15  # floor above the lower edge of the bottom rail [m]
ROOF = 0.10  # roof and its rail [m]
SIDE = 1.15  # inside half width [m]
ROOF_DEPTH = 0.3  # optical depth that a slanted look through the roof adds at most
LOAD_DEPTH_LEAST = 0.15  # optical depth above the walls' from which there is load
GAP = 0.12  # of no load, from which what is above does not carry [m]
END_WALL = 0.4  # that end walls and corner posts take up of the length [m]
SUPPORT = 0.8  # share of its length on which a body has to lie
LEAST_PIXELS = 24  # of a container's height
LEAST_CELL = 0.1  # [m] largest pixel in which a body can be told
OPAQUE_MOST = 0.35  # share of a body's place that may be opaque
OPAQUE_HARDLY = 0.05  # and beside a gap
TRIES = 80


@dataclass(frozen=True)
class Wishes:
    """What of an insertion is not left to the seed.

    Attributes
    ----------
    persons : int
    posture : str or None
    x, z : float or None [m]
        Of the body's middle from the container's left end, and of its lowest point above the floor.
    beams : tuple of float [MV]
        Endpoint of each energy, high first; empty: 6, and 4 for a low energy.
    source_distance, source_height : float or None [m]
        From the source to the middle of the load, and above the container's floor.
    hole : bool
        Whether load is taken away for a body within it.
    iron_share : float
        Of the load, by areal density, that attenuates as iron, 0 to 1.
    """

    persons: int = 1
    posture: str | None = None
    x: float | None = None
    z: float | None = None
    beams: tuple[float, ...] = ()
    source_distance: float | None = None
    source_height: float | None = None
    hole: bool = True
    iron_share: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.persons <= 20:
            raise RecipeError(f"{self.persons} persons asked for; expected 1 to 20")
        if not 0.0 <= self.iron_share <= 1.0:
            raise RecipeError(f"the load's share of iron is {self.iron_share:g}; expected 0 to 1")
        if self.posture is not None:
            check_posture(self.posture)
        if not all(ENDPOINTS[0] <= beam <= ENDPOINTS[1] for beam in self.beams) or len(self.beams) > 2:
            raise RecipeError(
                f"the beams are {', '.join(f'{beam:g}' for beam in self.beams)} MV; expected one or two end points of "
                f"{ENDPOINTS[0]:g} to {ENDPOINTS[1]:g} MV, high first"
            )
        if self.source_distance is not None and not 2.0 <= self.source_distance <= 60.0:
            raise RecipeError(
                f"the source's distance is {self.source_distance:g} m; expected 2 to 60 m, "
                "from the source to the middle of the load"
            )
        if self.source_height is not None and not -3.0 <= self.source_height <= 10.0:
            raise RecipeError(
                f"the source's height is {self.source_height:g} m; expected -3 to 10 m above the container's floor"
            )


@dataclass(frozen=True)
class Placed:
    """A body and where it is.

    Attributes
    ----------
    body : Body
    at : (float, float, float) [m]
        Of its middle along and across, and of its lowest point above the floor.
    place : {"floor", "on load", "within load", "doors", "given"}
    cavity : {"", "body", "box", "rounded"}
        What is taken out of the load: nothing, the body's own volume, or that of a gap around it.
    margin : float [m]
        Of that gap.
    """

    body: Body
    at: tuple[float, float, float]
    place: str
    cavity: str = ""
    margin: float = 0.0


@dataclass(frozen=True, eq=False)
class Site:
    """A container in a scan.

    Attributes
    ----------
    box : Box
    source : (float, float) [m]
        Distance to the middle of the load, height above the floor.
    source_from : str
        See `InsertionPlan`.
    pitch : (float, float) [m]
    top, left, rise : float
        See `InsertionPlan`.
    length, ceiling : float [m]
        Inside.
    load_top : ndarray, shape (columns of the box,) [m]
        How high the load reaches; 0 where there is none.
    opaque : ndarray of bool, shape (rows, columns)
    warnings : tuple of str
    """

    box: Box
    source: tuple[float, float]
    source_from: str
    pitch: tuple[float, float]
    top: float
    left: float
    rise: float
    length: float
    ceiling: float
    load_top: np.ndarray
    opaque: np.ndarray
    warnings: tuple[str, ...]

    def columns(self, x0: float, x1: float) -> slice:
        """Columns of the box between two places [m]."""
        first = int(np.clip(x0 / self.pitch[1], 0, self.box.width - 1))
        return slice(first, int(np.clip(np.ceil(x1 / self.pitch[1]), first + 1, self.box.width)))

    def row(self, z: float) -> int:
        """Row on which a height in the middle of the load is seen, in the middle of the container."""
        return int(np.clip((self.top - z) / self.pitch[0], 0, self.opaque.shape[0] - 1))


def find_site(rng: Rng, radiograph: Radiograph, wishes: Wishes) -> Site:
    """Find a container, and where the scanner stands to it.

    Parameters
    ----------
    rng : Generator
    radiograph : Radiograph
    wishes : Wishes

    Returns
    -------
    Site

    Raises
    ------
    RecipeError
        If there is no container in view, or it is too small.
    """
    if not radiograph.containers:
        raise RecipeError(
            "no container was found in the scan, so neither its floor nor its scale is known; "
            "give a scan with a whole container in view and air around it"
        )
    container = radiograph.containers[int(rng.integers(len(radiograph.containers)))]
    if container.height < LEAST_PIXELS or max(radiograph.pixel_pitch) > LEAST_CELL:
        raise RecipeError(
            f"the scan is too small: its container is {container.height} pixels high, a pixel is "
            f"{max(radiograph.pixel_pitch) * 1e3:.0f} mm; expected {LEAST_PIXELS} pixels or more, of "
            f"{LEAST_CELL * 1e3:.0f} mm or less"
        )
    slope = _slope(radiograph, container)
    rise = 0.5 * abs(slope) * container.width
    edges = (container.top + rise, container.bottom - rise)
    step = next((s for s in radiograph.history if s.name == "pixel pitch"), Step("pixel pitch"))
    # A height that is not known is not a number.
    tall = float(np.nan_to_num(step.parameters.get("height", 0.0)))
    source, known, warnings = _source(rng, radiograph, wishes, (container, slope), tall)
    row = _row_pitch(source, edges, tall) if tall else radiograph.pixel_pitch[0]
    low = _seen(source, -RAIL, -HALF_WIDTH if source[1] > -RAIL else HALF_WIDTH)
    top = low + edges[1] * row
    height = tall or (edges[1] - edges[0]) * row * (source[0] - HALF_WIDTH) / source[0]
    site = Site(
        box=container,
        source=source,
        source_from=known,
        pitch=(row, radiograph.pixel_pitch[1]),
        top=top,
        left=-container.left * radiograph.pixel_pitch[1],
        rise=slope * row * (source[0] - HALF_WIDTH) / source[0],
        length=container.width * radiograph.pixel_pitch[1],
        ceiling=height - RAIL - ROOF,
        load_top=np.zeros(container.width),
        opaque=radiograph.opaque,
        warnings=warnings,
    )
    return replace(site, load_top=_load_top(radiograph, site, slope))


def _seen(source: tuple[float, float], z: float, y: float) -> float:
    """Height in the middle of the load at which a point is seen [m]."""
    distance, height = source
    return height + (z - height) * distance / (distance + y)


def _row_pitch(source: tuple[float, float], edges: tuple[float, float], tall: float) -> float:
    """Row pitch in the middle of the load of a container of known height [m]."""
    low = _seen(source, -RAIL, -HALF_WIDTH if source[1] > -RAIL else HALF_WIDTH)
    return (_seen(source, tall - RAIL, -HALF_WIDTH) - low) / (edges[1] - edges[0])


def _slope(radiograph: Radiograph, container: Box) -> float:
    """Rows by which the roof falls from column to column: a line through the first rows with matter, outliers left out."""
    reach = max(4, container.height // 8)
    top = max(0, container.top - 2)
    strip = np.nan_to_num(radiograph.optical_depth[0][top : container.top + reach, container.left : container.right])
    edge = 0.04 + 0.25 * float(np.quantile(strip, 0.5))
    margin = container.width // 20
    first = np.where((strip > edge).any(axis=0), (strip > edge).argmax(axis=0), -1)[margin : container.width - margin]
    columns = np.flatnonzero(first > 0)
    if columns.size < 32:
        return 0.0
    rows, keep, slope = first[columns].astype(float), np.ones(columns.size, bool), 0.0
    for limit in (reach / 2, 4.0, 2.0):
        slope, start = np.polyfit(columns[keep], rows[keep], 1)
        keep = np.abs(rows - slope * columns - start) <= limit
        if keep.sum() < 32:
            return 0.0
    return float(slope) if abs(slope) < 0.06 else 0.0


def _source(
    rng: Rng, radiograph: Radiograph, wishes: Wishes, container: tuple[Box, float], tall: float
) -> tuple[tuple[float, float], str, tuple[str, ...]]:
    """The source's distance and height [m], and how they are known."""
    # Always drawn, so that a wish changes nothing else that the seed says.
    distance, height = float(rng.uniform(*DISTANCES)), float(rng.uniform(*HEIGHTS))
    known, warnings = "drawn", []
    seen = _from_rails(radiograph, *container, tall)
    if wishes.source_distance is not None:
        distance, known = wishes.source_distance, "given"
    elif seen is not None:
        (distance, height), known = seen, "rails"
    elif not tall:
        found = _from_pitch(radiograph, container[0])
        if found:
            distance, known = found[int(rng.integers(len(found)))], "pitch"
    if wishes.source_height is not None:
        height = wishes.source_height
    elif known != "rails":
        warnings.append(f"the source's height above the floor is not known: {height:.2f} m drawn")
    if known == "drawn":
        warnings.append(f"the source's distance from the middle of the load is not known: {distance:.2f} m drawn")
    elif known == "pitch":
        warnings.append(f"the source's distance was computed from pitch and container: {distance:.2f} m, roughly")
    return (distance, height), known, tuple(warnings)


def _from_pitch(radiograph: Radiograph, container: Box) -> list[float]:
    """Distances at which a stated pitch and an ISO height agree: near walls are seen larger than the middle of the load."""
    found = []
    for tall in (2.591, 2.896):
        larger = container.height * radiograph.pixel_pitch[0] / tall
        if larger > 1.0:
            distance = HALF_WIDTH * larger / (larger - 1.0)
            if DISTANCES[0] <= distance <= DISTANCES[1]:
                found.append(distance)
    return found


def _from_rails(radiograph: Radiograph, container: Box, slope: float, tall: float) -> tuple[float, float] | None:
    """The source's place from the four edges of an empty container: near and far roof rail, near and far end of the floor.

    The far roof rail is a line that is darker than the rows about it over the container's length, in the upper part; below it
    the rays pass two walls only. The far end of the floor is where the dark band at the bottom begins. None where either is
    not seen, which is so in most loaded containers.
    """
    tall = tall or 2.591
    level = _level(radiograph, container, slope)
    rows = level.shape[0]
    line, sure = np.nanmedian(level, axis=1), np.nanquantile(level, 0.25, axis=1)
    few = max(2, rows // 120)
    upper = np.arange(int(0.06 * rows), int(0.48 * rows))
    beside = np.maximum(sure[np.maximum(upper - 3 * few, 0)], sure[upper + 3 * few])
    peak = sure[upper] - beside
    best = int(np.argmax(peak))
    above, below = line[int(0.03 * rows) : upper[best] - 2 * few], line[upper[best] + 2 * few : int(0.6 * rows)]
    if peak[best] < 0.02 or above.size < few or np.median(above) <= np.median(below) + 0.005 or np.median(below) > 0.35:
        return None
    wall = float(np.median(below))
    dense = np.flatnonzero(sure[int(0.6 * rows) :] > wall + 0.25)
    if dense.size == 0 or dense[0] < few:
        return None
    rise = abs(slope) * container.width / 2.0
    return _solved(rise, rows - rise, float(upper[best]), float(int(0.6 * rows) + dense[0]), tall)


def _solved(near_top: float, near_low: float, far_top: float, far_low: float, tall: float) -> tuple[float, float] | None:
    """Distance and height [m] of the source that sees the edges on these rows."""
    roof, rail = tall - RAIL, tall - RAIL - 0.04
    near, far = (near_low - near_top) / tall, (far_low - far_top) / rail
    if far <= 0 or near <= far:
        return None
    distance = HALF_WIDTH * (near + far) / (near - far)
    scale = near * (distance - HALF_WIDTH)
    at_near, at_far = scale / (distance - HALF_WIDTH), scale / (distance + HALF_WIDTH)
    height = (at_near * roof - at_far * rail - (far_top - near_top)) / (at_near - at_far)
    return (distance, height) if 2.4 <= distance <= 10.0 and -1.0 <= height <= 1.6 else None


def _level(radiograph: Radiograph, container: Box, slope: float) -> np.ndarray:
    """Optical depth within a container's box, tilt taken out, every n-th column; NaN where not valid."""
    margin = container.width // 12
    columns = np.arange(container.left + margin, container.right - margin, max(1, container.width // 300))
    middle = 0.5 * (container.left + container.right)
    shift = np.rint(slope * (columns - middle)).astype(int)
    rows = np.arange(container.top, container.bottom)[:, None] + shift[None]
    level = radiograph.optical_depth[0][rows.clip(0, radiograph.shape[0] - 1), columns[None]]
    known = np.flatnonzero(np.isfinite(level).any(axis=1))
    if known.size == 0:
        return np.zeros_like(level)
    nearest = known[np.abs(np.arange(level.shape[0])[:, None] - known[None]).argmin(axis=1)]
    return level[nearest]


def _load_top(radiograph: Radiograph, site: Site, slope: float) -> np.ndarray:
    """Height [m] to which the load reaches at each column of the box, without a gap in it."""
    container = site.box
    columns = np.arange(container.left, container.right)
    shift = np.rint(slope * (columns - 0.5 * (container.left + container.right))).astype(int)
    upper = site.row(_seen(site.source, site.ceiling, -HALF_WIDTH if site.ceiling > site.source[1] else HALF_WIDTH))
    lower = max(upper + 8, site.row(max(0.06, _seen(site.source, 0.06, HALF_WIDTH), _seen(site.source, 0.06, -HALF_WIDTH))))
    rows = np.arange(upper, lower)[:, None] + shift[None]
    depth = radiograph.optical_depth[0][rows.clip(0, radiograph.shape[0] - 1), columns[None]]
    finite = np.where(np.isfinite(depth), depth, np.nan)
    walls = float(np.clip(np.nanquantile(finite[:, :: max(1, columns.size // 300)], 0.05), 0.0, 0.35))
    load = (np.nan_to_num(finite, nan=0.0) > _empty(finite, walls) + LOAD_DEPTH_LEAST)[::-1]
    reached = _unbroken(load, max(2, round(GAP / site.pitch[0])))
    floor = site.top - (lower + 0.5) * site.pitch[0]
    seen = floor + reached * site.pitch[0]
    height, distance = site.source[1], site.source[0]
    # From below the near edge of a load is what is seen of its top, from above the far edge.
    across = np.where(seen > height, -SIDE, SIDE)
    true = height + (seen - height) * (distance + across) / distance
    return _without_ends(np.where(reached > 0, true.clip(0.0), 0.0), site)


def _unbroken(load: np.ndarray, gap: int) -> np.ndarray:
    """Rows from the first up to where a gap of so many begins, shape (columns,)."""
    clean = cv2.medianBlur(load.astype(np.uint8), 5)
    total = np.cumsum(np.pad(clean, ((1, gap), (0, 0))), axis=0, dtype=np.int32)
    free = total[gap:] == total[:-gap]
    return np.where(free.any(axis=0), free.argmax(axis=0), load.shape[0])


def _empty(depth: np.ndarray, walls: float) -> np.ndarray:
    """Optical depth of the empty container at each row, shape (rows, 1): in the upper half its roof may be seen from below."""
    known = np.isfinite(depth).any(axis=1)
    empty = np.full(depth.shape[0], walls)
    upper = known & (np.arange(depth.shape[0]) < depth.shape[0] // 2)
    if upper.any():
        empty[upper] = np.clip(np.nanquantile(depth[upper], 0.1, axis=1), walls, walls + ROOF_DEPTH)
    return empty[:, None]


def _without_ends(tops: np.ndarray, site: Site) -> np.ndarray:
    """Heights of the load without the end walls and posts, which are seen edge-on, and without what is narrower than 0.1 m."""
    end = min(tops.size // 8, max(1, round(END_WALL / site.pitch[1])))
    inner = tops[end : tops.size - end]
    half = max(1, round(0.1 / site.pitch[1]))
    padded = np.pad(inner, half, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    return np.pad(smooth, end, mode="edge")


def cavity_of(person: Placed) -> tuple[Solid, ...]:
    """What is taken out of the load for a body beside its own volume."""
    if person.cavity in ("", "body"):
        return ()
    size, (x, y, z), gap = body_size(person.body), person.at, person.margin
    lower = (x - size[0] / 2 - gap, y - size[1] / 2 - gap, z)
    upper = (x + size[0] / 2 + gap, y + size[1] / 2 + gap, z + size[2] + gap)
    if person.cavity == "box":
        return (box(lower, upper, "water", 0.0),)
    center = tuple((a + b) / 2 for a, b in zip(lower, upper, strict=True))
    half = tuple((b - a) / 2 for a, b in zip(lower, upper, strict=True))
    return (sack(center, half, "water", 0.0),)  # type: ignore[arg-type]


def draw_places(rng: Rng, site: Site, wishes: Wishes) -> tuple[Placed, ...]:
    """Draw bodies, and places in which they fit and do not meet.

    Parameters
    ----------
    rng : Generator
    site : Site
    wishes : Wishes

    Returns
    -------
    tuple of Placed

    Raises
    ------
    RecipeError
        If no place was found; says what is in the way.
    """
    placed: list[Placed] = []
    for number in range(wishes.persons):
        reason = ""
        for _ in range(TRIES):
            body = draw_body(rng, wishes.posture)
            found = _place(rng, site, wishes, body)
            if isinstance(found, str):
                reason = found
            elif any(_meet(found, other) for other in placed):
                reason = "it would meet another one"
            else:
                placed.append(found)
                break
        else:
            raise RecipeError(
                f"person {number + 1} of {wishes.persons} does not fit into the container, which is {site.length:.1f} m long "
                f"and {site.ceiling:.2f} m high inside: {reason}; try another posture, another place, or fewer persons"
            )
    return tuple(placed)


def _place(rng: Rng, site: Site, wishes: Wishes, body: Body) -> Placed | str:
    """A place for one body, or why there is none."""
    length, depth, height = body_size(body)
    what = f"a {body.posture} body is {length:.2f} m long, {depth:.2f} m deep and {height:.2f} m high"
    near, far = length / 2 + 0.06, site.length - length / 2 - 0.06
    if depth / 2 > SIDE or height > site.ceiling or near > far:
        return what
    y = float(rng.uniform(depth / 2 - SIDE, SIDE - depth / 2))
    if wishes.x is not None and not near <= wishes.x <= far:
        return f"{what}, so its middle has to be {near:.2f} to {far:.2f} m from the left end, not {wishes.x:g} m"
    if wishes.z is not None and not 0.0 <= wishes.z <= site.ceiling - height:
        return f"{what}, so it has to lie 0 to {site.ceiling - height:.2f} m above the floor, not {wishes.z:g} m"
    if wishes.x is not None:
        x = wishes.x
    elif rng.random() < 0.25:
        # In the gap at one of the ends, where the doors are or the load was begun.
        x = float(rng.uniform(near, min(far, near + 0.3)))
        x = site.length - x if rng.random() < 0.7 else x
    else:
        x = float(rng.uniform(near, far))
    tops = site.load_top[site.columns(x - length / 2, x + length / 2)]
    z, place = _level_of(rng, site, wishes, (x, length, height), tops)
    if not place:
        return f"{what}, and at {x:.1f} m from the left end is neither room above the load nor load around it"
    if place == "on load" and float((tops > z - 0.1).mean()) < SUPPORT:
        return f"the load at {x:.1f} m from the left end is not even enough to carry it"
    if z + height > site.ceiling:
        return f"{what}, and {site.ceiling - z:.2f} m are free above the load at {x:.1f} m"
    opaque = _opaque_share(site, x, length, z, height)
    if wishes.z is None and opaque > OPAQUE_MOST:
        return f"the load at {x:.1f} m from the left end is opaque, so that nothing would be seen of it"
    cavity, margin = str(rng.choice(["body", "box", "rounded"])), float(rng.uniform(0.01, 0.10))
    if not wishes.hole or place in ("floor", "on load"):
        cavity, margin = "", 0.0
    elif opaque > OPAQUE_HARDLY:
        # Of what is not penetrated nobody knows how much a gap would brighten it.
        cavity = "body"
    return Placed(body, (x, y, z), place, cavity, 0.0 if cavity == "body" else margin)


def _level_of(rng: Rng, site: Site, wishes: Wishes, extent: tuple[float, float, float], tops: np.ndarray) -> tuple[float, str]:
    """How high above the floor a body is, and what that place is called."""
    x, length, height = extent
    low, high = float(np.quantile(tops, 0.1)), float(np.quantile(tops, 0.95))
    chance = float(rng.random())
    up = float(rng.uniform(0.0, max(0.0, low - height)))
    if wishes.z is not None:
        return wishes.z, "given"
    if high < 0.15:
        at_end = x - length / 2 < 0.5 or site.length - x - length / 2 < 0.5
        return 0.0, "doors" if at_end else "floor"
    fits_within = low > 0.9 * height
    fits_above = high + height < site.ceiling
    if fits_within and (not fits_above or chance < 0.65):
        return (up if chance < 0.3 else 0.0), "within load"
    if fits_above:
        return high, "on load"
    return 0.0, "within load" if fits_within or wishes.x is not None else ""


def _opaque_share(site: Site, x: float, length: float, z: float, height: float) -> float:
    columns = site.columns(x - length / 2, x + length / 2)
    rows = slice(site.row(z + height), site.row(z) + 1)
    part = site.opaque[rows, site.box.left + columns.start : site.box.left + columns.stop]
    return float(part.mean()) if part.size else 1.0


def _meet(one: Placed, other: Placed) -> bool:
    """Whether two bodies' upright boxes have more than a little in common."""
    common = 1.0
    for axis in range(3):
        (low, high), (first, last) = ((_span(p, axis)) for p in (one, other))
        shared = min(high, last) - max(low, first)
        if shared <= 0.03:
            return False
        common *= shared
    return common > 0.0


def _span(person: Placed, axis: int) -> tuple[float, float]:
    half = body_size(person.body)[axis] / 2
    start = person.at[axis] - (0.0 if axis == 2 else half)
    return start, start + 2 * half
