"""The ways in which pictures leave a scanner: counts with air and dark, normalized transmission, and exports made for eyes.

What is done is drawn first, into a `DeliveryPlan` that goes to a record with `dataclasses.asdict`, and then done by `deliver`,
which draws nothing: the same plan and the same measurement give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import cv2
import numpy as np

from xrayscan.errors import RecipeError
from xrayscan.io.color import Plane, to_gray
from xrayscan.scan import Scan
from xrayscan.simulate.detector import Measurement
from xrayscan.simulate.scanner import MODULE

__all__ = [
    "CURVES",
    "DELIVERIES",
    "PALETTES",
    "Delivered",
    "Delivery",
    "DeliveryPlan",
    "Mark",
    "deliver",
    "draw_delivery",
    "gray_curve",
    "toned",
]

Delivery = Literal["counts", "transmission", "display"]
DELIVERIES: tuple[Delivery, ...] = ("counts", "transmission", "display")
Curve = Literal["linear", "gamma", "log", "s-shaped", "stretched"]
CURVES: tuple[Curve, ...] = ("linear", "gamma", "log", "s-shaped", "stretched")
Rng = np.random.Generator

_SHARES = (0.5, 0.35, 0.15)  # of the deliveries
_MAPS = {"hot": cv2.COLORMAP_HOT, "jet": cv2.COLORMAP_JET, "bone": cv2.COLORMAP_BONE, "viridis": cv2.COLORMAP_VIRIDIS}
PALETTES = (*_MAPS, "material")
_ORANGE, _GREEN, _BLUE = (255.0, 140.0, 30.0), (40.0, 190.0, 60.0), (40.0, 90.0, 255.0)
_COLORS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (255, 255, 255), (0, 0, 0))


@dataclass(frozen=True)
class Mark:
    """Something burnt into a picture.

    Attributes
    ----------
    kind : {"box", "filled", "text"}
    place : (float, float, float, float)
        Top, left, bottom and right as shares of the picture.
    color : (int, int, int)
        Red, green, blue.
    text : str
        Of a text, or of the label on a box.
    """

    kind: Literal["box", "filled", "text"]
    place: tuple[float, float, float, float]
    color: tuple[int, int, int] = (255, 0, 0)
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("box", "filled", "text"):
            raise RecipeError(f"no mark {self.kind!r}; known are box, filled, text")
        top, left, bottom, right = self.place
        if not (0.0 <= top < bottom <= 1.0 and 0.0 <= left < right <= 1.0):
            raise RecipeError(f"a mark at {self.place}; expected (top, left, bottom, right) as shares, 0 <= top < bottom <= 1")


@dataclass(frozen=True)
class DeliveryPlan:
    """How one picture leaves the scanner. Fields that its delivery does not use are ignored.

    Attributes
    ----------
    delivery : {"counts", "transmission", "display"}
    tells_faults, tells_saturation : bool
        Counts: whether the machine marks its bad channels, and says where its converter is full.
    steps : int
        Transmission: gray steps of full scale inside 16 bits: 65535, or 4095 for 12 bits.
    air_level : float
        Transmission: where air lies, as a share of full scale.
    fills : bool
        Transmission and display: whether dead and hot channels are filled in from their neighbors.
    stripes : float
        Transmission and display: relative rms of the gain error that the vendor's normalization leaves in the channels.
    stripes_seed : int
        Of those errors.
    curve : {"linear", "gamma", "log", "s-shaped", "stretched"}
        Display: family of the gray curve.
    strength : float
        Display: gamma's exponent; of "log" the decades shown; of "s-shaped" the slope; of "stretched" the share of histogram
        equalization.
    black, white : float
        Display: transmission that is drawn black, and the least that is drawn white.
    smooth : float [px]
        Display: sigma of a smoothing.
    sharpen : float
        Display: share of an unsharp mask of 2 px.
    inverted : bool
        Display: air is black.
    palette : str
        Display: false color, "" for gray; "material" needs two energies and is gray with one.
    quality : int
        Display: of the JPEG, 1 to 100; 0: none.
    marks : tuple of Mark
        Display: burnt in.
    blank : (float, float)
        Display: shares of the columns at the left and the right that were not scanned and are black.

    Raises
    ------
    RecipeError
    """

    delivery: Delivery
    tells_faults: bool = False
    tells_saturation: bool = False
    steps: int = 65535
    air_level: float = 1.0
    fills: bool = True
    stripes: float = 0.0
    stripes_seed: int = 0
    curve: Curve = "linear"
    strength: float = 1.0
    black: float = 0.0
    white: float = 0.97
    smooth: float = 0.0
    sharpen: float = 0.0
    inverted: bool = False
    palette: str = ""
    quality: int = 0
    marks: tuple[Mark, ...] = ()
    blank: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.delivery not in DELIVERIES:
            raise RecipeError(f"no delivery {self.delivery!r}; known are {', '.join(DELIVERIES)}")
        if self.curve not in CURVES:
            raise RecipeError(f"no curve {self.curve!r}; known are {', '.join(CURVES)}")
        if self.palette and self.palette not in PALETTES:
            raise RecipeError(f"no palette {self.palette!r}; known are {', '.join(PALETTES)}, or '' for gray")
        if not 1 <= self.steps <= 65535:
            raise RecipeError(f"full scale has {self.steps} steps; expected 1 to 65535")
        if not 0 <= self.quality <= 100:
            raise RecipeError(f"the JPEG's quality is {self.quality}; expected 1 to 100, or 0 for none")
        if not 0.0 <= self.black < self.white <= 1.5:
            raise RecipeError(f"black is T = {self.black:g} and white T = {self.white:g}; expected 0 <= black < white <= 1.5")
        if self.strength <= 0.0:
            raise RecipeError(f"the curve's strength is {self.strength:g}; expected above 0")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DeliveryPlan:
        """The plan that ``dataclasses.asdict`` made a record of, after JSON or not.

        Raises
        ------
        RecipeError
            If a key is not known.
        """
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(record) - known)
        if unknown:
            raise RecipeError(f"a delivery plan has no {unknown[0]!r}; it has {', '.join(sorted(known))}")
        marks = tuple(Mark(m["kind"], tuple(m["place"]), tuple(m["color"]), m["text"]) for m in record.get("marks", ()))
        return cls(**{**record, "marks": marks, "blank": tuple(record.get("blank", (0.0, 0.0)))})


@dataclass(frozen=True, eq=False)
class Delivered:
    """What left the scanner, and what was lost on the way.

    Attributes
    ----------
    scan : Scan
        As a reader of the file gives it: a picture in color is brought to its luma.
    opaque : ndarray of bool, shape (rows, columns)
        Where nothing can be said: opaque to the machine, or too dark for this delivery to tell from nothing.
    covered : ndarray of bool, shape (rows, columns)
        Burnt over, not scanned, or dead: no measurement is left there.
    color : ndarray of uint8, shape (rows, columns, 3), or None
        Red, green, blue, of a picture in color.
    encoded : bytes or None
        The JPEG file that was decoded to make the scan.
    """

    scan: Scan
    opaque: np.ndarray
    covered: np.ndarray
    color: np.ndarray | None = None
    encoded: bytes | None = None


def draw_delivery(rng: Rng, delivery: Delivery | None = None) -> DeliveryPlan:
    """Draw how a picture leaves the scanner.

    Parameters
    ----------
    rng : Generator
    delivery : {"counts", "transmission", "display"} or None
        None: half of the scans are counts, a third transmissions.

    Returns
    -------
    DeliveryPlan
    """
    kind = delivery or DELIVERIES[int(rng.choice(3, p=_SHARES))]
    plan = DeliveryPlan(
        kind,
        tells_faults=bool(rng.random() < 0.3),
        tells_saturation=bool(rng.random() < 0.5),
        steps=4095 if rng.random() < 0.4 else 65535,
        air_level=float(rng.uniform(0.94, 1.0)) if rng.random() < 0.25 else 1.0,
        fills=bool(rng.random() < 0.7),
        stripes=float(np.exp(rng.uniform(np.log(1e-4), np.log(6e-3)))),
        stripes_seed=int(rng.integers(2**31)),
    )
    if kind != "display":
        return plan
    curve: Curve = CURVES[int(rng.choice(5, p=(0.25, 0.3, 0.2, 0.15, 0.1)))]
    strength = {"gamma": (0.35, 1.3), "log": (1.0, 4.0), "s-shaped": (3.0, 8.0), "stretched": (0.1, 0.7)}.get(curve, (1.0, 1.0))
    color = rng.random() < 0.12
    return replace(
        plan,
        curve=curve,
        strength=float(rng.uniform(*strength)),
        black=float(rng.choice([0.0, 1.0]) * np.exp(rng.uniform(np.log(5e-4), np.log(0.02)))),
        white=float(rng.uniform(0.85, 1.0)),
        smooth=float(rng.choice([0.0, rng.uniform(0.3, 0.9)])),
        sharpen=float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.8)])),
        inverted=bool(rng.random() < 0.2),
        palette=PALETTES[int(rng.integers(len(PALETTES)))] if color else "",
        quality=int(rng.integers(60, 96)) if rng.random() < 0.6 else 0,
        marks=_draw_marks(rng) if rng.random() < 0.15 else (),
        blank=(float(rng.uniform(0.0, 0.03)), float(rng.uniform(0.0, 0.02))) if rng.random() < 0.05 else (0.0, 0.0),
    )


def _draw_marks(rng: Rng) -> tuple[Mark, ...]:
    """Boxes of an operator, and a line of text in a corner."""
    marks = []
    for _ in range(int(rng.integers(0, 4))):
        top, left = rng.uniform(0.05, 0.75), rng.uniform(0.02, 0.85)
        size = rng.uniform(0.05, 0.22), rng.uniform(0.02, 0.12)
        color = _COLORS[int(rng.integers(len(_COLORS)))]
        label = f"{rng.integers(1, 9)}" if rng.random() < 0.4 else ""
        marks.append(Mark("box", (float(top), float(left), float(top + size[0]), float(left + size[1])), color, label))
    if not marks or rng.random() < 0.5:
        top, left = float(rng.choice([0.01, 0.93])), float(rng.choice([0.01, 0.7]))
        text = f"LANE {rng.integers(1, 9)}  {rng.integers(10**5, 10**6)}"
        color = _COLORS[int(rng.integers(len(_COLORS)))]
        marks.append(Mark("text", (top, left, top + 0.05, left + 0.28), color, text))
    return tuple(marks)


def deliver(plan: DeliveryPlan, measurement: Measurement, pitch: tuple[float, float] | None = None) -> Delivered:
    """The scan as it leaves the machine.

    Parameters
    ----------
    plan : DeliveryPlan
    measurement : Measurement
    pitch : (float, float) or None [m]
        What the scan says of its row and column pitch; None: nothing.

    Returns
    -------
    Delivered
    """
    bad = np.union1d(measurement.channels.dead, measurement.channels.hot).astype(np.intp)
    covered = np.zeros(measurement.opaque.shape, bool)
    covered[measurement.channels.dead] = True
    if plan.delivery == "counts":
        faults = np.zeros(measurement.air.shape, bool)
        faults[:, bad] = True
        scan = Scan.from_array(
            measurement.counts,
            quantity="counts",
            air=measurement.air,
            dark=measurement.dark,
            pixel_pitch=pitch,
            bad_pixels=faults if plan.tells_faults else None,
            saturation=float(measurement.saturation) if plan.tells_saturation else None,
        )
        return Delivered(scan, measurement.opaque, covered)
    through = _normalized(plan, measurement, bad)
    if plan.delivery == "transmission":
        codes = _codes(through, plan)
        # What lies in the lowest step cannot be told from nothing.
        opaque = measurement.opaque | (cv2.blur(through[0], (3, 3)) < 1.0 / (plan.steps * plan.air_level))
        opaque[measurement.channels.dead] = False
        return Delivered(Scan.from_array(codes, quantity="transmission", pixel_pitch=pitch), opaque, covered)
    return _displayed(plan, measurement, through, covered, pitch)


def _normalized(plan: DeliveryPlan, measurement: Measurement, bad: np.ndarray) -> np.ndarray:
    """Transmission as the vendor computes it, shape (energies, rows, columns)."""
    span = measurement.air - measurement.dark
    usable = span > 0.02 * np.median(span, axis=1, keepdims=True)
    usable[:, bad] = False
    rng = np.random.default_rng(plan.stripes_seed)
    rows = span.shape[1]
    left = 0.5 * np.repeat(rng.standard_normal(-(-rows // MODULE)), MODULE)[:rows] + 0.8 * rng.standard_normal(rows)
    scale = np.divide(1.0 + plan.stripes * left, span, out=np.zeros_like(span), where=span > 0)
    scale[:, measurement.channels.dead] = 0.0
    through = (measurement.counts - measurement.dark[..., None]) * scale[..., None].astype(np.float32)
    if plan.fills:
        _fill(through, usable.all(axis=0))
    return through


def _fill(through: np.ndarray, usable: np.ndarray) -> None:
    """Replace channels that are not usable by the line between the nearest that are, in place."""
    good = np.flatnonzero(usable)
    if good.size == 0:
        return
    for row in np.flatnonzero(~usable):
        after = int(np.searchsorted(good, row))
        above, below = good[max(0, after - 1)], good[min(after, good.size - 1)]
        share = (row - above) / (below - above) if 0 < after < good.size else 0.0
        through[:, row] = (1 - share) * through[:, above] + share * through[:, below]


def _codes(through: np.ndarray, plan: DeliveryPlan) -> np.ndarray:
    """Transmission as 16-bit numbers, in ``steps`` steps of full scale."""
    codes = through * np.float32(plan.steps * plan.air_level)
    np.rint(codes, out=codes)
    np.clip(codes, 0, plan.steps, out=codes)
    return (codes.astype(np.uint32) * (65536 // (plan.steps + 1))).astype(np.uint16)


def gray_curve(plan: DeliveryPlan, through: np.ndarray) -> np.ndarray:
    """Gray from 0 to 1 of a transmission: a curve that never falls, 0 at ``black`` and below, 1 at ``white`` and above.

    Parameters
    ----------
    plan : DeliveryPlan
    through : ndarray of float32, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    gray: np.ndarray = (through - np.float32(plan.black)) * np.float32(1.0 / (plan.white - plan.black))
    np.clip(gray, 0.0, 1.0, out=gray)
    if plan.curve == "gamma":
        cv2.pow(gray, plan.strength, gray)
    elif plan.curve == "log":
        # log10 over `strength` decades, straightened near 0 so that it starts there.
        most = 10.0**plan.strength
        gray = np.log1p(gray * np.float32(most)) / np.float32(np.log1p(most))
    elif plan.curve == "s-shaped":
        ends = 1.0 / (1.0 + np.exp(plan.strength * np.array([0.5, -0.5])))
        gray = (1.0 / (1.0 + np.exp(np.float32(plan.strength) * (0.5 - gray))) - ends[0]) / (ends[1] - ends[0])
    elif plan.curve == "stretched":
        # Equalization of the histogram of what is neither black nor white, in part.
        share = np.histogram(gray[(gray > 0) & (gray < 1)], 1024, (0.0, 1.0))[0].astype(np.float64)
        steps = np.concatenate([[0.0], np.cumsum(share) / max(share.sum(), 1.0)])
        axis = np.linspace(0.0, 1.0, 1025)
        mixed = plan.strength * steps + (1.0 - plan.strength) * axis
        gray = np.interp(gray, axis, mixed / max(mixed[-1], 1e-9))
    return gray.clip(0.0, 1.0).astype(np.float32)


