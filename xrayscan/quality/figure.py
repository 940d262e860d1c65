"""One measured figure: a value with its unit, how sure it is, and where it was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Figure"]

_KEYS = {"%": "percent", "": "", "line pairs/m": "line_pairs_per_m", "g/cm²": "g_cm2", "mm²": "mm2", "degree": "degrees"}


@dataclass(frozen=True)
class Figure:
    """A measured figure, or why there is none.

    Attributes
    ----------
    value : float or None
        In ``unit``; None where it could not be measured.
    unit : str
        "%", "mm", "px", "line pairs/m", "g/cm²", "degree", ...; "" for a bare number.
    uncertainty : float or None
        One standard error, in ``unit``; None where it is not known.
    where : str
        The area it was measured on; without a value, the reason.

    Examples
    --------
    >>> Figure(0.2143, "%", 0.012, "120 channels in air")
    Figure(0.214 ± 0.012 %, 120 channels in air)
    >>> Figure.none("%", "no air in view").text
    'no air in view'
    """

    value: float | None
    unit: str
    uncertainty: float | None = None
    where: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)
            object.__setattr__(self, "where", f"not finite, on {self.where}")
        if self.value is None or (self.uncertainty is not None and not math.isfinite(self.uncertainty)):
            object.__setattr__(self, "uncertainty", None)

    @classmethod
    def none(cls, unit: str, reason: str) -> Figure:
        """A figure that could not be measured."""
        return cls(None, unit, None, reason)

    @property
    def key(self) -> str:
        """The unit as the ending of a key in JSON."""
        return _KEYS.get(self.unit, self.unit)

    @property
    def text(self) -> str:
        """Value, uncertainty and unit; without a value, the reason."""
        if self.value is None:
            return self.where
        number = _rounded(self.value, self.uncertainty)
        if number.startswith("-") and not any(digit in "123456789" for digit in number.partition(" ")[0]):
            number = number[1:]  # nothing is -0
        return f"{number} {self.unit}".strip()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        if self.value is None:
            return {"value": None, "uncertainty": None, "reason": self.where}
        return {"value": self.value, "uncertainty": self.uncertainty, "measured_on": self.where}

    def __repr__(self) -> str:
        return f"Figure({self.text}, {self.where})" if self.value is not None else f"Figure(none, {self.where})"


def _rounded(value: float, uncertainty: float | None) -> str:
    """The digits that the uncertainty leaves: two of it, three of the value where it is not known."""
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    if abs(value) < 1e-3 and uncertainty < 1e-3:
        return f"{value:.2g} ± {uncertainty:.1g}"
    digits = min(max(0, 1 - math.floor(math.log10(uncertainty))), 3 if abs(value) >= 0.01 else 5)
    return f"{value:.{digits}f} ± {uncertainty:.{digits}f}"
