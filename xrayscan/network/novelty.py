"""How unlike the scans of its training a scan is, by what the network feels in it.

A network answers whatever it is shown, and may be sure of itself where it knows nothing. What its stages feel tells: over the
scans of the training the features' means spread along few directions; a scan that lies far out along these, or off them, is
unlike all of them. The distance is Mahalanobis' in the space of the principal components, and what is left over counts by its
own variance, so that no direction is too thin to be trusted.

References
----------
K. Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks, NeurIPS 2018,
https://doi.org/10.48550/arXiv.1807.03888
O. Rippel, P. Mertens, D. Merhof, Modeling the Distribution of Normal Data in Pre-Trained Deep Features for Anomaly Detection,
ICPR 2020, https://doi.org/10.1109/ICPR48806.2021.9412109
M. Tipping, C. Bishop, Probabilistic Principal Component Analysis, J. R. Stat. Soc. B 61 (1999) 611,
https://doi.org/10.1111/1467-9868.00196
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from xrayscan.errors import ModelError, ShapeError
from xrayscan.network.grid import MULTIPLE
from xrayscan.scan import frozen_array

__all__ = ["NOVELTY", "Novelty", "fit", "summary"]

NOVELTY = "novelty.npz"
COMPONENTS = 60
FEWEST = 4  # scans for each component that they are to tell
LEVELS = 1001  # quantiles of the known distances that are kept at most


def summary(features: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """What a scan is known by: the features' means over what is valid, their spread, and both compressed.

    Parameters
    ----------
    features : ndarray of float32, shape (features, rows / 32, columns / 32)
        As the network gives them, of the padded grid.
    valid : ndarray of float32, shape (rows, columns)
        Share of each pixel of the grid that is valid, before it was padded.

    Returns
    -------
    ndarray of float32, shape (2 features,)

    Raises
    ------
    ShapeError
        If the two are not of one scan.
    """
    cells = features.shape[1:]
    expected = tuple(-(-size // MULTIPLE) for size in valid.shape)
    if cells != expected:
        raise ShapeError(
            f"the features are of {cells} cells, the scan of {expected}; pass the pair of one scan",
            expected=expected,
            actual=cells,
        )
    weight = _share(valid).ravel().astype(np.float64)
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(weight.size, 1.0 / weight.size)
    flat = features.reshape(len(features), -1).astype(np.float64)
    mean = flat @ weight
    spread = np.sqrt(np.maximum((flat - mean[:, None]) ** 2 @ weight, 0.0))
    both = np.concatenate([mean, spread])
    # Features are positive and their spread grows with them: on this scale they are nearer to a normal distribution.
    return (np.sign(both) * np.log1p(10.0 * abs(both))).astype(np.float32)


def _share(valid: np.ndarray) -> np.ndarray:
    """Share of each cell that is valid, shape (rows / 32, columns / 32); what was padded is not."""
    sums = np.add.reduceat(valid, np.arange(0, valid.shape[0], MULTIPLE), axis=0)
    sums = np.add.reduceat(sums, np.arange(0, valid.shape[1], MULTIPLE), axis=1)
    return np.asarray(sums / MULTIPLE**2)


@dataclass(frozen=True, eq=False, repr=False)
class Novelty:
    """A compact model of the scans that a network knows.

    Attributes
    ----------
    center, scale : ndarray of float32, shape (summary,)
        Mean and standard deviation over the scans of the training.
    axes : ndarray of float32, shape (components, summary)
        Principal directions of what was standardized.
    variance : ndarray of float32, shape (components,)
    residual : ndarray of float32, shape (1,)
        Variance of what the components leave over, in each direction.
    known : ndarray of float32, shape (levels,)
        Distances of scans that it was not fitted to, ascending; empty until they are set.
    """

    center: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    variance: np.ndarray
    residual: np.ndarray
    known: np.ndarray

    def __post_init__(self) -> None:
        for part in fields(self):
            object.__setattr__(self, part.name, frozen_array(getattr(self, part.name), np.float32))
        size, count = len(self.center), len(self.variance)
        shapes = self.center.shape, self.scale.shape, self.axes.shape, self.residual.shape
        if shapes != ((size,), (size,), (count, size), (1,)):
            raise ModelError(f"a model of known scans has parts of shapes {shapes}, which do not fit each other")

    def distance(self, summary: np.ndarray) -> float:
        """How far a scan's summary lies from the known ones: squared Mahalanobis distance a component, about 1 within."""
        if summary.shape != self.center.shape:
            raise ShapeError(
                f"a scan's summary has shape {summary.shape}, the model of known scans {self.center.shape}; "
                "they are of different networks",
                expected=self.center.shape,
                actual=summary.shape,
            )
        apart = (summary - self.center) / self.scale
        along = self.axes @ apart
        rest = max(float(apart @ apart - along @ along), 0.0)
        return float((along**2 / self.variance).sum() + rest / self.residual[0]) / len(summary)

    def __call__(self, summary: np.ndarray) -> float:
        """Share of the known scans that are less unlike, 0 to 1."""
        if not len(self.known):
            raise ModelError("a model of known scans was asked how new a scan is before any known distances were set")
        return float(np.searchsorted(self.known, self.distance(summary), side="left") / len(self.known))

    def calibrated(self, summaries: np.ndarray) -> Novelty:
        """The same with the distances of known scans, other than those it was fitted to.

        Parameters
        ----------
        summaries : ndarray, shape (scans, summary)
        """
        distances = np.array([self.distance(one) for one in np.asarray(summaries, np.float32)])
        known = np.quantile(distances, np.linspace(0, 1, min(len(distances), LEVELS)))
        return Novelty(self.center, self.scale, self.axes, self.variance, self.residual, known)

    def save(self, path: Path) -> None:
        """Write it as a NumPy archive."""
        with path.open("wb") as file:
            np.savez(file, **{part.name: getattr(self, part.name) for part in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Novelty:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            If the file is no such archive.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                return cls(**{part.name: held[part.name] for part in fields(cls)})
        except (KeyError, ValueError, OSError) as error:
            raise ModelError(f"reading the known scans of a model, {path}: {error}; reinstall the model's folder") from error

    def __repr__(self) -> str:
        return f"Novelty({len(self.center)} features, {len(self.variance)} components, {len(self.known)} known distances)"


def fit(summaries: np.ndarray, components: int = COMPONENTS) -> Novelty:
    """A model of known scans, still without its known distances.

    Parameters
    ----------
    summaries : ndarray, shape (scans, summary)
        Of scans of the training.
    components : int
        At most; fewer where there are fewer scans than four for each.

    Raises
    ------
    ModelError
        With fewer than 8 scans.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scans = rng.normal(size=(500, 12)) * np.arange(1, 13)
    >>> known = fit(scans[:400], 4).calibrated(scans[400:])
    >>> known(np.zeros(12)) < 0.1, known(scans[0] + 100)
    (True, 1.0)
    """
    given = np.asarray(summaries, np.float64)
    if len(given) < 2 * FEWEST:
        raise ModelError(f"a model of known scans was asked for on {len(given)} scans; it takes at least {2 * FEWEST}")
    center = given.mean(0)
    scale = given.std(0) + 1e-3
    apart = (given - center) / scale
    count = max(1, min(components, len(given) // FEWEST, apart.shape[1] - 1))
    _, strength, axes = np.linalg.svd(apart, full_matrices=False)
    variance = strength**2 / len(given)
    left = max(float(variance[count:].sum()) / (apart.shape[1] - count), 1e-4)
    return Novelty(center, scale, axes[:count], np.maximum(variance[:count], left), np.array([left]), np.zeros(0))
