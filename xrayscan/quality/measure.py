"""Scan → Quality: what one image of a scan is worth, figure by figure, and whether a person could be seen in it at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from xrayscan.errors import CalibrationError, ShapeError
from xrayscan.normalize import normalize
from xrayscan.normalize.calibrate import from_counts, from_transmission
from xrayscan.normalize.display import from_display
from xrayscan.quality.coding import Coding, coding_of, jpeg_blocks
from xrayscan.quality.edge import AXES, edges_in_scan, sharpness
from xrayscan.quality.figure import Figure
from xrayscan.quality.fitness import DEAD, MOST_DETAIL, Glance, limb_depth, look_at, problems_of
from xrayscan.quality.noise import noise_floor
from xrayscan.quality.open_beam import Evenness, air_mask, evenness, pulse_spread
from xrayscan.quality.steel import ASSUMED_ENDPOINT, STEEL_DENSITY, steel_thickness
from xrayscan.scan import Calibration, Quantity, Radiograph, Scan, View

__all__ = ["Quality", "Seen", "measure", "seen"]

FLOORS = 3.0
MOST_CLIPPED = 0.01
LEAST_TRANSMISSION = 1e-5
AT_BEST = "at best"
_RANGE_OF_ENDPOINTS = (3.0, 9.0)
_DEPTHS = {
    "noise_floor": "",
    "penetration_depth": "",
    "penetration_steel": "mm",
    "penetration_areal": "g/cm²",
    "limb_depth": "",
    "limb_steel": "mm",
}
_PITCHES = ("pitch_row", "pitch_column")
_CURVE = "the gray curve of a display picture is not known"


@dataclass(frozen=True)
class Quality:
    """What one image of a scan is worth. Every figure has its unit, its uncertainty and the area it was measured on.

    Attributes
    ----------
    view : int
        Which of the scan's views.
    energy : str
        Name of the image.
    quantity : {"counts", "transmission", "display"}
    shape : (int, int)
        Rows and columns.
    problems : tuple of str
        Why it is too poor to screen; empty if it is not.
    warnings : tuple of str
        What limits it, and what normalization warns of.
    pitch_row, pitch_column : Figure [mm]
        Pixel pitch at the load.
    air_channels, air_columns : Figure [%]
        Rms over detector channels, and over columns, of the transmission in air as delivered (counts: after air and dark),
        pixel noise taken off.
    pulse_rms : Figure [%]
        Rms of the dose from pulse to pulse as delivered, drift left out.
    pulse_columns : Figure [px]
        Columns that one pulse makes.
    air_noise : Figure [%]
        Rms noise of one pixel in air, stripes left out.
    stripes_rows, stripes_columns : Figure [%]
        What differs in air from row to row and from column to column after normalization, rms.
    dead_channels : Figure
        Detector rows that give nothing that can be used.
    dead_share : Figure [%]
    dead_run : Figure [mm]
        Height of the highest gap of dead channels.
    valid_share : Figure [%]
        Pixels that hold a measurement, among columns that were scanned.
    noise_floor : Figure
        Rms noise of the transmission where next to nothing comes through.
    penetration_depth : Figure
        Optical depth at which the image ends: beyond, nothing can be told from noise.
    penetration_steel : Figure [mm]
    penetration_areal : Figure [g/cm²]
        The same as steel, narrow beam, within about 10 %.
    limb_depth : Figure
        Optical depth behind which an arm or leg (10 g/cm²) over 0.2 x 0.2 m would still stand out of noise and stripes.
    limb_steel : Figure [mm]
        The same as steel.
    inspected : Figure [%]
        Of the load, what was penetrated.
    mtf50_rows, mtf10_rows, mtf50_columns, mtf10_columns : Figure [line pairs/m]
        Where the modulation of the sharpest edges falls to 50 and to 10 %: up and down the array, and along the travel.
    detail_rows, detail_columns : Figure [mm]
        Half the period at 10 % modulation: width of the finest bars that can be told from each other.
    tilt, lean : Figure [degree]
        Of the container's horizontals and uprights.
    magnification : Figure
        Scale of the container's near wall over that of the far wall.
    stretch : Figure
        True column pitch over the stated one.
    codes : Figure
        Different numbers that occur.
    bits : Figure [bits]
        log₂ of the codes from the lowest to the highest.
    clipped_low, clipped_high : Figure [%]
        Share of the pixels at the lowest and at the highest code, where they pile up.
    """

    view: int
    energy: str
    quantity: Quantity
    shape: tuple[int, int]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    pitch_row: Figure
    pitch_column: Figure
    air_channels: Figure
    air_columns: Figure
    pulse_rms: Figure
    pulse_columns: Figure
    air_noise: Figure
    stripes_rows: Figure
    stripes_columns: Figure
    dead_channels: Figure
    dead_share: Figure
    dead_run: Figure
    valid_share: Figure
    noise_floor: Figure
    penetration_depth: Figure
    penetration_steel: Figure
    penetration_areal: Figure
    limb_depth: Figure
    limb_steel: Figure
    inspected: Figure
    mtf50_rows: Figure
    mtf10_rows: Figure
    mtf50_columns: Figure
    mtf10_columns: Figure
    detail_rows: Figure
    detail_columns: Figure
    tilt: Figure
    lean: Figure
    magnification: Figure
    stretch: Figure
    codes: Figure
    bits: Figure
    clipped_low: Figure
    clipped_high: Figure

    @property
    def fit(self) -> bool:
        """Whether it is good enough to be screened."""
        return not self.problems

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Every figure by its name."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Figure):
                yield item.name, value


@dataclass(frozen=True, eq=False)
class Seen:
    """One image of a scan before and after normalization; a working value of this package.

    Attributes
    ----------
    view : View
    index : int
        Of the image in its view.
    raw : ndarray of float32, shape (rows, columns)
        Transmission as delivered: after air and dark, before any correction.
    least : float
        The least of it that the delivery can tell from none.
    transmission : ndarray of float32, shape (rows, columns)
        After normalization; 1 where not valid.
    radiograph : Radiograph
    """

    view: View
    index: int
    raw: np.ndarray
    least: float
    transmission: np.ndarray
    radiograph: Radiograph

    @property
    def valid(self) -> np.ndarray:
        """Pixels that hold a measurement."""
        return self.radiograph.valid


def seen(scan: Scan, radiograph: Radiograph | None = None, *, view: int = 0, energy: int = 0) -> Seen:
    """One image of a scan before and after normalization.

    Raises
    ------
    ShapeError
        If there is no such image, or the radiograph is that of another scan.
    CalibrationError
        If the scan is blank or its air and dark make no sense.
    """
    if not 0 <= view < len(scan.views):
        raise ShapeError(
            f"measuring quality: the scan has {_number(len(scan.views), 'view')}, asked for number {view}; "
            f"pass 0 to {len(scan.views) - 1}",
            expected=f"0 to {len(scan.views) - 1}",
            actual=view,
        )
    one = scan.views[view]
    energies = len(one.energies)
    if not 0 <= energy < energies:
        raise ShapeError(
            f"measuring quality: the view has {energies} {'energy' if energies == 1 else 'energies'}, "
            f"asked for number {energy}; pass 0 to {energies - 1}",
            expected=f"0 to {energies - 1}",
            actual=energy,
        )
    radiograph = normalize(scan, view=view) if radiograph is None else radiograph
    if radiograph.shape != one.shape or len(radiograph.energies) != len(one.energies):
        raise ShapeError(
            f"measuring quality: the radiograph has {radiograph.shape} (rows, columns), the view {one.shape}; "
            "pass the radiograph that normalize made of this view",
            expected=one.shape,
            actual=radiograph.shape,
        )
    raw, least = _as_delivered(one, one.calibration or scan.calibration, energy)
    depth = radiograph.optical_depth[energy]
    transmission = np.exp(-np.where(radiograph.valid, depth, np.float32(0.0)))
    return Seen(one, energy, raw, least, transmission.astype(np.float32, copy=False), radiograph)


def _as_delivered(view: View, calibration: Calibration, energy: int) -> tuple[np.ndarray, float]:
    if view.quantity == "counts":
        fits = all(
            line is None or line.shape in {view.pixels.shape, view.pixels.shape[:2]}
            for line in (calibration.air, calibration.dark)
        )
        beam = from_counts(view.pixels, calibration if fits else Calibration())
    else:
        beam = from_transmission(view.pixels) if view.quantity == "transmission" else from_display(view.pixels)
    return beam.transmission[energy], float(np.median(beam.least[energy]))


def measure(scan: Scan, radiograph: Radiograph | None = None, *, view: int = 0, energy: int = 0) -> Quality:
    """What one image of a scan is worth.

    Parameters
    ----------
    scan : Scan
    radiograph : Radiograph or None
        What `normalize` made of that view; None: it is made here.
    view, energy : int
        Which image; the first is that of the high energy.

    Returns
    -------
    Quality

    Raises
    ------
    ShapeError
        If there is no such image, or the radiograph is that of another scan.

    Examples
    --------
    >>> counts = np.random.default_rng(0).normal(60000, 120, (200, 600))
    >>> counts[40:160, 100:500] *= 0.2
    >>> scan = Scan.from_array(counts.astype(np.uint16), air=np.full(200, 60000), dark=np.zeros(200), pixel_pitch=0.01)
    >>> quality = measure(scan)
    >>> quality.air_noise.text, quality.fit
    ('0.201 ± 0.001 %', True)
    """
    try:
        image = seen(scan, radiograph, view=view, energy=energy)
    except CalibrationError as error:
        return _unreadable(scan.views[view], view, energy, str(error))
    one = image.view
    air = air_mask(image.transmission, image.valid)
    coding = coding_of(one.pixels[energy], _full(scan, one))
    glance = look_at(image.radiograph, energy)
    given = {**_pitch(image, glance), **_evenness(image, air, coding), **_channels(glance), **_sharpness(image)}
    given |= {**_geometry(image.radiograph), **_coding(coding)}
    given |= _penetration(image, given)
    quality = Quality(view, one.energies[energy], one.quantity, one.shape, (), (), **given)
    problems = problems_of(glance, {name: figure.value for name, figure in quality.figures()})
    return replace(quality, problems=problems, warnings=_warnings(image, coding, quality))


def _unreadable(view: View, number: int, energy: int, reason: str) -> Quality:
    """The quality of a scan that could not be normalized."""
    given = {name: Figure.none("", "could not be normalized") for name in Quality.__dataclass_fields__}
    for name in ("view", "energy", "quantity", "shape", "problems", "warnings"):
        del given[name]
    problem = (f"it could not be turned into transmission: {reason}",)
    return Quality(number, view.energies[energy], view.quantity, view.shape, problem, (), **given)


def _full(scan: Scan, view: View) -> float | None:
    if view.quantity != "counts":
        return None
    return (view.calibration or scan.calibration).saturation


def _pitch(image: Seen, glance: Glance) -> dict[str, Figure]:
    stated = image.view.pixel_pitch
    if stated is not None:
        kept = stated == image.radiograph.pixel_pitch
        where = (
            "stated" if kept else f"by the container: the stated {1e3 * stated[0]:.3g} x {1e3 * stated[1]:.3g} mm contradict it"
        )
        return {name: Figure(pitch, "mm", None, where) for name, pitch in zip(_PITCHES, glance.pitch, strict=True)}
    said = []
    for unsure in glance.unsure:
        within = f", within {100 * unsure:.2g} %" if 0.0 < unsure < np.inf else ": a guess, no container was found"
        said.append(f"estimated by normalization{within}")
    return {name: Figure(pitch, "mm", None, where) for name, pitch, where in zip(_PITCHES, glance.pitch, said, strict=True)}


def _percent(rms: tuple[float, float, int] | None, what: str) -> Figure:
    if rms is None:
        return Figure.none("%", f"too few {what} see air")
    return Figure(100 * rms[0], "%", 100 * rms[1], f"{rms[2]} {what} in air")


def _share_clipped(image: Seen, air: np.ndarray, coding: Coding) -> float:
    """Share of the air at the highest or the lowest code."""
    values = image.view.pixels[image.index][air]
    return float(((values >= coding.highest) | (values <= coding.lowest)).mean())


def _evenness(image: Seen, air: np.ndarray, coding: Coding) -> dict[str, Figure]:
    before, after = evenness(image.raw, air), evenness(image.transmission, air)
    names = ("air_channels", "air_columns", "pulse_rms", "air_noise", "stripes_rows", "stripes_columns")
    if before is None or after is None:
        reason = "no air in view"
    elif _share_clipped(image, air, coding) > MOST_CLIPPED:
        reason = "air is clipped at the highest code"
    elif image.view.quantity == "display":
        reason = _CURVE
    else:
        given = {
            "air_channels": _percent(before.channel_rms, "channels"),
            "air_columns": _percent(before.column_rms, "columns"),
            "air_noise": _noise(before),
            "stripes_rows": _percent(after.channel_rms, "rows"),
            "stripes_columns": _percent(after.column_rms, "columns"),
        }
        pulses = pulse_spread(before.columns, before.column_noise)
        if pulses is None:
            none = "too few pulses in air"
            return {**given, "pulse_rms": Figure.none("%", none), "pulse_columns": Figure.none("px", none)}
        rms, error, block, count = pulses
        where = f"{count} pulses in air"
        given["pulse_rms"] = Figure(100 * rms, "%", 100 * error, where)
        return {**given, "pulse_columns": Figure(float(block), "px", None, where)}
    return {**{name: Figure.none("%", reason) for name in names}, "pulse_columns": Figure.none("px", reason)}


def _noise(even: Evenness) -> Figure:
    error = even.noise / np.sqrt(2.0 * even.pixels)
    return Figure(100 * even.noise, "%", 100 * float(max(error, 5e-3 * even.noise)), f"{even.pixels} pixels of air")


def _channels(glance: Glance) -> dict[str, Figure]:
    rows, columns = glance.dead.size, glance.shape[1]
    where = f"{_number(rows, 'channel')}; dead: under {100 * DEAD:.0f} % of its pixels hold a measurement"
    run = f"{_number(glance.run, 'channel')} at a pitch of {glance.pitch[0]:.1f} mm" if glance.run else _number(rows, "channel")
    scanned = f"{_number(glance.scanned, 'column')} that {'was' if glance.scanned == 1 else 'were'} scanned, of {columns}"
    return {
        "dead_channels": Figure(float(glance.dead.sum()), "", None, where),
        "dead_share": Figure(glance.dead_share, "%", None, where),
        "dead_run": Figure(glance.gap, "mm", None, run),
        "valid_share": Figure(glance.valid, "%", None, scanned),
    }


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _penetration(image: Seen, even: dict[str, Figure]) -> dict[str, Figure]:
    """How deep the image reaches: its noise floor, the depth at which it ends, and that behind which a limb would show."""
    inspected = {"inspected": Figure(100.0 * image.radiograph.inspected, "%", None, "the load")}
    if image.view.quantity == "display":
        return {**inspected, **{name: Figure.none(unit, _CURVE) for name, unit in _DEPTHS.items()}}
    floor = noise_floor(image.raw, image.valid)
    end, depth = _end(image, floor)
    dark = Figure.none("", "nothing in view is dense enough")
    if floor:
        dark = Figure(floor[0], "", floor[1], f"{floor[2]} pixels under T = {floor[3]:g}")
    steel = _steel(end, image, "" if floor else f"{AT_BEST}; ")
    scale = 0.1 * STEEL_DENSITY
    areal = Figure(scale * (steel.value or 0.0), "g/cm²", scale * (steel.uncertainty or 0.0), steel.where)
    given = {"noise_floor": dark, "penetration_depth": depth, "penetration_steel": steel, "penetration_areal": areal}
    return {**inspected, **given, **_limb(image, even, floor[0] if floor else None, end)}


def _end(image: Seen, floor: tuple[float, float, int, float] | None) -> tuple[float, Figure]:
    """Optical depth at which the image ends: three times the noise floor, the least the delivery tells from none, 1e-5."""
    limit = max(FLOORS * (floor[0] if floor else 0.0), image.least, LEAST_TRANSMISSION)
    if image.index == 0:
        steps = [step for step in image.radiograph.history if step.name == "opacity" and "limit" in step.parameters]
        limit = max([limit, *(float(step.parameters["limit"]) for step in steps)])
    error = floor[1] / floor[0] if floor and floor[0] > 0 and FLOORS * floor[0] >= 0.99 * limit else None
    end = float(-np.log(limit))
    at_best = "" if floor else f"{AT_BEST}: nothing in view is dense enough to show the noise floor; "
    return end, Figure(end, "", error, f"{at_best}T = {limit:.2g}")


def _limb(image: Seen, even: dict[str, Figure], floor: float | None, end: float) -> dict[str, Figure]:
    noise, rows, columns = (even[name] for name in ("air_noise", "stripes_rows", "stripes_columns"))
    if noise.value is None or rows.value is None or columns.value is None:
        reason = noise.where if noise.value is None else "too little air in view"
        return {"limb_depth": Figure.none("", reason), "limb_steel": Figure.none("mm", reason)}
    stripes = 0.01 * rows.value, 0.01 * columns.value
    block = int(even["pulse_columns"].value or 1)
    depth = min(limb_depth(0.01 * noise.value, floor or 0.0, stripes, image.radiograph.pixel_pitch, block), end)
    at_best = "" if floor is not None else f"{AT_BEST}; "
    seen_over = f"{at_best}10 g/cm² over 0.2 x 0.2 m, five times noise and stripes"
    return {"limb_depth": Figure(depth, "", None, seen_over), "limb_steel": _steel(depth, image, at_best)}


def _steel(depth: float, image: Seen, before: str) -> Figure:
    """Thickness of steel; unsure by 10 % of it, and by the end-points that are not ruled out."""
    stated = image.view.endpoints
    endpoint = ASSUMED_ENDPOINT if stated is None else stated[image.index]
    steel = steel_thickness(depth, endpoint)
    beams = 0.0
    if stated is None:
        beams = 0.5 * abs(steel_thickness(depth, _RANGE_OF_ENDPOINTS[1]) - steel_thickness(depth, _RANGE_OF_ENDPOINTS[0]))
    said = f"{before}{endpoint:g} MV{'' if stated else ' assumed'}, narrow beam"
    return Figure(steel, "mm", float(np.hypot(0.1 * steel, beams)), said)


def _sharpness(image: Seen) -> dict[str, Figure]:
    given: dict[str, Figure] = {}
    for axis, pitch in zip(AXES, image.radiograph.pixel_pitch, strict=True):
        edges = edges_in_scan(image.transmission, image.valid, axis)
        best = sharpness(edges)
        across = "level" if axis == "rows" else "upright"
        where = "no suitable edge in view: straight, slanted, flat on both sides"
        if best is not None:
            where = f"the sharpest {len(best.boxes)} of {len(edges)} {across} edges; first at {_place(best.boxes[0])}"
        for level in (50, 10):
            at = best.frequency_at(level / 100.0) if best is not None else None
            reason = where if best is None else "does not fall that low: finer than the pixels"
            figure = Figure(at[0] / pitch, "line pairs/m", at[1] / pitch, where) if at else Figure.none("line pairs/m", reason)
            given[f"mtf{level}_{axis}"] = figure
        fine = given[f"mtf10_{axis}"]
        if fine.value:
            detail = 500.0 / fine.value
            given[f"detail_{axis}"] = Figure(detail, "mm", detail * (fine.uncertainty or 0.0) / fine.value, where)
        else:
            given[f"detail_{axis}"] = Figure.none("mm", fine.where)
    return given


def _place(box: object) -> str:
    top, left, bottom, right = (getattr(box, name) for name in ("top", "left", "bottom", "right"))
    return f"rows {top} to {bottom}, columns {left} to {right}"


def _geometry(radiograph: Radiograph) -> dict[str, Figure]:
    units = {"tilt": "degree", "lean": "degree", "magnification": "", "stretch": ""}
    given = {}
    for name, unit in units.items():
        value = getattr(radiograph.geometry, name)
        given[name] = (
            Figure.none(unit, "normalization could not tell")
            if value is None
            else Figure(float(value), unit, None, "container")
        )
    return given


def _coding(coding: Coding) -> dict[str, Figure]:
    span = f"{coding.lowest:g} to {coding.highest:g}"
    codes = (
        Figure.none("", "floats")
        if coding.codes is None
        else Figure(float(coding.codes), "", None, f"codes {span}, in steps of {coding.step:g}")
    )
    return {
        "codes": codes,
        "bits": Figure.none("bits", "floats")
        if coding.bits is None
        else Figure(coding.bits, "bits", None, f"codes {span}, in steps of {coding.step:g}"),
        "clipped_low": Figure(100.0 * coding.at_lowest if coding.clips_low else 0.0, "%", None, f"at {coding.lowest:g}"),
        "clipped_high": Figure(100.0 * coding.at_highest if coding.clips_high else 0.0, "%", None, f"at {coding.highest:g}"),
    }


def _warnings(image: Seen, coding: Coding, quality: Quality) -> tuple[str, ...]:
    said = []
    if quality.quantity == "display":
        said.append(
            "a display picture: its gray curve is not known, densities are approximate, sharpness is that of the picture"
        )
    if jpeg_blocks(image.view.pixels[image.index]):
        said.append("the 8 x 8 blocks of JPEG are visible: export without loss")
    if coding.clips_high and quality.quantity != "display":
        said.append(f"{100 * coding.at_highest:.1f} % of the pixels are clipped at the highest code")
    if quality.quantity != "display" and quality.air_noise.value is None:
        said.append(f"{quality.air_noise.where}: noise and evenness could not be measured")
    if image.view.pixel_pitch is None:
        said.append("the pixel pitch is estimated: lengths and line pairs are as unsure as it is")
    if quality.quantity != "display" and image.view.endpoints is None:
        said.append(f"the end-point energy is not stated: {ASSUMED_ENDPOINT:g} MV assumed for figures in steel")
    for axis, figure in (("array", quality.detail_rows), ("travel", quality.detail_columns)):
        if figure.value is not None and figure.value > MOST_DETAIL:
            said.append(
                f"along the {axis} the sharpest edges found show no detail under {figure.value:.0f} mm: they are soft, or the "
                "scanner is: look at a sharp edge"
            )
    # What is said of the gray curve is said above.
    heard = [step for step in image.radiograph.history if step.is_warning and step.name != "display"]
    return (*said, *dict.fromkeys(step.note.removeprefix("warning: ") for step in heard))
