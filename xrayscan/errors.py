"""The exceptions of xrayscan: one tree, each leaf also a built-in.

Every message says what was being done and on what, what was expected and found, and what to do next. All of them pickle,
because worker processes hand them back.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CalibrationError",
    "CorruptScanError",
    "GapError",
    "MisfitError",
    "MissingDependencyError",
    "ModelError",
    "ReadError",
    "RecipeError",
    "ReportError",
    "ShapeError",
    "StoppedError",
    "UnknownFormatError",
    "UnknownModelError",
    "WeightsError",
    "XrayscanError",
]


class XrayscanError(Exception):
    """Base of every exception that xrayscan raises on purpose."""


class ReadError(XrayscanError, OSError):
    """A file could not be turned into a scan."""


class UnknownFormatError(ReadError):
    """No reader knows this file."""


class CorruptScanError(ReadError):
    """A reader knows the format, but the content is broken, truncated or not a scan."""


class CalibrationError(XrayscanError, ValueError):
    """Air, dark or pitch is missing, contradictory or impossible."""


class ShapeError(XrayscanError, ValueError):
    """An array has the wrong shape.

    Parameters
    ----------
    message : str
        The whole sentence.
    expected, actual : object
        What was asked for and what came, for programs.
    """

    def __init__(self, message: str, *, expected: Any = None, actual: Any = None) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class GapError(XrayscanError, ValueError):
    """Columns of a scan that is still arriving are missing or arrived twice.

    Parameters
    ----------
    message : str
        The whole sentence.
    expected, actual : int
        The column that was to come, and the one that came.
    """

    def __init__(self, message: str, *, expected: int | None = None, actual: int | None = None) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class MisfitError(ReadError, ShapeError, CalibrationError):
    """What a file, its sidecar or the caller says of a scan does not fit its pixels."""

    def __init__(self, message: str, *, expected: Any = None, actual: Any = None) -> None:
        ShapeError.__init__(self, message, expected=expected, actual=actual)


class ModelError(XrayscanError, ValueError):
    """A model could not be found, read or run."""


class UnknownModelError(ModelError):
    """There is no model of that name; ``available`` lists those there are."""

    def __init__(self, message: str, *, available: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.available = available


class WeightsError(ModelError):
    """A weight file is missing, or is not the file its card names."""


class RecipeError(XrayscanError, ValueError):
    """A recipe has an unknown key or a value that makes no sense."""


class ReportError(XrayscanError, ValueError):
    """A report could not be composed, written or read back."""


class StoppedError(XrayscanError, TimeoutError):
    """A scan was not screened in the time that it had, or its screening was canceled; ``why`` is "time" or "canceled"."""

    def __init__(self, message: str, *, why: str = "time") -> None:
        super().__init__(message)
        self.why = why


class MissingDependencyError(XrayscanError, ImportError):
    """A part was used whose extra is not installed; ``extra`` names it."""

    def __init__(self, message: str, *, extra: str = "") -> None:
        super().__init__(message)
        self.extra = extra
