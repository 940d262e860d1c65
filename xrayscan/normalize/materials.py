"""Dual energy: effective atomic number and kind of material, with their uncertainty.

At megavolts the two optical depths of a pixel differ by pair production alone, which grows with the atomic number. From carbon
to iron their ratio changes by 2 to 7 %, so noise, scatter and what is not known of the beam decide what can be said: each pixel
carries its own uncertainty, and where that is large the kind is "unknown". What lies behind each other is seen as one mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from xrayscan.errors import CalibrationError, ShapeError
from xrayscan.geometry import frozen_array
from xrayscan.scan import Radiograph

__all__ = ["KINDS", "MaterialMap", "find_materials"]

KINDS = ("unknown", "organic", "inorganic", "metal")
"""Kinds of material: index 1 is Z under 10, 2 under 18, 3 above, 0 what is not known."""

TABLE = Path(__file__).with_name("dual_energy.npz")
EDGES = (10.0, 18.0)
CERTAIN = 0.8  # probability that a kind needs
WIDEST = 12.0  # standard error of Z beyond which nothing is said
LEAST_DEPTH = 0.15  # optical depth under which both energies are air
NEIGHBORS = 2.0  # blur and cross-talk: so many neighboring pixels say the same
FLOOR = 2.5  # optical depth; no noise floor lies under it
LEAST_RATIO = 1.015  # of optical depths, low over high energy
GAIN = 0.003  # of the transmission: what normalization may leave
VEIL = 0.0005  # of the open beam: scattered rays that are left
_RATIOS, _DEPTHS = 512, 96


@dataclass(frozen=True, eq=False)
class MaterialMap:
    """What a dual-energy radiograph says of materials.

    Attributes
    ----------
    effective_number : ndarray of float32, shape (rows, columns)
        Atomic number of the element that would show the same ratio of optical depths, 6 to 30; NaN where not known.
    standard_error : ndarray of float32, shape (rows, columns)
        Of it: noise, and what is not known of the beam.
    kind : ndarray of uint8, shape (rows, columns)
        Index into `KINDS`.
    probability : ndarray of float32, shape (rows, columns)
        Of that kind, given the standard error; 0 where unknown.
    endpoints : (float, float) [MV]
        The beams it was computed for, high first.

    Raises
    ------
    ShapeError
    """

    effective_number: np.ndarray
    standard_error: np.ndarray
    kind: np.ndarray
    probability: np.ndarray
    endpoints: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("effective_number", "standard_error", "kind", "probability"):
            value = frozen_array(getattr(self, name), np.uint8 if name == "kind" else np.float32)
            if value.shape != np.shape(self.effective_number):
                raise ShapeError(f"{name} has shape {value.shape}; expected {np.shape(self.effective_number)}")
            object.__setattr__(self, name, value)

    def share(self, kind: str) -> float:
        """Share of a kind in all pixels, 0 to 1."""
        return float((self.kind == KINDS.index(kind)).mean())


def find_materials(radiograph: Radiograph, endpoints: tuple[float, float] | None = None, *, size: float = 0.025) -> MaterialMap:
    """Effective atomic number of a dual-energy radiograph, averaged over squares.

    The ratio of both optical depths is compared with that of pure elements behind the same beams, at the same optical depth,
    so that beam hardening is in. Its noise is measured around each pixel; the beam's filter and the detector's depth, which no
    scan tells, are taken as 1 cm of steel and 3 cm of CdWO4, and what half and double the steel, or 2 and 4 cm of crystal,
    would change is part of the standard error, as are 0.3 % of gain and 0.05 % of the open beam in scattered rays.

    Parameters
    ----------
    radiograph : Radiograph
        With two energies, high first.
    endpoints : (float, float) or None [MV]
        End-point energies; None takes the radiograph's own.
    size : float [m]
        Side of the squares; at least 3 pixels are taken.

    Returns
    -------
    MaterialMap

    Raises
    ------
    ShapeError
        If there is one energy only.
    CalibrationError
        If the end-point energies are not known, or not those of a pair of beams in the table.

    References
    ----------
    S. Ogorodnikov, V. Petrunin, Phys. Rev. ST Accel. Beams 5 (2002) 104701,
    https://doi.org/10.1103/PhysRevSTAB.5.104701
    """
    if not isinstance(radiograph, Radiograph):
        raise TypeError(f"find_materials was given a {type(radiograph).__name__}; pass a Radiograph: xs.normalize(scan)")
    if not 0.0 < size <= 1.0:
        raise ValueError(f"find_materials was asked for squares of {size:g} m; expected above 0, up to 1 m")
    if radiograph.optical_depth.shape[0] != 2:
        raise ShapeError(
            f"materials need a high and a low energy, the radiograph has {', '.join(radiograph.energies)}",
            expected=2,
            actual=radiograph.optical_depth.shape[0],
        )
    pair = _checked_endpoints(endpoints or radiograph.endpoints)
    pixels = [max(3, 2 * round(size / pitch / 2) + 1) for pitch in radiograph.pixel_pitch]
    known = radiograph.valid & ~radiograph.opaque & _measured(radiograph.optical_depth)
    high, low = (_mean(np.where(known, one, 0.0), known, pixels) for one in radiograph.optical_depth)
    ratio = np.divide(low, high, out=np.zeros_like(high), where=high > LEAST_DEPTH)
    noise = np.hypot(_ratio_error(radiograph.optical_depth, known, ratio, pixels), _systematic(high))
    noise /= np.maximum(high, LEAST_DEPTH)
    _check_ratio(ratio, known & (high > 0.3) & (high < 3.0))
    table = _lookup(pair)
    number, per_number, spread = (_look_up(one, high, ratio, table) for one in ("number", "slope", "spread"))
    error = np.hypot(noise, spread) / np.maximum(per_number, 1e-6)
    known &= (high > LEAST_DEPTH) & (error < WIDEST)
    kind, probability = _kinds(number, error, known)
    nothing = np.float32(np.nan)
    return MaterialMap(np.where(known, number, nothing), np.where(known, error, nothing), kind, probability, pair)


def _checked_endpoints(endpoints: tuple[float, ...] | None) -> tuple[float, float]:
    if not isinstance(endpoints, (tuple, list)) or len(endpoints) != 2:
        said = "the scan does not say them" if endpoints is None else f"{endpoints!r} is no pair of numbers"
        raise CalibrationError(
            f"materials need the end-point energies of both beams, and {said}; "
            "pass endpoints=(6.0, 4.0) [MV, high first], or write endpoints = [6.0, 4.0] into its sidecar"
        )
    high, low = float(endpoints[0]), float(endpoints[1])
    table = _table()
    share = table["share"]
    least, most = float(table["high"][0]), float(table["high"][-1])
    if not (least <= high <= most and share[0] - 0.03 <= low / high <= share[-1] + 0.03):
        raise CalibrationError(
            f"the end-point energies are {high:g} and {low:g} MV; materials are known for {least:g} to {most:g} MV and a low "
            f"energy of {share[0]:.0%} to {share[-1]:.0%} of the high one"
        )
    return high, low


def _check_ratio(ratio: np.ndarray, where: np.ndarray) -> None:
    middle = float(np.median(ratio[where])) if np.count_nonzero(where) >= 100 else 1.1
    if middle < LEAST_RATIO:
        raise CalibrationError(
            f"the low energy's optical depth is {middle:.2f} times that of the high energy; 1.04 or more is expected: are the "
            "energies in the wrong order, or twice the same? say energies=('low', 'high') when reading"
        )


def _measured(depth: np.ndarray) -> np.ndarray:
    """Where the low energy is above its own floor, which is the same for a whole row: there it is only a lower bound."""
    low = np.nan_to_num(depth[1], nan=np.inf)
    most = np.where(np.isfinite(low), low, -np.inf).max(axis=1, keepdims=True)
    return np.isfinite(low) & ((low < most) | (most < FLOOR))


def _mean(image: np.ndarray, known: np.ndarray, pixels: list[int]) -> np.ndarray:
    size = (pixels[1], pixels[0])
    weight = cv2.blur(known.astype(np.float32), size)
    return np.divide(cv2.blur(image.astype(np.float32), size), weight, out=np.zeros_like(weight), where=weight > 0.5)


def _ratio_error(depth: np.ndarray, known: np.ndarray, ratio: np.ndarray, pixels: list[int]) -> np.ndarray:
    """Standard error of the mean of τ_low − ratio·τ_high over a square: what is left when what both see alike is taken away."""
    rest = np.where(known, depth[1] - ratio * depth[0], 0.0).astype(np.float32)
    variance = _mean(rest**2, known, pixels) - _mean(rest, known, pixels) ** 2
    count = cv2.blur(known.astype(np.float32), (pixels[1], pixels[0])) * (pixels[0] * pixels[1] / NEIGHBORS)
    return np.sqrt(np.maximum(variance, 0.0) / np.maximum(count, 1.0))


def _systematic(depth: np.ndarray) -> np.ndarray:
    """Error of τ_low − ratio·τ_high that no averaging takes away: gains of both energies, and what is left of the veil."""
    return np.hypot(np.float32(np.sqrt(2.0) * GAIN), VEIL * np.exp(np.minimum(depth, 8.0)))


@cache
def _table() -> dict[str, np.ndarray]:
    with np.load(TABLE, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _between(axis: np.ndarray, value: float) -> tuple[int, float]:
    """Interval of an axis that holds a value, and the share of the way through it."""
    index = int(np.clip(np.searchsorted(axis, value) - 1, 0, axis.size - 2))
    return index, float(np.clip((value - axis[index]) / (axis[index + 1] - axis[index]), 0.0, 1.0))


@cache
def _lookup(pair: tuple[float, float]) -> dict[str, np.ndarray]:
    """Atomic number, its change of ratio for each unit, and the ratio's spread, over (optical depth, ratio)."""
    table = _table()
    i, p = _between(table["high"], pair[0])
    j, q = _between(table["share"], pair[1] / pair[0])
    ratio, spread = (
        (1 - p) * (1 - q) * t[i, j] + (1 - p) * q * t[i, j + 1] + p * (1 - q) * t[i + 1, j] + p * q * t[i + 1, j + 1]
        for t in (table["ratio"], table["spread"])
    )
    depths = np.linspace(table["depth"][0], table["depth"][-1], _DEPTHS)
    ratios = np.linspace(float(ratio.min()) - 0.02, float(ratio.max()) + 0.02, _RATIOS)
    fine = np.arange(6.0, 30.25, 0.25)
    made = {name: np.empty((_DEPTHS, _RATIOS), np.float32) for name in ("number", "slope", "spread")}
    for k, depth in enumerate(depths):
        line = np.array([np.interp(depth, table["depth"], one) for one in ratio])
        broad = np.array([np.interp(depth, table["depth"], one) for one in spread])
        # Under 1 in optical depth the heaviest elements are so strong in the soft part of the beam that the ratio rises again.
        falling = np.minimum.accumulate(np.interp(fine, table["number"], line))
        falling -= 1e-7 * np.arange(fine.size)
        made["number"][k] = np.interp(ratios, falling[::-1], fine[::-1])
        slope = -np.gradient(falling, fine)
        made["slope"][k] = np.interp(made["number"][k], fine, np.maximum(slope, 1e-6))
        made["spread"][k] = np.interp(made["number"][k], table["number"], broad)
    return {**made, "depths": depths, "ratios": ratios}


