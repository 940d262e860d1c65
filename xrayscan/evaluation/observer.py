"""The ideal observer: what photon noise alone would let anybody see, had they known the load and the body to the pixel.

It knows the mean of every pixel without the person and with, and where the person would be; only the photons' noise is between
it and the answer. No detector of unknown people in unknown loads can do better, so its curve is the physical limit beside ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import torch

from xrayscan.errors import ShapeError
from xrayscan.simulate.beam import Beam, optical_depth
from xrayscan.simulate.detector import SWANK, blurred, veil
from xrayscan.simulate.material import basis
from xrayscan.simulate.scanner import Scanner

__all__ = ["chance", "detectability", "expected", "limit", "photon_variance", "photons"]

NORMAL = NormalDist()


def photons(scanner: Scanner, pitch: tuple[float, float]) -> np.ndarray:
    """Photons that a pixel detects in the open beam, shape (energies,).

    Parameters
    ----------
    scanner : Scanner
    pitch : (float, float) [m]
        Row and column pitch in the middle of the load.

    Examples
    --------
    >>> photons(Scanner(endpoints=(6.0, 4.0)), (0.0047, 0.0047)).round()
    array([200000., 120000.])
    """
    geometry = scanner.geometry
    one = scanner.pulses.quanta * pitch[0] * pitch[1] / (geometry.detector_pitch * geometry.column_pitch)
    return one * np.array([1.0, scanner.pulses.low_level])[: len(scanner.endpoints)]


def expected(
    scanner: Scanner, water: torch.Tensor, iron: torch.Tensor, pitch: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean signals behind a load as shares of the open beam: what comes straight through, and the veil of scatter over it.

    Parameters
    ----------
    scanner : Scanner
    water, iron : Tensor, shape (rows, columns) [g/cm²]
        As `xrayscan.simulate.render.render` gives them.
    pitch : (float, float) [m]

    Returns
    -------
    through, scattered : ndarray of float32, shape (energies, rows, columns)
    """
    share = np.float32(1.0 / (1.0 + scanner.scatter.share + scanner.scatter.leak))
    planes = []
    for endpoint in scanner.endpoints:
        beam = Beam(endpoint, scanner.filter_iron, scanner.detector.crystal_depth)
        through = torch.exp(-optical_depth(beam, water, iron).clamp(min=0.0)).numpy(force=True)
        through = blurred(through, pitch, scanner.detector.blur_row, scanner.detector.blur_column)
        planes.append((through * share, veil(through, scanner.scatter, pitch[0]) * share))
    return np.stack([plane[0] for plane in planes]), np.stack([plane[1] for plane in planes])


def detectability(without: np.ndarray, holding: np.ndarray, variance: np.ndarray) -> float:
    """d′ of a matched filter for a known signal on a known background in noise that is independent from pixel to pixel.

    d′² = Σ (Δ signal)² / variance, over all pixels and energies.

    Parameters
    ----------
    without, holding : ndarray, any equal shape
        Mean signals without and with what is looked for.
    variance : ndarray, same shape
        Of the noise, in the signals' unit squared.

    Returns
    -------
    float

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    H.H. Barrett, K.J. Myers, Foundations of Image Science (2004), chapter 13: the prewhitening matched filter.
    ICRU Report 54 (1996): statistical decision theory for the quality of images.

    Examples
    --------
    >>> detectability(np.full(100, 10.0), np.full(100, 9.0), np.full(100, 4.0))
    5.0
    """
    if not without.shape == holding.shape == variance.shape:
        raise ShapeError(
            f"detectability of signals of shape {without.shape} and {holding.shape} with a variance of shape {variance.shape}; "
            "expected three arrays of one shape",
            expected=without.shape,
            actual=holding.shape if holding.shape != without.shape else variance.shape,
        )
    change = holding.astype(np.float64) - without
    return float(np.sqrt((change**2 / np.maximum(variance, 1e-30)).sum()))


def photon_variance(signal: np.ndarray, open_beam: np.ndarray) -> np.ndarray:
    """Variance of a signal by its photons alone, counting times Swank's factor of an energy-integrating detector.

    Parameters
    ----------
    signal : ndarray, shape (energies, rows, columns)
        Mean, as a share of the open beam.
    open_beam : ndarray, shape (energies,)
        Photons detected in the open beam, as `photons` says.

    Returns
    -------
    ndarray, shape as ``signal``

    References
    ----------
    R.K. Swank, J. Appl. Phys. 44 (1973) 4199, https://doi.org/10.1063/1.1662918
    """
    return SWANK * signal.astype(np.float64) / np.asarray(open_beam, np.float64)[:, None, None]


def chance(d_prime: np.ndarray | float, false_alarms: float = 0.01, places: int = 1) -> np.ndarray:
    """Probability that the ideal observer finds what has this d′: Φ(d′ − Φ⁻¹(1 − false alarms)).

    The test statistic is a sum over thousands of pixels and so normal, of unit variance with and without the person, also where
    a pixel sees few photons.

    Parameters
    ----------
    d_prime : ndarray or float
    false_alarms : float
        Share of scans without anything that are alarmed.
    places : int
        Independent places of a scan at which it looks; 1: it knows where. The rate is shared out among them.

    Returns
    -------
    ndarray, shape as ``d_prime``

    Examples
    --------
    >>> chance(np.array([0.0, 2.326, 5.0])).round(3)
    array([0.01 , 0.5  , 0.996])
    """
    each = 1.0 - (1.0 - false_alarms) ** (1.0 / places)
    hurdle = NORMAL.inv_cdf(1.0 - each)
    return np.vectorize(lambda d: NORMAL.cdf(d - hurdle), otypes=[float])(d_prime)


def limit(scanner: Scanner, added: np.ndarray, goods: str, loads: Sequence[float], pitch: tuple[float, float]) -> np.ndarray:
    """d′ of a person behind even layers of goods, photon noise only, shape (loads,).

    Parameters
    ----------
    scanner : Scanner
    added : ndarray, shape (rows, columns) [g/cm²]
        The person's own areal density, taken as soft tissue.
    goods : str
        A material of `xrayscan.simulate.material.MATERIALS`.
    loads : sequence of float [g/cm²]
        Areal densities of the goods; the beam's tables end at 500 together with the person.
    pitch : (float, float) [m]

    Returns
    -------
    ndarray

    Examples
    --------
    >>> strong, weak = limit(Scanner(), np.full((40, 40), 20.0), "water", [100.0, 400.0], (0.01, 0.01))
    >>> bool(strong > weak > 0)
    True
    """
    person = torch.from_numpy(np.asarray(added, np.float32))
    of_goods, of_flesh = basis(goods), basis("soft tissue")
    open_beam, found = photons(scanner, pitch), []
    for load in loads:
        water, iron = (torch.full_like(person, share * load) for share in of_goods)
        through, scattered = expected(scanner, water, iron, pitch)
        behind, _ = expected(scanner, water + of_flesh[0] * person, iron + of_flesh[1] * person, pitch)
        found.append(detectability(through, behind, photon_variance((through + behind) / 2 + scattered, open_beam)))
    return np.array(found)
