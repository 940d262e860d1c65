"""The forms a report can be asked for in, by ending or by ``Accept``."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from xrayscan.report.folder import TDR
from xrayscan.service.problem import RefusedError

__all__ = ["FORMS", "Form", "chosen"]


@dataclass(frozen=True)
class Form:
    """One form of a report.

    Attributes
    ----------
    file : str
        Its name in the report's folder.
    media : str
        Media type.
    what : str
    """

    file: str
    media: str
    what: str


FORMS = MappingProxyType(
    {
        "json": Form("report.json", "application/json", "the report for programs"),
        "png": Form("overlay.png", "image/png", "the scan with its findings, as a picture"),
        "html": Form("report.html", "text/html", "the page for a reviewer, which needs no network"),
        "dcm": Form(TDR, "application/dicom", "a DICOS threat detection report"),
    }
)
"""Ending → form; the first is given where a client takes anything."""


def chosen(accept: str | None) -> Form:
    """The form that an ``Accept`` header likes best.

    Raises
    ------
    RefusedError
        If it likes none.

    Examples
    --------
    >>> chosen("text/html,application/json;q=0.9,*/*;q=0.1").file, chosen("image/*").file, chosen(None).file
    ('report.html', 'overlay.png', 'report.json')
    """
    best = max(FORMS.values(), key=lambda form: _liking(accept, form.media))  # the first of equals
    if _liking(accept, best.media)[0] <= 0.0:
        listed = ", ".join(form.media for form in FORMS.values())
        raise RefusedError(
            "not-acceptable", f"a report comes as {listed}; name one of them in Accept, or its ending in the path"
        )
    return best


def _liking(accept: str | None, media: str) -> tuple[float, int]:
    """How much a media type is liked, 0 to 1, and how exactly it was named."""
    if not accept or not accept.strip():
        return 1.0, 0
    group = media.partition("/")[0]
    exactness = {media: 2, f"{group}/*": 1, "*/*": 0}
    found = (0.0, -1)
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if name in exactness and exactness[name] > found[1]:
            found = _quality(parameters), exactness[name]
    return found


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
