"""Whether a scan is good enough to be screened for people, with the physics behind each limit.

A scan is called too poor only where a person could not be seen even in the best case: most scans that pass are still hard.

=====================  ===================================================================================================
too few pixels         under 64 rows or columns there is no container and nothing to compare with
pitch over 20 mm       a head is 160 mm wide: under 8 pixels it has no shape
no matter in view      99 % of the picture lets more than 95 % through: the beam missed the vehicle, or it was shut
dead channels          over 10 % of all, or a gap of over 80 mm: half a head falls into it
valid under 80 %       a fifth of the picture holds no measurement
inspected under 20 %   four fifths of the load are opaque: whatever is found in the rest, the load was not seen
limb not visible       10 g/cm² (an arm or leg; trunks have 16 to 36) over 0.2 x 0.2 m does not reach five times noise and
                       stripes behind an optical depth of 2: two walls of 2 mm steel and about 45 g/cm² of goods, a light load
stripes over 5 %       10 % is what 2 g/cm² at a body's rim take away; a single stripe of half of that hides it
under 32 codes         neighboring codes are 3 % or more apart even in air, and most of a load lies in a few of them
=====================  ===================================================================================================

Blur is not among them, only noted: the sharpest edge of a scan may be soft in itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xrayscan.scan import Radiograph

__all__ = ["at_a_glance", "limb_depth", "longest_run", "problems_of"]

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


def problems_of(values: Mapping[str, float | None], shape: tuple[int, int], *, blank: bool) -> tuple[str, ...]:
    """Why an image is too poor to screen, in words; none if it is not.

    Parameters
    ----------
    values : mapping of str to float or None
        The figures of `Quality`, in its units; None is passed over.
    shape : (int, int)
        Rows and columns.
    blank : bool
        Whether there is no matter in view.

    Returns
    -------
    tuple of str
    """
    said = []
    if min(shape) < LEAST_SIDE:
        said.append(f"only {shape[0]} rows x {shape[1]} columns: under {LEAST_SIDE} there is nothing to compare with")
    if blank:
        said.append("no matter in view: 99 % of the picture lets more than 95 % of the beam through")
    for name, above, most, words in _MOST:
        value = values.get(name)
        if value is not None and (value > most if above else value < most):
            said.append(words.format(value))
    return tuple(said)


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
    alive: np.ndarray = np.asarray(radiograph.valid.any(axis=1))
    scanned = radiograph.valid[:, radiograph.valid.any(axis=0)]
    values: dict[str, float | None] = {
        "dead_share": 100.0 * float((~alive).mean()),
        "dead_run": 1e3 * radiograph.pixel_pitch[0] * longest_run(~alive),
        "valid_share": 100.0 * float(scanned.mean()) if scanned.size else 0.0,
    }
    if not any(step.name == "pixel pitch" and step.is_warning for step in radiograph.history):
        values |= {"pitch_row": 1e3 * radiograph.pixel_pitch[0], "pitch_column": 1e3 * radiograph.pixel_pitch[1]}
    depth = radiograph.optical_depth[0, ::2, ::2]
    seen = depth[np.isfinite(depth)]
    blank = seen.size > 0 and float((seen > AIR_DEPTH).mean()) < BLANK
    return problems_of(values, radiograph.shape, blank=blank)


def longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of True, shape (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


_MOST = (
    ("pitch_row", True, MOST_PITCH, "{:.1f} mm from row to row: a head has under 8 pixels"),
    ("pitch_column", True, MOST_PITCH, "{:.1f} mm from column to column: a head has under 8 pixels"),
    ("dead_share", True, MOST_DEAD, "{:.0f} % of the detector channels are dead or wrong"),
    ("dead_run", True, MOST_RUN, "a gap of {:.0f} mm of dead channels: half a head falls into it"),
    ("valid_share", False, LEAST_VALID, "only {:.0f} % of the picture hold a measurement"),
    ("inspected", False, LEAST_INSPECTED, "only {:.0f} % of the load were penetrated"),
    (
        "limb_depth",
        False,
        LEAST_LIMB_DEPTH,
        "so noisy or striped that an arm or leg (10 g/cm²) stands out only up to an optical depth of {:.1f}; "
        "a light load has 2",
    ),
    ("stripes_rows", True, MOST_STRIPES, "rows differ by {:.1f} % rms in air after normalization"),
    ("stripes_columns", True, MOST_STRIPES, "columns differ by {:.1f} % rms in air after normalization"),
    ("codes", False, LEAST_CODES, "only {:.0f} gray levels"),
)
