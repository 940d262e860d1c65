"""Scene → areal densities: what each ray passes through, and which part of it was hidden or taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from xrayscan.simulate.body import Figure, placed
from xrayscan.simulate.geometry import Fan, Solid, Window, covered_length, interval
from xrayscan.simulate.material import basis

__all__ = ["Areal", "Cavity", "Hidden", "render"]


@dataclass(frozen=True)
class Cavity:
    """A hole in the load: a convex solid whose material does not matter.

    Attributes
    ----------
    solid : Solid
    kind : {"hole", "void"}
        Made for what is hidden in it, or an anomaly of its own.
    """

    solid: Solid
    kind: str


@dataclass(frozen=True)
class Hidden:
    """Something put into the load.

    Attributes
    ----------
    kind : {"person", "density", "look-alike"}
    label : str
        Posture, material or kind of look-alike.
    figure : Figure or None
        A body or what is shaped like one; its parts overlap and count once.
    solids : tuple of Solid
        Anything else; added up.
    at : (float, float, float) [m]
        Where a figure stands.
    density_factor : float
        Of a figure's flesh: 1 for a person, other for a mannequin or a statue.
    material : str
        Of a figure's flesh.
    """

    kind: str
    label: str
    figure: Figure | None = None
    solids: tuple[Solid, ...] = ()
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    density_factor: float = 1.0
    material: str = "soft tissue"


@dataclass(frozen=True)
class Areal:
    """What the rays of one scan passed through.

    Attributes
    ----------
    water, iron : Tensor, shape (rows, columns) [g/cm²]
        The two shares of everything (see `material.basis`).
    hidden : tuple of Tensor, each shape (rows, columns) [g/cm²]
        Each hidden thing's own areal density, in the order given.
    removed : tuple of Tensor, each shape (rows, columns) [g/cm²]
        What each cavity took away from the load.
    """

    water: torch.Tensor
    iron: torch.Tensor
    hidden: tuple[torch.Tensor, ...]
    removed: tuple[torch.Tensor, ...]


def _path_scale(slopes: torch.Tensor) -> torch.Tensor:
    """Path length [cm] per meter of y, shape (rows, 1)."""
    return (100.0 * torch.sqrt(1.0 + slopes**2))[:, None]


def _column_cover(fan: Fan, solid: Solid, window: Window) -> torch.Tensor:
    """Share of each column that an upright box covers along the travel, shape (1, columns)."""
    x, half, step = solid.center[0], solid.half[0], fan.pitch[1]
    middle = fan.left + (torch.arange(window.left, window.right, dtype=torch.float32) + 0.5) * step
    reach = torch.minimum(middle + step / 2, torch.tensor(x + half)) - torch.maximum(middle - step / 2, torch.tensor(x - half))
    return (reach / step).clamp(0.0, 1.0)[None]


class _Canvas:
    """Adds solids up, carved by the cavities."""

    def __init__(self, fan: Fan, cavities: tuple[Cavity, ...]) -> None:
        self.fan = fan
        self.xs, self.slopes = fan.xs(), fan.slopes()
        self.scale = _path_scale(self.slopes)
        shape = (fan.rows, fan.columns)
        self.water, self.iron = torch.zeros(shape), torch.zeros(shape)
        self.cavities: list[tuple[Window, torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for cavity in cavities:
            window = Window.of(fan, np.asarray(cavity.solid.center), cavity.solid.reach())
            span = self.span(cavity.solid, window) if not window.empty else (torch.zeros(0), torch.zeros(0))
            self.cavities.append((window, *span, torch.zeros(shape)))

    def span(self, solid: Solid, window: Window) -> tuple[torch.Tensor, torch.Tensor]:
        """Interval of each ray of the window in the solid [m from the source]."""
        return interval(solid, self.xs[window.left : window.right], self.slopes[window.top : window.bottom], self.fan)

    def add(self, areal: torch.Tensor, material: str, window: Window) -> None:
        """Add an areal density [g/cm²] of a material."""
        water, iron = basis(material)
        self.water[window.slices] += water * areal
        self.iron[window.slices] += iron * areal

    def solid(self, solid: Solid) -> torch.Tensor | None:
        """Add one solid, return its areal density over its window."""
        window = Window.of(self.fan, np.asarray(solid.center), solid.reach())
        if window.empty:
            return None
        scale = self.scale[window.top : window.bottom]
        if solid.shape == "box" and solid.is_upright:
            # An upright box is cut by every ray of a row alike: one column of paths, spread over the columns it covers.
            cover = _column_cover(self.fan, solid, window)
            enter, leave = interval(solid, torch.tensor([solid.center[0]]), self.slopes[window.top : window.bottom], self.fan)
            areal = (leave - enter) * scale * solid.density * cover
        else:
            enter, leave = self.span(solid, window)
            cover = torch.ones(1, 1)
            areal = (leave - enter) * scale * solid.density
        if solid.is_load:
            areal = self._carve(areal, (enter, leave), solid.density * cover, window)
        self.add(areal, solid.material, window)
        return areal

    def _carve(
        self, areal: torch.Tensor, span: tuple[torch.Tensor, torch.Tensor], density: torch.Tensor, window: Window
    ) -> torch.Tensor:
        for hole, enter, leave, removed in self.cavities:
            both = window.shared(hole)
            if both.empty:
                continue
            own = (
                slice(both.top - window.top, both.bottom - window.top),
                slice(both.left - window.left, both.right - window.left),
            )
            its = (slice(both.top - hole.top, both.bottom - hole.top), slice(both.left - hole.left, both.right - hole.left))
            columns = own[1] if span[0].shape[1] > 1 else slice(0, 1)
            start = torch.maximum(span[0][own[0], columns], enter[its])
            end = torch.minimum(span[1][own[0], columns], leave[its])
            share = density if density.shape[1] == 1 else density[:, own[1]]
            taken = (end - start).clamp(min=0.0) * self.scale[both.top : both.bottom] * share
            removed[both.slices] += taken
            areal = areal.clone()
            areal[own] -= taken
        return areal

    def hidden(self, thing: Hidden) -> torch.Tensor:
        """Add a hidden thing, return its own areal density over the whole picture."""
        own = torch.zeros_like(self.water)
        if thing.figure is not None:
            self._figure(thing, own)
        for solid in thing.solids:
            areal = self.solid(solid)
            if areal is not None:
                own[Window.of(self.fan, np.asarray(solid.center), solid.reach()).slices] += areal
        return own

    def _figure(self, thing: Hidden, own: torch.Tensor) -> None:
        assert thing.figure is not None
        flesh = placed(thing.figure.flesh, thing.at)
        low = np.min([np.asarray(p.center) - p.reach() for p in flesh], axis=0) - 0.03
        high = np.max([np.asarray(p.center) + p.reach() for p in flesh], axis=0) + 0.03
        window = Window.of(self.fan, (low + high) / 2, (high - low) / 2)
        if window.empty:
            return
        scale = self.scale[window.top : window.bottom]

        def union(grown: float) -> torch.Tensor:
            spans = [
                self.span(replace(p, half=(p.half[0] + grown, p.half[1] + grown, p.half[2] + grown)), window) for p in flesh
            ]
            return covered_length(torch.stack([s[0] for s in spans]), torch.stack([s[1] for s in spans])) * scale

        body = union(0.0) * flesh[0].density * thing.density_factor
        cloth = (union(thing.figure.clothes) - union(0.0)).clamp(min=0.0) * 0.2  # loosely worn textile [g/cm³]
        self.add(body, thing.material, window)
        self.add(cloth, "textile", window)
        own[window.slices] += body + cloth
        if thing.kind == "person":
            for part in placed(thing.figure.extra, thing.at):
                areal = self.solid(part)
                if areal is not None:
                    own[Window.of(self.fan, np.asarray(part.center), part.reach()).slices] += areal


def render(fan: Fan, solids: list[Solid], cavities: tuple[Cavity, ...] = (), hidden: tuple[Hidden, ...] = ()) -> Areal:
    """What every ray of a scan passes through.

    Parameters
    ----------
    fan : Fan
    solids : list of Solid
        Container, vehicle and load; must not overlap, except that a negative density hollows one out.
    cavities : tuple of Cavity
        Cut out of every solid that is load; must not overlap each other.
    hidden : tuple of Hidden
        Put in; not carved.

    Returns
    -------
    Areal
    """
    canvas = _Canvas(fan, cavities)
    for solid in solids:
        canvas.solid(solid)
    own = tuple(canvas.hidden(thing) for thing in hidden)
    return Areal(canvas.water.clamp(min=0.0), canvas.iron, own, tuple(removed for *_, removed in canvas.cavities))
