"""A test-object scan → the measures of ANSI N42.46 and IEC 62523 that can be computed. Indicative, not certified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from xrayscan.errors import CalibrationError
from xrayscan.geometry import Box
from xrayscan.quality.edge import edge_mtf
from xrayscan.quality.figure import Figure
from xrayscan.quality.ground import check_open, check_steel, check_target, check_wire
from xrayscan.quality.layout import KINDS, Layout, LayoutError, TestObject
from xrayscan.quality.measure import seen
from xrayscan.quality.noise import LEAST_SIDE, noise_power
from xrayscan.quality.open_beam import evenness, pulse_spread
from xrayscan.quality.shape import bars, contrast, sides, wire_response
from xrayscan.scan import Radiograph, Scan

__all__ = ["Result", "measure_test_object"]

ROSE = 5.0
MOST_OPAQUE = 0.01


@dataclass(frozen=True)
class Result:
    """One measure of one test object.

    Attributes
    ----------
    object, kind, measure : str
    figure : Figure
    limit : float or None
        In the figure's unit.
    sense : {"least", "most"}
        What the limit is.
    """

    object: str
    kind: str
    measure: str
    figure: Figure
    limit: float | None
    sense: str

    @property
    def passed(self) -> bool | None:
        """Whether the limit is kept; None without a limit. What could not be measured does not pass."""
        if self.limit is None:
            return None
        if self.figure.value is None:
            return False
        return bool(self.figure.value >= self.limit if self.sense == "least" else abs(self.figure.value) <= self.limit)


@dataclass(frozen=True, eq=False)
class _Picture:
    """What is measured on: the normalized transmission, and that as delivered where there is a scan."""

    transmission: np.ndarray
    raw: np.ndarray | None
    valid: np.ndarray
    opaque: np.ndarray
    pitch: tuple[float, float]
    stated: bool
    display: bool
    endpoint: float | None

    def shown(self, box: Box) -> tuple[np.ndarray, str]:
        """The picture to use for an object, and what it is: as delivered where normalization says "opaque"."""
        if float(self.opaque[box.slices].mean()) <= MOST_OPAQUE:
            return self.transmission, ""
        if self.raw is None:
            raise CalibrationError("not penetrated: the optical depth is only a lower bound there; pass the scan itself")
        return self.raw, ", as delivered (normalization calls it opaque)"


def measure_test_object(scan: Scan | Radiograph, layout: Layout, *, view: int = 0, energy: int = 0) -> tuple[Result, ...]:
    """Every measure of every object of a test-object scan.

    Parameters
    ----------
    scan : Scan or Radiograph
        A scan is normalized here; with a radiograph, evenness in air is that after normalization, and nothing can be said of
        objects that it calls opaque.
    layout : Layout
    view, energy : int
        Which image.

    Returns
    -------
    tuple of Result
        In the layout's order. What could not be measured has a figure without a value, and the reason.

    Raises
    ------
    LayoutError
        If an object lies outside the picture.
    CalibrationError
        If the scan cannot be normalized.

    References
    ----------
    ANSI N42.46-2008 and IEC 62523:2010, whose test objects these are; here they are judged by numbers where the standards ask
    observers. Indicative, not a certified measurement.
    """
    picture = _picture(scan, view, energy)
    return tuple(result for item in layout.objects for result in _results(picture, item, layout.unit))


def _picture(scan: Scan | Radiograph, view: int, energy: int) -> _Picture:
    if isinstance(scan, Radiograph):
        depth = np.where(scan.valid, scan.optical_depth[energy], np.float32(0.0))
        given = scan.endpoints[energy] if scan.endpoints else None
        display = scan.quantity == "display"
        return _Picture(np.exp(-depth), None, scan.valid, scan.opaque, scan.pixel_pitch, True, display, given)
    image = seen(scan, view=view, energy=energy)
    radiograph = image.radiograph
    stated = image.view.pixel_pitch is not None
    display, beams = image.view.quantity == "display", image.view.endpoints
    return _Picture(
        transmission=image.transmission,
        raw=image.raw,
        valid=image.valid,
        opaque=radiograph.opaque,
        pitch=radiograph.pixel_pitch,
        stated=stated,
        display=display,
        endpoint=beams[energy] if beams else None,
    )


def _results(picture: _Picture, item: TestObject, unit: str) -> Iterator[Result]:
    kind = KINDS[item.kind]
    box = _pixels(picture, item, "box", item.box, unit)
    parts = _parts(picture, item, unit)
    try:
        figures = _MEASURES[item.kind](picture, box, parts)
        reason = "not measured"
    except (CalibrationError, ArithmeticError) as error:
        figures, reason = {}, str(error)
    for name, its_unit in kind.measures.items():
        figure = figures.get(name, Figure.none(its_unit, reason))
        yield Result(item.name, item.kind, name, figure, item.limits.get(name), "least" if name in kind.least else "most")


def _pixels(picture: _Picture, item: TestObject, key: str, box: tuple[float, ...], unit: str) -> Box:
    top, left, bottom, right = _in_pixels(picture, box, unit)
    rows, columns = picture.valid.shape
    if round(bottom) > rows or round(right) > columns:
        raise LayoutError(
            f"object {item.name!r}: {key} ends at row {bottom:.0f}, column {right:.0f}; the picture has {rows} rows and "
            f"{columns} columns: is the unit {unit!r} right?"
        )
    return Box(round(top), round(left), max(round(bottom), round(top) + 1), max(round(right), round(left) + 1))


def _in_pixels(picture: _Picture, values: tuple[float, ...], unit: str) -> tuple[float, ...]:
    """Rows and columns in turn, in pixels."""
    if unit == "px":
        return values
    return tuple(value / picture.pitch[k % 2] for k, value in enumerate(values))


def _parts(picture: _Picture, item: TestObject, unit: str) -> dict[str, Any]:
    parts = dict(item.parts)
    for key in ("open", "solid"):
        if key in parts:
            parts[key] = _pixels(picture, item, key, parts[key], unit)
    for key in ("target", "ends"):
        if key in parts and not isinstance(parts[key][0], tuple):
            top, left, bottom, right = _in_pixels(picture, parts[key], unit)
            parts[key] = ((top, left), (top, right), (bottom, right), (bottom, left))
        elif key in parts:
            parts[key] = tuple(_in_pixels(picture, point, unit) for point in parts[key])
        if key in parts:
            rows, columns = picture.valid.shape
            if max(point[0] for point in parts[key]) > rows or max(point[1] for point in parts[key]) > columns:
                raise LayoutError(
                    f"object {item.name!r}: {key} leaves the picture of {rows} rows and {columns} columns: "
                    f"is the unit {unit!r} right?"
                )
    return parts


def _air(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Evenness, pulses, noise and its power spectrum."""
    given: dict[str, Figure] = {}
    image = picture.transmission if picture.raw is None else picture.raw
    state = "after normalization" if picture.raw is None else "as delivered"
    part, valid = image[box.slices], picture.valid[box.slices]
    even = evenness(part, valid)
    if even is None:
        raise CalibrationError("nothing in the box holds a measurement")
    if not picture.display:
        check_open(float(np.median(picture.transmission[box.slices][valid])))
    for name, rms in (("channels", even.channel_rms), ("columns", even.column_rms)):
        if rms is None:
            given[name] = Figure.none("%", f"too few {name} in the box")
        else:
            given[name] = Figure(100 * rms[0], "%", 100 * rms[1], f"{rms[2]} {name}, {state}")
    given["noise"] = Figure(100 * even.noise, "%", 100 * even.noise / np.sqrt(2.0 * even.pixels), f"{even.pixels} pixels")
    pulses = pulse_spread(even.columns, even.column_noise)
    if pulses is None:
        given["pulses"] = Figure.none("%", "too few pulses in the box")
    else:
        given["pulses"] = Figure(
            100 * pulses[0], "%", 100 * pulses[1], f"{pulses[3]} pulses of {_number(pulses[2], 'column')}, {state}"
        )
    return {**given, **_power(picture, box)}