def _look_up(name: str, depth: np.ndarray, ratio: np.ndarray, table: dict[str, np.ndarray]) -> np.ndarray:
    depths, ratios = table["depths"], table["ratios"]
    row = ((depth - depths[0]) * ((_DEPTHS - 1) / (depths[-1] - depths[0]))).astype(np.float32)
    column = ((ratio - ratios[0]) * ((_RATIOS - 1) / (ratios[-1] - ratios[0]))).astype(np.float32)
    return cv2.remap(table[name], column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _kinds(number: np.ndarray, error: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Most probable kind where that is certain enough, and its probability, for a normal error."""
    below = [_normal((edge - number) / np.maximum(error, 1e-3)) for edge in EDGES]
    shares = np.stack([below[0], below[1] - below[0], 1.0 - below[1]])
    best = shares.argmax(axis=0)
    most = np.take_along_axis(shares, best[None], axis=0)[0]
    sure = known & (most >= CERTAIN)
    return np.where(sure, best + 1, 0).astype(np.uint8), np.where(sure, most, 0.0).astype(np.float32)


def _normal(x: np.ndarray) -> np.ndarray:
    """Cumulative normal distribution, by the logistic approximation of S.R. Bowling et al. (2009), good to 0.0002."""
    return 1.0 / (1.0 + np.exp(-np.clip(1.5976 * x + 0.07056 * x**3, -60.0, 60.0)))
