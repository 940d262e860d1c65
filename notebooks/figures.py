"""How the notebooks draw and speak: scans with axes in meters, one gray scale for all, sentences with computed figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.image import AxesImage

from xrayscan.explain.drawing import COLORS
from xrayscan.findings import Finding
from xrayscan.scan import Box, Radiograph

DEPTH = PowerNorm(0.7, 0.0, 8.0)
"""Optical depth → gray, as in a report: the same gray is the same optical depth in every scan."""

INK = {kind: tuple(part / 255 for part in color) for kind, color in COLORS.items()}
"""Color of each kind of finding, as in a report."""

plt.rcParams |= {
    "figure.dpi": 88,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def say(text: str) -> None:
    """Show a text whose figures were computed, as Markdown where that is known."""
    display({"text/markdown": text, "text/plain": text}, raw=True)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Show rows as a table of Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    say("\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines))


def extent(radiograph: Radiograph) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of the picture [m], from the left end and the floor of its first container."""
    (rows, columns), (tall, wide) = radiograph.shape, radiograph.pixel_pitch
    left, bottom = (radiograph.containers[0].left, radiograph.containers[0].bottom) if radiograph.containers else (0, rows)
    return -left * wide, (columns - left) * wide, (bottom - rows) * tall, bottom * tall


def show(axes: Axes, image: np.ndarray, radiograph: Radiograph, title: str = "", **how: Any) -> AxesImage:
    """Draw an image on the radiograph's pixels with its axes in meters; optical depth if nothing else is said."""
    how = {"cmap": "gray_r", "norm": DEPTH} | how if "cmap" not in how else how
    drawn = axes.imshow(image, extent=extent(radiograph), interpolation="antialiased", **how)
    axes.set(title=title, xlabel="from the container's left end [m]", ylabel="above its floor [m]")
    axes.set_facecolor("0.75")
    return drawn


def cut(axes: Axes, radiograph: Radiograph, box: Box, margin: float = 0.5) -> None:
    """Show only a box and some meters around it."""
    left, _, _, top = extent(radiograph)
    tall, wide = radiograph.pixel_pitch
    axes.set_xlim(left + box.left * wide - margin, left + box.right * wide + margin)
    axes.set_ylim(top - box.bottom * tall - margin, top - box.top * tall + margin)


def outline(axes: Axes, mask: np.ndarray, radiograph: Radiograph, color: Any, **how: Any) -> None:
    """Draw the outline of a mask of the radiograph's shape."""
    if mask.any():
        axes.contour(mask, [0.5], colors=[color], extent=extent(radiograph), origin="upper", **{"linewidths": 1.3} | how)


def mark(axes: Axes, finding: Finding, radiograph: Radiograph, label: str | None = None) -> None:
    """Draw a finding's outline in the color of its kind, and its name beside it."""
    mask = np.zeros(radiograph.shape, bool)
    mask[finding.box.slices] = finding.mask
    outline(axes, mask, radiograph, INK[finding.kind])
    left, _, _, top = extent(radiograph)
    tall, wide = radiograph.pixel_pitch
    axes.text(
        left + finding.box.right * wide + 0.05, top - finding.box.top * tall, finding.id if label is None else label,
        color="white", fontsize=8, va="top", bbox={"facecolor": "black", "edgecolor": INK[finding.kind], "pad": 1.5},
    )  # fmt: skip


def hatch(axes: Axes, mask: np.ndarray, radiograph: Radiograph) -> None:
    """Hatch a mask, as a report does where nothing came through."""
    if mask.any():
        with plt.rc_context({"hatch.color": "#d33", "hatch.linewidth": 0.6}):
            drawn = axes.contourf(mask, [0.5, 1.5], colors="none", hatches=["////"], extent=extent(radiograph), origin="upper")
            drawn.set_edgecolor("#d33")
            drawn.set_linewidth(0)
