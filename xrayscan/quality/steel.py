"""The steel that an optical depth stands for: approximate, narrow beam."""

from __future__ import annotations

import numpy as np

__all__ = ["ASSUMED_ENDPOINT", "STEEL_DENSITY", "optical_depth_of_steel", "steel_thickness"]

ASSUMED_ENDPOINT = 6.0
STEEL_DENSITY = 7.85

# Optical depth behind steel of these thicknesses [mm], for linacs of these endpoints [MV]: Kramers' bremsstrahlung behind 1 cm
# of steel, 3 cm of CdWO4 that adds up energy, NIST coefficients, no scatter; computed with xrayscan.simulate.beam.
_THICKNESS = (0.0, 10.0, 25.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0)
_DEPTH = {
    1.5: (0.000, 0.663, 1.576, 2.979, 5.549, 7.949, 10.248, 14.672, 18.955, 23.152),
    2.5: (0.000, 0.552, 1.311, 2.472, 4.589, 6.562, 8.456, 12.107, 15.647, 19.120),
    3.0: (0.000, 0.518, 1.230, 2.320, 4.309, 6.168, 7.956, 11.407, 14.755, 18.036),
    4.0: (0.000, 0.468, 1.110, 2.090, 3.870, 5.517, 7.082, 10.047, 12.862, 15.581),
    5.0: (0.000, 0.433, 1.027, 1.937, 3.592, 5.132, 6.603, 9.421, 12.138, 14.796),
    6.0: (0.000, 0.407, 0.967, 1.826, 3.395, 4.861, 6.267, 8.969, 11.580, 14.134),
    7.5: (0.000, 0.378, 0.900, 1.704, 3.183, 4.573, 5.913, 8.504, 11.022, 13.495),
    9.0: (0.000, 0.357, 0.851, 1.617, 3.035, 4.377, 5.676, 8.202, 10.669, 13.101),
    10.0: (0.000, 0.346, 0.826, 1.573, 2.961, 4.280, 5.561, 8.059, 10.505, 12.922),
}  # fmt: skip


def _line(endpoint: float) -> np.ndarray:
    """Optical depth over the table's thicknesses for one endpoint, between the table's ones over the logarithm of energy."""
    known = np.array(sorted(_DEPTH))
    table = np.array([_DEPTH[e] for e in known])
    at = np.log(np.clip(endpoint, known[0], known[-1]))
    line: np.ndarray = np.array([np.interp(at, np.log(known), column) for column in table.T])
    return line


def optical_depth_of_steel(thickness: float, endpoint: float = ASSUMED_ENDPOINT) -> float:
    """Optical depth behind steel.

    Parameters
    ----------
    thickness : float [mm]
    endpoint : float [MV]

    Returns
    -------
    float

    Examples
    --------
    >>> round(float(np.exp(-optical_depth_of_steel(100.0, 6.0))), 4)
    0.0335
    """
    line = _line(endpoint)
    if thickness > _THICKNESS[-1]:
        return float(line[-1] + (thickness - _THICKNESS[-1]) * (line[-1] - line[-2]) / (_THICKNESS[-1] - _THICKNESS[-2]))
    return float(np.interp(thickness, _THICKNESS, line))


def steel_thickness(depth: float, endpoint: float = ASSUMED_ENDPOINT) -> float:
    """Thickness of steel behind which the beam has an optical depth [mm].

    Good to about 10 %: detectors and filters differ, scatter is left out.

    Parameters
    ----------
    depth : float
    endpoint : float [MV]

    Returns
    -------
    float [mm]

    Examples
    --------
    >>> round(steel_thickness(6.27, 6.0))
    200
    """
    line = _line(endpoint)
    if depth > line[-1]:
        return float(_THICKNESS[-1] + (depth - line[-1]) * (_THICKNESS[-1] - _THICKNESS[-2]) / (line[-1] - line[-2]))
    return float(np.interp(depth, line, _THICKNESS))