def _power(picture: _Picture, box: Box) -> dict[str, Figure]:
    valid = picture.valid[box.slices]
    whole = np.flatnonzero(valid.all(axis=1))
    runs = np.split(whole, np.flatnonzero(np.diff(whole) > 1) + 1)
    rows = max(runs, key=len) if whole.size else whole
    if min(rows.size, box.width) < LEAST_SIDE:
        return {
            name: Figure.none("mm²", "the box is too small, or crossed by dead channels") for name in ("nps_low", "nps_middle")
        }
    spectrum = noise_power(picture.transmission[box.slices][rows], picture.pitch)
    frequency = np.hypot(*np.meshgrid(spectrum.rows * picture.pitch[0], spectrum.columns * picture.pitch[1], indexing="ij"))
    given = {}
    for name, low, high in (("nps_low", 0.03, 0.125), ("nps_middle", 0.2, 0.3)):
        ring = (frequency >= low) & (frequency < high)
        # Two frequencies of opposite sign are one; half-overlapping pieces count about half.
        error = float(spectrum.power[ring].mean()) * np.sqrt(2.0 / (ring.sum() * (0.5 + 0.5 * spectrum.pieces)))
        where = f"{low:g} to {high:g} cycles/px, {_number(spectrum.pieces, 'piece')}"
        given[name] = Figure(float(spectrum.power[ring].mean()), "mm²", float(error), where)
    return given


