"""``report.html``: one file that needs nothing else, for a person at a screen or on paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from xrayscan.explain.drawing import COLORS
from xrayscan.explain.heat import STEPS
from xrayscan.explain.legend import unseen
from xrayscan.explain.picture import DEPTH_OF_BLACK, Frame
from xrayscan.findings import probability_text
from xrayscan.report.layers import Layers
from xrayscan.report.pixels import COARSE, CURVE, FIRST, PER_UNIT, Patch, Pixels

__all__ = ["page"]

HEADLINES = {
    "high": "Look first",
    "opaque": "Mostly opaque: look, and consider another inspection",
    "poor": "Too poor to screen: scan again",
    "medium": "Look when there is time",
    "low": "Below the threshold for persons. That is not a clearance",
}
KINDS = {"person": "consistent with a concealed person", "void": "void in the load", "density": "density anomaly"}
NEAR = 0.35  # share of the finding's longer side that is shown around it


def page(report: Mapping[str, Any], layers: Layers, pixels: Pixels) -> str:
    """The whole page.

    Every text is escaped, no picture, font or script comes from elsewhere, and a content security policy forbids the
    browser to run or load anything but what is in the file.

    Parameters
    ----------
    report : mapping
        What ``Report.to_dict()`` gives.
    layers : Layers
    pixels : Pixels

    Returns
    -------
    str
        HTML.

    Raises
    ------
    KeyError, jinja2.UndefinedError
        If it is not a report.
    """
    style, script = _source("style.html"), _source("script.html")
    return _template().render(
        report=report,
        headline=HEADLINES[report["priority"]],
        unseen=unseen(report["inspected"]),
        kinds=KINDS,
        shown=probability_text,
        colors={kind: "#{:02x}{:02x}{:02x}".format(*color) for kind, color in COLORS.items()},
        steps=STEPS,
        width=layers.frame.columns,
        height=layers.frame.rows,
        meter=1 / layers.frame.pitch,
        drawn=[_drawn(finding, layers.frame) for finding in report["findings"]],
        containers=[_rectangle(box, layers.frame) for box in report["scan"]["containers"]],
        still=_uri(layers.still, "jpeg"),
        heat=_uri(layers.heat),
        hatch=_uri(layers.hatch),
        rests=[None if one is None else _uri(one) for one in layers.rests or (None,) * len(report["findings"])],
        pixels=pixels,
        first=FIRST,
        per_unit=PER_UNIT,
        coarse=COARSE,
        curve=float(CURVE[1] - CURVE[0]),
        codes=_text(pixels.codes),
        opaque=_text(pixels.opaque),
        numbers=_text(pixels.numbers),
        patches=[_patch(patch) for patch in pixels.patches],
        black=DEPTH_OF_BLACK,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_source("report.html"))


@lru_cache(maxsize=4)
def _source(name: str) -> str:
    """A part of the page; style and script are kept as .html so that one rule packs them all."""
    return resources.files("xrayscan.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _text(data: bytes) -> Markup:
    return Markup(base64.b64encode(data).decode("ascii"))


def _uri(image: bytes, form: str = "png") -> Markup:
    return Markup(f"data:image/{form};base64,") + _text(image)


def _patch(patch: Patch) -> dict[str, Any]:
    box = patch.box
    return {"box": f"{box.left} {box.top} {box.width} {box.height}", "codes": _text(patch.codes)}


def _drawn(finding: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    """Outline, label place and view of a finding in pixels of the picture."""
    left, top, width, height = _rectangle(finding["box"], frame)
    margin = NEAR * max(width, height)
    polygons = [" ".join(f"{x:.1f},{y:.1f}" for x, y in frame.points(np.array(polygon))) for polygon in finding["polygons"]]
    view = (left - margin, top - margin, width + 2 * margin, height + 2 * margin)
    return {"polygons": polygons, "left": left, "top": top, "view": " ".join(f"{v:.1f}" for v in view)}


def _rectangle(box: Mapping[str, int], frame: Frame) -> tuple[float, float, float, float]:
    """(left, top, width, height) in pixels of the picture."""
    right, bottom = box["right"] * frame.column_scale, box["bottom"] * frame.row_scale
    left, top = box["left"] * frame.column_scale, box["top"] * frame.row_scale
    return round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1)