def toned(plan: DeliveryPlan, through: np.ndarray) -> np.ndarray:
    """The tones of a display picture from 0 to 255, black to air: `gray_curve`, then smoothed and sharpened as planned.

    Parameters
    ----------
    plan : DeliveryPlan
    through : ndarray of float32, shape (rows, columns)
        Transmission.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
    """
    gray = gray_curve(plan, through)
    if plan.smooth > 0:
        gray = cv2.GaussianBlur(gray, (0, 0), plan.smooth)
    if plan.sharpen > 0:
        gray += plan.sharpen * (gray - cv2.GaussianBlur(gray, (0, 0), 2.0))
    tones: np.ndarray = np.rint(gray.clip(0.0, 1.0) * 255.0).astype(np.uint8)
    return tones


def _displayed(
    plan: DeliveryPlan, measurement: Measurement, through: np.ndarray, covered: np.ndarray, pitch: tuple[float, float] | None
) -> Delivered:
    tone = toned(plan, through[0])
    opaque = measurement.opaque | (cv2.blur(tone, (3, 3)) < 1)
    opaque[measurement.channels.dead] = False
    shown = 255 - tone if plan.inverted else tone
    columns = shown.shape[1]
    left, right = (round(share * columns) for share in plan.blank)
    shown[:, :left] = shown[:, columns - right :] = 0
    covered[:, :left] = covered[:, columns - right :] = True
    picture = _colored(plan, shown, through)
    picture = _burn(picture, plan.marks, covered)
    encoded = None
    if plan.quality:
        picture, encoded = _compressed(picture, plan.quality)
    # What a reader of the file makes of it.
    plane = to_gray(picture) if picture.ndim == 3 else Plane(picture)
    scan = Scan.from_array(
        plane.pixels,
        quantity="display",
        pixel_pitch=pitch,
        bad_pixels=None if plane.covered is None else plane.covered[None],
        steps=plane.steps,
    )
    return Delivered(scan, opaque, covered, picture if picture.ndim == 3 else None, encoded)