def _step(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Contrast to noise of an area within a flat block: the blind step behind steel, the foil."""
    image, note = picture.shown(box)
    shape = np.zeros(picture.valid.shape, np.uint8)
    corners = np.array([[(column - 0.5) * 16, (row - 0.5) * 16] for row, column in parts["target"]])
    cv2.fillPoly(shape, [np.rint(corners).astype(np.int32)], 1, shift=4)
    target = shape[box.slices].astype(bool)
    found = contrast(image[box.slices], picture.valid[box.slices], target)
    check_target(found, None if picture.display or note else parts.get("target_thickness"), picture.endpoint)
    if "thickness" in parts and not picture.display:
        check_steel(found.level, parts["thickness"], picture.endpoint, opaque=bool(note))
    where = f"{found.inside} pixels of the target, {found.outside} around it{note}"
    cnr_error = float(np.hypot(found.error / found.noise, found.cnr / np.sqrt(2.0 * found.outside)))
    area_error = float(np.hypot(1.0, found.cnr_area / np.sqrt(2.0 * found.outside)))
    given = {
        "cnr": Figure(found.cnr, "", cnr_error, where),
        "cnr_area": Figure(found.cnr_area, "", area_error, where),
        "contrast": Figure(100 * abs(found.step) / found.level, "%", 100 * found.error / found.level, where)
        if found.level > 0
        else Figure.none("%", "no signal around the target"),
    }
    if parts.get("target_thickness") and found.cnr_area > ROSE / 2:
        least = parts["target_thickness"] * ROSE / found.cnr_area
        given["least_visible"] = Figure(least, "mm", least * area_error / found.cnr_area, f"at a contrast to noise of {ROSE:g}")
    return given


def _wire(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Signal to noise of a wire behind its matched filter."""
    image, note = picture.shown(box)
    (row0, column0), (row1, column1) = parts["ends"]
    ends = ((row0 - box.top, column0 - box.left), (row1 - box.top, column1 - box.left))
    pitch = picture.pitch
    along = np.array([row1 - row0, column1 - column0]) * pitch
    length = 1e3 * float(np.hypot(*along))
    # Across the wire a pixel is as wide as the pitch in that direction.
    across = float(np.hypot(along[1] * pitch[0], along[0] * pitch[1]) / np.hypot(*along))
    found = wire_response(image[box.slices], picture.valid[box.slices], ends, 1e-3 * parts["diameter"] / across)
    check_wire(found, None if picture.display else parts["diameter"], picture.endpoint)
    if "thickness" in parts and not picture.display:
        check_steel(0.5 * sum(found.sides), parts["thickness"], picture.endpoint, opaque=bool(note))
    where = f"{length:.0f} mm of wire, {_number(found.beside, 'place')} beside it{note}"
    error = float(np.hypot(1.0, found.snr * found.unsure))
    scale = float(np.sqrt(100.0 / length))
    return {"snr": Figure(found.snr, "", error, where), "snr_100mm": Figure(found.snr * scale, "", error * scale, where)}


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _edge(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Modulation transfer from a slanted edge."""
    image, note = picture.shown(box)
    axis = parts["axis"]
    mtf = edge_mtf(image, picture.valid, box, axis)
    if mtf is None:
        raise CalibrationError(
            "no edge fit for it: one straight edge has to run through the box from end to end, 24 lines or more, 1 to 10 "
            "degrees off the axis, with 10 flat pixels on both sides"
        )
    pitch = picture.pitch[0 if axis == "rows" else 1]
    where = f"slant {mtf.slant:.1f} degree, pitch {pitch * 1e3:.2f} mm{'' if picture.stated else ' (estimated)'}{note}"
    given = {}
    for level in (50, 10):
        at = mtf.frequency_at(level / 100.0)
        if at is not None:
            given[f"mtf{level}"] = Figure(at[0] / pitch, "line pairs/m", at[1] / pitch, where)
    if "mtf10" in given:
        fine = given["mtf10"]
        given["detail"] = Figure(500.0 / fine.value, "mm", 500.0 * fine.uncertainty / fine.value**2, where)  # type: ignore[operator]
    return given


def _line_pairs(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Modulation of bars, and modulation transfer at their frequency."""
    image, note = picture.shown(box)
    turn = parts["axis"] == "rows"
    part, valid = image[box.slices], picture.valid[box.slices]
    pitch = picture.pitch[0 if turn else 1]
    found = bars(part.T if turn else part, valid.T if turn else valid, 1e-3 * parts["period"] / pitch)
    where = f"{found.periods:.1f} periods of {found.period * pitch * 1e3:.2f} mm{note}"
    given = {"modulation": Figure(100 * found.wave / found.level, "%", 100 * found.error / found.level, where)}
    if "open" in parts:
        levels = [image[parts[key].slices][picture.valid[parts[key].slices]] for key in ("open", "solid")]
        if min(level.size for level in levels) == 0:
            return {**given, "mtf": Figure.none("%", "open or solid holds no valid pixel")}
        # A square wave between two levels has a first harmonic of 2/π of their difference.
        full = 2.0 / np.pi * float(levels[0].mean() - levels[1].mean())
        if full <= 0:
            raise CalibrationError("the box open is not brighter than the box solid: were they exchanged?")
        given["mtf"] = Figure(100 * found.wave / full, "%", 100 * found.error / full, where)
    return given


def _square(picture: _Picture, box: Box, parts: Mapping[str, Any]) -> dict[str, Figure]:
    """Error of the aspect, and of width and height where the pitch is stated."""
    image, _ = picture.shown(box)
    across, down = (
        sides(part, valid)
        for part, valid in (
            (image[box.slices], picture.valid[box.slices]),
            (image[box.slices].T, picture.valid[box.slices].T),
        )
    )
    width, height = 1e3 * across[0] * picture.pitch[1], 1e3 * down[0] * picture.pitch[0]
    unsure = across[1] / across[0], down[1] / down[0]
    ratio = width / height / (parts["width"] / parts["height"])
    where = f"{across[0]:.1f} columns x {down[0]:.1f} rows"
    given = {"aspect_error": Figure(100 * (ratio - 1.0), "%", 100 * ratio * float(np.hypot(*unsure)), where)}
    for name, size, true, error in (
        ("width", width, parts["width"], unsure[0]),
        ("height", height, parts["height"], unsure[1]),
    ):
        reason = "the pixel pitch is not stated"
        figure = Figure(100 * (size / true - 1.0), "%", 100 * error * size / true, f"{size:.1f} mm measured")
        given[f"{name}_error"] = figure if picture.stated else Figure.none("%", reason)
    return given


_MEASURES: Mapping[str, Callable[[_Picture, Box, Mapping[str, Any]], dict[str, Figure]]] = {
    "air": _air,
    "steel-step": _step,
    "foil": _step,
    "wire": _wire,
    "edge": _edge,
    "line-pairs": _line_pairs,
    "square": _square,
}
