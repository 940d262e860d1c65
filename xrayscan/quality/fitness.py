"""Whether a scan is good enough to be screened for people, with the physics behind each limit.

A scan is called too poor only where a person could not be seen even in the best case: most scans that pass are still hard.

=====================  ===================================================================================================
too few pixels         under 64 rows or columns there is no container and nothing to compare with
pitch over 20 mm       a head is 160 mm wide: under 8 pixels it has no shape; an estimated pitch counts as the least that its
                       90 % interval allows, and one that no container told is not judged
no matter in view      99 % of the pixels let more than 95 % through: the beam missed the vehicle, or it was shut
dead channels          over 10 % of all, or a gap of over 80 mm: half a head falls into it
valid under 80 %       a fifth of the picture holds no measurement; columns at either end that were not scanned do not count
inspected under 20 %   four fifths of the load are opaque: whatever is found in the rest, the load was not seen
limb not visible       10 g/cm² (an arm or leg; trunks have 16 to 36) over 0.2 x 0.2 m does not reach five times noise and
                       stripes behind an optical depth of 2: two walls of 2 mm steel and about 45 g/cm² of goods, a light load
stripes over 5 %       10 % is what 2 g/cm² at a body's rim take away; a single stripe of half of that hides it
under 32 codes         neighboring codes are 3 % or more apart even in air, and most of a load lies in a few of them
=====================  ===================================================================================================

Blur is not among them, only noted: the sharpest edge of a scan may be soft in itself. A channel is dead where under a tenth of
its pixels hold a measurement. All but the last three are seen in a radiograph alone (`look_at`): ``xrayscan quality`` and
``xrayscan screen`` judge them by the same function. The last three need the scan as delivered and time; only the former looks
at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xrayscan.scan import Radiograph

__all__ = ["STOPPED", "Glance", "at_a_glance", "limb_depth", "longest_run", "look_at", "problems_of"]

STOPPED = "stopped"  # the step that says that a scan was screened in part only
LEAST_SIDE = 64
MOST_PITCH = 20.0
MOST_DETAIL = 40.0
MOST_DEAD = 10.0
MOST_RUN = 80.0
LEAST_VALID = 80.0
LEAST_INSPECTED = 20.0
LEAST_LIMB_DEPTH = 2.0
MOST_STRIPES = 5.0
LEAST_CODES = 32

AIR_DEPTH = 0.05
BLANK = 0.01
DEAD = 0.1
_LOOKED_AT = 1 << 19  # pixels

LIMB_CONTRAST = 0.30
LIMB_SIDE = 0.2
ROSE = 5.0


def limb_depth(
    air_noise: float, floor: float, stripes: tuple[float, float], pitch: tuple[float, float], block: int = 1
) -> float:
    """Optical depth behind which an arm or leg still stands out.

    10 g/cm² of tissue take away 43 % of a 6 MV beam in air and 30 % behind a dense load, which has hardened it; 30 % is used.
    Over 0.2 x 0.2 m, that is compared with an area of the same size beside it. Variance of a pixel: what is left in the dark
    (``floor``²) and photons, in proportion to T. Stripes go with T; over 0.2 m as many rows, and as many pulses, average out.

    Parameters
    ----------
    air_noise, floor : float
        Rms noise of a pixel in air and where nothing comes through, as a share of the open beam.
    stripes : (float, float)
        Rms of rows and of columns, as a share of T.
    pitch : (float, float) [m]
    block : int
        Columns of one pulse.

    Returns
    -------
    float
        0 where it would not stand out even in air; infinite without noise.

    References
    ----------
    A. Rose, Vision: Human and Electronic (1973): an area is seen from a signal to noise ratio of about 5.

    Examples
    --------
    >>> round(limb_depth(0.005, 1e-4, (0.001, 0.001), (0.005, 0.005)), 1)
    9.7
    >>> limb_depth(0.5, 0.5, (0.1, 0.1), (0.02, 0.02))
    0.0
    """
    down, across = (max(1.0, LIMB_SIDE / step) for step in pitch)
    dark = floor**2 / (down * across)
    photons = max(air_noise**2 - floor**2, 0.0) / (down * across)
    uneven = stripes[0] ** 2 / down + stripes[1] ** 2 / max(1.0, across / block)
    # (contrast T)² = 2 Rose² (dark + photons T + uneven T²), solved for T.
    square = LIMB_CONTRAST**2 / (2.0 * ROSE**2) - uneven
    if square <= 0.0:
        return 0.0
    least = (photons + np.sqrt(photons**2 + 4.0 * square * dark)) / (2.0 * square)
    return float(max(0.0, -np.log(least))) if least > 0.0 else float("inf")


@dataclass(frozen=True, eq=False)
class Glance:
    """What a radiograph alone shows of its worth: what `at_a_glance` and `xrayscan.quality.measure` both judge.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    pitch : (float, float) [mm]
        Of rows and columns.
    unsure : (float, float)
        Half the 90 % interval of both, as a share; 0 where the pitch is stated, infinite where it is a mere guess.
    dead : ndarray of bool, shape (rows in the picture,)
        Channels that give nothing that can be used; rows that are only a margin around the picture are no channels.
    scanned : int
        Columns from the first that holds a measurement to the last.
    valid : float [%]
        Pixels that hold one, among those columns.
    inspected : float [%]
        Of the load, what was penetrated.
    blank : bool
        Whether there is no matter in view.
    """

    shape: tuple[int, int]
    pitch: tuple[float, float]
    unsure: tuple[float, float]
    dead: np.ndarray
    scanned: int
    valid: float
    inspected: float
    blank: bool

    @property
    def estimated(self) -> bool:
        """Whether the pitch is not stated."""
        return max(self.unsure) > 0.0

    @property
    def dead_share(self) -> float:
        """Dead channels among all [%]."""
        return 100.0 * float(self.dead.mean())

    @property
    def run(self) -> int:
        """Channels of the highest gap."""
        return longest_run(self.dead)

    @property
    def gap(self) -> float:
        """Height of the highest gap of dead channels [mm]."""
        return self.run * self.pitch[0]


def look_at(radiograph: Radiograph, energy: int = 0) -> Glance:
    """What a radiograph alone shows of its worth.

    Parameters
    ----------
    radiograph : Radiograph
    energy : int
        Of the image in which matter is looked for.

    Returns
    -------
    Glance

    Examples
    --------
    >>> depth = np.ones((1, 100, 200), np.float32)
    >>> valid = np.ones((100, 200), bool)
    >>> valid[10:14] = False
    >>> glance = look_at(Radiograph(depth, valid, ~valid, (0.01, 0.01)))
    >>> glance.dead_share, glance.gap, glance.valid
    (4.0, 40.0, 96.0)
    """
    top, bottom = _margins(radiograph)
    valid = radiograph.valid[top : radiograph.shape[0] - bottom]
    measured = np.flatnonzero(valid.any(axis=0))
    # Columns at either end are padding; where nothing was measured in between, the beam was off.
    scanned = int(measured[-1] - measured[0]) + 1 if measured.size else 0
    in_row = np.count_nonzero(valid, axis=1) / max(scanned, 1)
    every = max(1, int(np.sqrt(valid.size / _LOOKED_AT)))
    few = radiograph.optical_depth[energy, ::every, ::every][radiograph.valid[::every, ::every]]
    return Glance(
        shape=radiograph.shape,
        pitch=(1e3 * radiograph.pixel_pitch[0], 1e3 * radiograph.pixel_pitch[1]),
        unsure=_unsure(radiograph),
        dead=np.asarray(in_row < DEAD),
        scanned=scanned,
        valid=100.0 * float(in_row.mean()),
        inspected=100.0 * radiograph.inspected,
        blank=few.size > 0 and float((few > AIR_DEPTH).mean()) < BLANK,
    )


def _margins(radiograph: Radiograph) -> tuple[int, int]:
    """Rows above and below that normalization found to be a margin around the picture; none where that is all of it."""
    for step in radiograph.history:
        if step.name == "margins":
            top, bottom = int(step.parameters["top"]), int(step.parameters["bottom"])
            return (top, bottom) if top + bottom < radiograph.shape[0] else (0, 0)
    return 0, 0


def _unsure(radiograph: Radiograph) -> tuple[float, float]:
    """How unsure the pitch is, as normalization says: only an estimate of both has the error of a column."""
    for step in radiograph.history:
        if step.name == "pixel pitch" and "column_error" in step.parameters:
            if not radiograph.containers:
                return float("inf"), float("inf")
            return float(step.parameters["row_error"]), float(step.parameters["column_error"])
    return 0.0, 0.0


def problems_of(glance: Glance, more: Mapping[str, float | None] | None = None) -> tuple[str, ...]:
    """Why an image is too poor to screen, in words; none if it is not.

    Parameters
    ----------
    glance : Glance
    more : mapping of str to float or None
        ``limb_depth``, ``stripes_rows``, ``stripes_columns``, ``codes`` of `Quality`, in its units, as far as measured.

    Returns
    -------
    tuple of str
    """
    said = []
    if min(glance.shape) < LEAST_SIDE:
        sides = " x ".join(
            f"{n} {axis}{'' if n == 1 else 's'}" for n, axis in zip(glance.shape, ("row", "column"), strict=True)
        )
        said.append(f"only {sides}: under {LEAST_SIDE} there is nothing to compare with")
    if glance.blank:
        said.append("no matter in view: 99 % of the picture lets more than 95 % of the beam through")
    said += [_coarse(glance, k, axis) for k, axis in enumerate(("row", "column")) if _least_pitch(glance, k) > MOST_PITCH]
    values = {
        **(more or {}),
        "dead_share": glance.dead_share,
        "dead_run": glance.gap,
        "valid_share": glance.valid,
        "inspected": glance.inspected,
    }
    for name, above, most, words in _MOST:
        value = values.get(name)
        if value is not None and (value > most if above else value < most):
            said.append(words.format(value))
    codes = values.get("codes")
    if codes is not None and codes < LEAST_CODES:
        said.append(f"only {codes:.0f} gray level{'' if codes == 1 else 's'}")
    return tuple(said)


def _least_pitch(glance: Glance, k: int) -> float:
    """The least that the pitch may be [mm]."""
    return glance.pitch[k] / (1.0 + glance.unsure[k])


def _coarse(glance: Glance, k: int, axis: str) -> str:
    said = f"{glance.pitch[k]:.1f} mm from {axis} to {axis}"
    if glance.unsure[k] == 0.0:
        return f"{said}: a head has under 8 pixels"
    within = f"estimated within {100 * glance.unsure[k]:.0f} %"
    return f"{said}, {within}: even if it is {_least_pitch(glance, k):.1f} mm a head has under 8 pixels"


def at_a_glance(radiograph: Radiograph) -> tuple[str, ...]:
    """Why a radiograph is too poor to screen, as far as that is seen without measuring noise and sharpness; none if it is not.

    What `xrayscan.quality.measure` looks at in a second of time, less what takes it: each screened scan is looked at so.

    Parameters
    ----------
    radiograph : Radiograph

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> clear = np.zeros((1, 80, 200), np.float32)
    >>> at_a_glance(Radiograph(clear, clear[0] == 0, clear[0] > 0, (0.01, 0.01)))
    ('no matter in view: 99 % of the picture lets more than 95 % of the beam through',)
    """
    stopped = any(step.name == STOPPED for step in radiograph.history)
    return (*(("it was screened in part only",) if stopped else ()), *problems_of(look_at(radiograph)))


def longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of True, shape (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


_MOST = (
    ("dead_share", True, MOST_DEAD, "{:.0f} % of the detector channels are dead or wrong"),
    ("dead_run", True, MOST_RUN, "a gap of {:.0f} mm of dead channels: half a head falls into it"),
    ("valid_share", False, LEAST_VALID, "only {:.0f} % of the picture holds a measurement"),
    ("inspected", False, LEAST_INSPECTED, "only {:.0f} % of the load was penetrated"),
    (
        "limb_depth",
        False,
        LEAST_LIMB_DEPTH,
        "so noisy or striped that an arm or leg (10 g/cm²) stands out only up to an optical depth of {:.1f}; "
        "a light load has 2",
    ),
    ("stripes_rows", True, MOST_STRIPES, "rows differ by {:.1f} % rms in air after normalization"),
    ("stripes_columns", True, MOST_STRIPES, "columns differ by {:.1f} % rms in air after normalization"),
)