def _colored(plan: DeliveryPlan, shown: np.ndarray, through: np.ndarray) -> np.ndarray:
    """The picture in false color (rows, columns, 3), or as it was where it stays gray."""
    if plan.palette in _MAPS:
        return np.ascontiguousarray(cv2.applyColorMap(shown, _MAPS[plan.palette])[..., ::-1])
    if plan.palette != "material" or len(through) < 2:
        return shown
    # Two energies: light elements orange, middle ones green, metals blue, after the ratio of the optical depths, which is
    # the smaller the more of the beam is lost to pair production. Vendors set the ends on test objects; here the load does.
    high, low = (-np.log(cv2.blur(plane, (5, 5)).clip(1e-5, 0.995)) for plane in through[:2])
    ratio = low / high
    sure = ratio[(high > 0.3) & (high < 3.0)][::16]
    least, most = np.quantile(sure, [0.05, 0.95]) if sure.size > 20 else (1.0, 1.5)
    index = ((ratio - least) * (255.0 / max(most - least, 0.01))).clip(0.0, 255.0).astype(np.uint8)
    axis = np.linspace(0.0, 1.0, 256)
    ends = zip(_BLUE, _GREEN, _ORANGE, strict=True)
    ramp = np.stack([np.interp(axis, [0.0, 0.5, 1.0], end) for end in ends], axis=-1).astype(np.float32)
    light = (shown[..., None] / 255.0).astype(np.float32)
    white = light**4
    return np.rint(255.0 * white + (1.0 - white) * light * ramp[index]).astype(np.uint8)


