"""Looks of detectors at staged scenes → person-penetration curves with intervals, their table and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.evaluation.metrics import Figure, threshold_at, wilson
from xrayscan.evaluation.observer import chance
from xrayscan.evaluation.penetration import FARTHEST, Look

__all__ = ["Curve", "curves", "figure", "fit", "groups", "table", "write"]

BINS = (0.0, 20.0, 60.0, 120.0, np.inf)  # edges of the table's classes of load [g/cm²]
DRAWS = 400  # of the bootstrap
STIFFNESS = 0.01  # of the prior that keeps a fit finite where everything, or nothing, is found
PANEL, MARGIN, ACROSS = (330, 210), (52, 34, 14, 44), 3  # size, then left, top, right and lower margin [px]; panels in a row
INKS = ("#0b61a4", "#c2410c", "#15803d", "#7c3aed", "#a16207", "#be185d")
GRAY, THIN = "#6b7280", 'font-size="11" fill="#374151"'


@dataclass(frozen=True, eq=False)
class Curve:
    """Detection against load, of one detector in one group of scenes.

    Attributes
    ----------
    detector, group : str
    scenes : int
    threshold : float
        Score that the asked share of all scans without a person exceeds.
    at_half, at_ninety : Figure [g/cm²]
        Load at which 50 % and 90 % are found, by the fit. 0: not even without a load; the largest load: not within reach.
    ideal_half : float [g/cm²]
        Load at which the ideal observer finds 50 %; NaN beyond the last of `FARTHEST`.
    shares : tuple of (float, float, Figure)
        Classes of load with the share found in each.
    loads, fitted, low, high : ndarray
        The fitted curve and its 95 % band.
    ideal : ndarray, shape (len(FARTHEST),)
        The ideal observer's probability at `FARTHEST`.
    points : ndarray, shape (scenes, 2)
        Load and 1 or 0 of each scene.
    """

    detector: str
    group: str
    scenes: int
    threshold: float
    at_half: Figure
    at_ninety: Figure
    ideal_half: float
    shares: tuple[tuple[float, float, Figure], ...]
    loads: np.ndarray
    fitted: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ideal: np.ndarray
    points: np.ndarray


def fit(load: np.ndarray, found: np.ndarray, most: float) -> tuple[float, float]:
    """Intercept and slope [per ``most``] of the logistic curve of detection against load, by penalized maximum likelihood.

    The penalty is weak; it keeps the curve finite where all, or none, is found. The curve never rises with the load.

    Examples
    --------
    >>> at, slope = fit(np.array([10.0, 50.0, 90.0, 110.0, 150.0, 190.0]), np.array([1, 1, 1, 0, 0, 0.0]), 200.0)
    >>> round(-200 * at / slope, -1)
    100.0
    """
    x = np.stack([np.ones_like(load), load / most], axis=1)
    curve = np.zeros(2)

    def cost(at: np.ndarray) -> float:
        z = x @ at
        return float((np.logaddexp(0.0, z) - found * z).sum() + 0.5 * STIFFNESS * (at**2).sum())

    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ curve, -60, 60)))
        gradient = x.T @ (p - found) + STIFFNESS * curve
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + STIFFNESS * np.eye(2), gradient)
        while cost(curve - step) > cost(curve) and abs(step).max() > 1e-12:
            step = step / 2
        curve = curve - step
        if abs(step).max() < 1e-8:
            break
    if curve[1] >= 0:
        share = (found.sum() + 0.5) / (len(found) + 1.0)
        return float(np.log(share / (1 - share))), 0.0
    return float(curve[0]), float(curve[1])


def _load_at(share: float, line: tuple[float, float], most: float) -> float:
    """Load at which a fitted curve comes down to a share, 0 to ``most`` [g/cm²]."""
    above = line[0] - np.log(share / (1 - share))
    if line[1] == 0.0:
        return most if above > 0 else 0.0
    return float(np.clip(-above / line[1], 0.0, 1.0)) * most


def groups(scenes: Sequence[Look]) -> dict[str, list[int]]:
    """Which scenes each curve is drawn from: all, each kind of goods, each scanner."""
    found: dict[str, list[int]] = {"all": list(range(len(scenes)))}
    for place, one in enumerate(scenes):
        found.setdefault(one.goods, []).append(place)
    for place, one in enumerate(scenes):
        found.setdefault(one.scanner, []).append(place)
    return found


def curves(scenes: Sequence[Look], detector: str, false_alarms: float = 0.01, seed: int = 0) -> list[Curve]:
    """A detector's curves over all scenes, for each kind of goods and for each scanner.

    One threshold for all; scenes are drawn anew for the intervals, and the threshold with them.

    Parameters
    ----------
    scenes : sequence of Look
    detector : str
    false_alarms : float
        Share of the scans without a person that may be alarmed. It rests on 1 / ``false_alarms`` scenes at the least; with
        fewer, nothing is alarmed.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of Curve

    Raises
    ------
    RecipeError
        If the detector did not look at every scene.
    """
    if not scenes or any(detector not in one.scores for one in scenes):
        raise RecipeError(f"curves of {detector!r} were asked for, which did not look at every scene; call looks with it")
    load, clean, held = np.array([(one.load, *one.scores[detector]) for one in scenes]).T
    most, rng = float(max(load.max(), 1.0)), np.random.default_rng(seed)
    level = threshold_at(clean.tolist(), false_alarms)
    members = {name: np.array(places) for name, places in groups(scenes).items()}
    drawn: dict[str, list[tuple[float, float]]] = {
        name: [fit(load[places], (held[places] > level).astype(float), most)] for name, places in members.items()
    }
    for _ in range(DRAWS):
        count = rng.multinomial(len(load), np.full(len(load), 1 / len(load)))
        raised = threshold_at(np.repeat(clean, count).tolist(), false_alarms)
        for name, places in members.items():
            again = np.repeat(places, count[places])
            if len(again):
                drawn[name].append(fit(load[again], (held[again] > raised).astype(float), most))
    out = []
    for name, places in members.items():
        points = np.stack([load[places], held[places] > level], 1)
        ideal = np.mean([chance(np.array(scenes[i].limit), false_alarms) for i in places], axis=0)
        out.append(_curve((detector, name), level, points, drawn[name], most, ideal))
    return out


def _curve(
    names: tuple[str, str],
    level: float,
    points: np.ndarray,
    lines: list[tuple[float, float]],
    most: float,
    ideal: np.ndarray,
) -> Curve:
    """A curve from its fit, the first of ``lines``, and those of the scenes drawn anew."""
    grid = np.linspace(0.0, most, 81)
    halves, nineties = ([_load_at(share, line, most) for line in lines] for share in (0.5, 0.9))
    shown = [1 / (1 + np.exp(-np.clip(a + b * grid / most, -60, 60))) for a, b in lines]
    low, high = np.percentile(shown, [2.5, 97.5], axis=0)
    return Curve(
        *names, len(points), level, _figure(halves), _figure(nineties), _ideal_half(ideal), _shares(*points.T),
        grid, shown[0], low, high, ideal, points,
    )  # fmt: skip


def _figure(values: list[float]) -> Figure:
    low, high = np.percentile(values, [2.5, 97.5])
    return Figure(values[0], float(min(low, values[0])), float(max(high, values[0])), len(values) - 1)


def _ideal_half(ideal: np.ndarray) -> float:
    below = np.flatnonzero(ideal < 0.5)
    if not below.size:
        return float("nan")
    k = int(below[0])
    return float(np.interp(-0.5, -ideal[k - 1 : k + 1], FARTHEST[k - 1 : k + 1]))


def _shares(load: np.ndarray, found: np.ndarray) -> tuple[tuple[float, float, Figure], ...]:
    classes = []
    for low, high in pairwise(BINS):
        inside = (load >= low) & (load < high)
        classes.append((low, high, wilson(int(found[inside].sum()), int(inside.sum()))))
    return tuple(classes)


def table(found: Sequence[Curve], false_alarms: float = 0.01) -> str:
    """Curves as a Markdown table: thresholds, shares found by class of load, load at 90 % and 50 %, with 95 % intervals."""
    levels = {one.detector: one.threshold for one in found}
    classes = [f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"over {low:.0f}" for low, high, _ in found[0].shares]
    heads = ["detector", "scenes", "n", *(f"found at {one} g/cm²" for one in classes), "90 % at", "50 % at", "ideal: 50 % at"]
    lines = [
        f"Thresholds, at which at most {false_alarms:.0%} of the staged scans without a person are alarmed; they hold nothing",
        f"but even goods, so a lane's are higher: {', '.join(f'{level:.3f} ({name})' for name, level in levels.items())}.",
        "",
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
    ]
    for one in found:
        most = float(one.loads[-1])
        shares = [f"{s.value:.0%} [{s.low:.0%}, {s.high:.0%}] of {s.n}" if s.n else "none" for *_, s in one.shares]
        ideal = f"> {FARTHEST[-1]}" if np.isnan(one.ideal_half) else f"{one.ideal_half:.0f}"
        cells = [
            one.detector,
            one.group,
            str(one.scenes),
            *shares,
            _reach(one.at_ninety, most),
            _reach(one.at_half, most),
            ideal,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _reach(at: Figure, most: float) -> str:
    """A load with its interval; what lies outside of what was looked at is said so."""

    def said(value: float) -> str:
        return f"> {most:.0f}" if value >= most - 1e-9 else f"{value:.0f}"

    middle = "never" if at.value <= 0 else said(at.value)
    return f"{middle} [{said(at.low)}, {said(at.high)}]"


def figure(found: Sequence[Curve], false_alarms: float = 0.01) -> str:
    """Curves as an SVG picture: a panel for each group, a color for each detector, dashed the ideal observer.

    Dots are the shares found in the table's classes of load with their 95 % intervals, bands those of the fits.
    """
    names, kinds = list(dict.fromkeys(c.group for c in found)), list(dict.fromkeys(c.detector for c in found))
    width = (PANEL[0] + MARGIN[0] + MARGIN[2]) * min(ACROSS, len(names))
    tall = PANEL[1] + MARGIN[1] + MARGIN[3]
    height = tall * -(-len(names) // ACROSS) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    legend = [*zip(kinds, INKS * len(kinds), strict=False), ("ideal observer, photon noise only", GRAY)]
    x = 20
    for name, ink in legend:
        dashes = ' stroke-dasharray="5 4"' if ink == GRAY else ""
        parts.append(
            f'<path d="M{x} 18h24" stroke="{ink}" stroke-width="2"{dashes}/><text x="{x + 30}" y="22" {THIN}>{name}</text>'
        )
        x += 50 + 7 * len(name)
    farthest = _farthest(found)
    for k, group in enumerate(names):
        left, top = k % ACROSS * (width // min(ACROSS, len(names))) + MARGIN[0], k // ACROSS * tall + 30 + MARGIN[1]
        own = [c for c in found if c.group == group]
        parts.append(f'<g transform="translate({left} {top})">')
        parts += _axes(f"{group}: {own[0].scenes} scenes, {false_alarms:.0%} false alarms", farthest)
        for c in own:
            parts += _line(c, INKS[kinds.index(c.detector) % len(INKS)], farthest)
        parts += [_path(np.array(FARTHEST), own[0].ideal, farthest, GRAY, ' stroke-dasharray="5 4"'), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _farthest(found: Sequence[Curve]) -> float:
    """Where the axis of the load ends [g/cm²]: where the ideal observer, too, sees nothing, if that is known."""
    ends = [c.loads[-1] for c in found]
    ends += [min(float(FARTHEST[-1]), 1.15 * c.ideal_half) if np.isfinite(c.ideal_half) else FARTHEST[-1] for c in found]
    return float(np.ceil(max(ends) / 50) * 50)


def _points(load: np.ndarray, share: np.ndarray, farthest: float) -> str:
    shown = load <= farthest + 1e-9
    x, y = load[shown] / farthest * PANEL[0], (1 - share[shown]) * PANEL[1]
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _path(load: np.ndarray, share: np.ndarray, farthest: float, ink: str, more: str = "") -> str:
    return f'<polyline points="{_points(load, share, farthest)}" fill="none" stroke="{ink}" stroke-width="2"{more}/>'


def _axes(title: str, farthest: float) -> list[str]:
    wide, high = PANEL
    parts = [f'<text x="0" y="-10" font-size="12" font-weight="bold">{title}</text>']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = (1 - share) * high
        parts.append(f'<path d="M0 {y}H{wide}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="-6" y="{y + 4}" text-anchor="end" {THIN}>{share:.0%}</text>')
    for load in range(0, int(farthest) + 1, 50):
        x = load / farthest * wide
        parts.append(f'<path d="M{x:.1f} {high}v4" stroke="{GRAY}"/>')
        if load % 100 == 0:
            parts.append(f'<text x="{x:.1f}" y="{high + 16}" text-anchor="middle" {THIN}>{load}</text>')
    parts.append(f'<path d="M0 0V{high}H{wide}" fill="none" stroke="{GRAY}"/>')
    parts.append(f'<text x="{wide / 2}" y="{high + 33}" text-anchor="middle" {THIN}>load over the person [g/cm²]</text>')
    return parts


def _line(c: Curve, ink: str, farthest: float) -> list[str]:
    """Band, fitted curve, and shares with their intervals at the mean load of each class."""
    band = _points(np.concatenate([c.loads, c.loads[::-1]]), np.concatenate([c.low, c.high[::-1]]), farthest)
    parts = [f'<polygon points="{band}" fill="{ink}" opacity="0.15"/>', _path(c.loads, c.fitted, farthest, ink)]
    for low, high, share in c.shares:
        inside = c.points[(c.points[:, 0] >= low) & (c.points[:, 0] < high), 0]
        if inside.size:
            x = inside.mean() / farthest * PANEL[0]
            y, up, down = ((1 - value) * PANEL[1] for value in (share.value, share.high, share.low))
            parts.append(f'<path d="M{x:.1f} {up:.1f}V{down:.1f}" stroke="{ink}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{ink}"/>')
    return parts


def write(scenes: Sequence[Look], folder: Path, false_alarms: float = 0.01) -> list[Curve]:
    """Write ``penetration.md`` (the table) and ``penetration.svg`` (the curves) of every detector that looked.

    Parameters
    ----------
    scenes : sequence of Look
    folder : Path
        Made if needed.
    false_alarms : float

    Returns
    -------
    list of Curve
    """
    found = [curve for name in scenes[0].scores for curve in curves(scenes, name, false_alarms)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "penetration.md").write_text(table(found, false_alarms), encoding="utf-8")
    (folder / "penetration.svg").write_text(figure(found, false_alarms), encoding="utf-8")
    return found