def _burn(picture: np.ndarray, marks: tuple[Mark, ...], covered: np.ndarray) -> np.ndarray:
    """The picture with its marks; ``covered`` is set where they are. A mark in color makes the picture one."""
    if not marks:
        return picture
    drawn = any(len(set(mark.color)) > 1 for mark in marks)
    if drawn and picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    picture, mask = np.ascontiguousarray(picture), np.zeros(covered.shape, np.uint8)
    rows, columns = covered.shape
    width = max(1, round(rows / 300))
    for mark in marks:
        top, left, bottom, right = (round(s * n) for s, n in zip(mark.place, (rows, columns) * 2, strict=True))
        for canvas, color in ((picture, mark.color if picture.ndim == 3 else mark.color[:1]), (mask, (255,))):
            if mark.kind != "text":
                cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), color, -1 if mark.kind == "filled" else width)
            if mark.text:
                at = (left, bottom) if mark.kind == "text" else (left, max(top - 2 * width, 0))
                size = max(0.3, (bottom - top) / 40.0) if mark.kind == "text" else max(0.4, rows / 900.0)
                cv2.putText(canvas, mark.text, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, width)
    covered |= mask > 0
    return picture


def _compressed(picture: np.ndarray, quality: int) -> tuple[np.ndarray, bytes]:
    """The picture after JPEG, and the file."""
    is_color = picture.ndim == 3
    fine, code = cv2.imencode(".jpg", picture[..., ::-1] if is_color else picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = cv2.imdecode(code, cv2.IMREAD_COLOR if is_color else cv2.IMREAD_GRAYSCALE) if fine else None
    if back is None:
        raise RecipeError(
            f"a picture of shape {picture.shape} cannot be written as JPEG; its sides may have 65535 pixels at most"
        )
    return (np.ascontiguousarray(back[..., ::-1]) if is_color else back), code.tobytes()
