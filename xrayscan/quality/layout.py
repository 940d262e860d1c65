"""The layout of a test-object scan: which object stands where, written by the laboratory in a small TOML file.

The standards leave the arrangement of their test objects to the user, so the user says it::

    name = "lane 3, monthly"
    unit = "px"                              # or "m", from the upper left corner of the picture

    [[objects]]
    name = "200 mm of steel"
    kind = "steel-step"
    box = [120, 300, 220, 420]               # top, left, bottom, right: the block
    target = [[150, 340], [190, 340], [170, 380]]   # corners of the arrow behind it, or a box
    thickness = 200                          # mm of steel
    target_thickness = 40                    # mm
    limits = { cnr_area = 5 }

=============  ==================================================================  ===========================================
kind           keys besides name, kind, box, limits                                measures (a limit is the least, or the most)
=============  ==================================================================  ===========================================
air                                                                                channels, columns, pulses, noise (most, %);
                                                                                   nps_low, nps_middle (most, mm²)
steel-step     target; thickness, target_thickness                                 cnr, cnr_area, contrast [%] (least)
foil           target; thickness, target_thickness                                 the same; least_visible (most, mm)
wire           ends: [[row, column], [row, column]]; diameter; thickness           snr, snr_100mm (least)
edge           axis: "rows" or "columns"                                           mtf50, mtf10 (least, line pairs/m);
                                                                                   detail (most, mm)
line-pairs     axis, period; open, solid: boxes of the two levels                  modulation [%], mtf [%] (least)
square         width, height                                                       aspect_error, width_error, height_error
                                                                                   (most, %, without sign)
=============  ==================================================================  ===========================================

``thickness`` is the steel of the block, or behind the foil or the wire (0: the wire is in air); where it is said, the scan has
to show it. Thicknesses, diameters, periods, widths and heights are in millimeters; boxes, targets and ends in ``unit``.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xrayscan.errors import XrayscanError

__all__ = ["KINDS", "Kind", "Layout", "LayoutError", "TestObject"]

MAX_BYTES = 1 << 20
MAX_OBJECTS = 1000


class LayoutError(XrayscanError, ValueError):
    """The layout of a test-object scan has an unknown key, or a value that makes no sense."""


@dataclass(frozen=True)
class Kind:
    """What objects of one kind need, and what is measured of them.

    Attributes
    ----------
    needs, may : tuple of str
        Keys.
    least, most : mapping of str to str
        Measures and their units: a limit is the least, or the most, that passes.
    """

    needs: tuple[str, ...]
    may: tuple[str, ...]
    least: Mapping[str, str]
    most: Mapping[str, str]

    @property
    def measures(self) -> dict[str, str]:
        """Measures and their units."""
        return {**self.least, **self.most}


_STEP = {"cnr": "", "cnr_area": "", "contrast": "%"}
_AIR = {"channels": "%", "columns": "%", "pulses": "%", "noise": "%", "nps_low": "mm²", "nps_middle": "mm²"}
_LINES = "line pairs/m"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "air": Kind((), (), {}, _AIR),
        "steel-step": Kind(("target",), ("thickness", "target_thickness"), _STEP, {}),
        "foil": Kind(("target",), ("thickness", "target_thickness"), _STEP, {"least_visible": "mm"}),
        "wire": Kind(("ends", "diameter"), ("thickness",), {"snr": "", "snr_100mm": ""}, {}),
        "edge": Kind(("axis",), (), {"mtf50": _LINES, "mtf10": _LINES}, {"detail": "mm"}),
        "line-pairs": Kind(("axis", "period"), ("open", "solid"), {"modulation": "%", "mtf": "%"}, {}),
        "square": Kind(("width", "height"), (), {}, {"aspect_error": "%", "width_error": "%", "height_error": "%"}),
    }
)

_EVERY = ("name", "kind", "box", "limits")
_LENGTHS = ("thickness", "target_thickness", "diameter", "period", "width", "height")
_BOXES = ("open", "solid")


@dataclass(frozen=True)
class TestObject:
    """One object of a layout.

    Attributes
    ----------
    name, kind : str
    box : (float, float, float, float)
        Top, left, bottom, right, in the layout's unit.
    parts : mapping
        Its other keys: lengths [mm], boxes and points in the layout's unit.
    limits : mapping of str to float
    """

    __test__ = False  # not for pytest

    name: str
    kind: str
    box: tuple[float, float, float, float]
    parts: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """Which test object stands where.

    Attributes
    ----------
    name : str
    unit : {"px", "m"}
    objects : tuple of TestObject

    Examples
    --------
    >>> layout = Layout.parse({"objects": [{"name": "open", "kind": "air", "box": [0, 0, 50, 200], "limits": {"noise": 1}}]})
    >>> layout.objects[0].box, dict(layout.objects[0].limits)
    ((0.0, 0.0, 50.0, 200.0), {'noise': 1.0})
    """

    name: str
    unit: str
    objects: tuple[TestObject, ...]

    @classmethod
    def load(cls, path: Path | str) -> Layout:
        """The layout of a TOML file.

        Raises
        ------
        LayoutError
            If it cannot be read, or says what makes no sense.
        """
        path = Path(path)
        try:
            with open(path, "rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise LayoutError(f"reading the layout {path}: the system refused it ({error.strerror or error})") from error
        if len(data) > MAX_BYTES:
            raise LayoutError(f"reading the layout {path}: it has over {MAX_BYTES} bytes; a layout is a small TOML file")
        try:
            content = tomllib.loads(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise LayoutError(
                f"reading the layout {path}: it is no text; expected a small TOML file that says which test object stands where"
            ) from error
        except (ValueError, RecursionError) as error:
            raise LayoutError(
                f"reading the layout {path}: it is no TOML ({error}); write [[objects]] with name, kind and box for each"
            ) from error
        try:
            return cls.parse(content, path.stem)
        except LayoutError as error:
            raise LayoutError(f"reading the layout {path}: {error}") from error

    @classmethod
    def parse(cls, content: Mapping[str, Any], name: str = "test objects") -> Layout:
        """The layout that a table says.

        Raises
        ------
        LayoutError
        """
        _only_known("the layout", content, ("name", "unit", "objects"))
        unit, objects = content.get("unit", "px"), content.get("objects")
        if unit not in ("px", "m"):
            raise LayoutError(f'unit is {unit!r}; expected "px" or "m"')
        if not isinstance(objects, list) or not objects or not all(isinstance(item, dict) for item in objects):
            raise LayoutError("it has no objects; write [[objects]] with name, kind and box for each")
        if len(objects) > MAX_OBJECTS:
            raise LayoutError(f"it has {len(objects)} objects; up to {MAX_OBJECTS} are measured")
        made = tuple(_object(item, number) for number, item in enumerate(objects, 1))
        names = [one.name for one in made]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise LayoutError(f"two objects are named {twice[0]!r}; give each its own name")
        return cls(str(content.get("name", name)), unit, made)


def _only_known(what: str, content: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise LayoutError(f"{what} has an unknown key {key!r}; {hint}")


def _object(content: Mapping[str, Any], number: int) -> TestObject:
    name = content.get("name", f"object {number}")
    if not isinstance(name, str) or not name.strip():
        raise LayoutError(f"object {number} has the name {name!r}; expected text")
    what, named = f"object {name!r}", str(content.get("kind"))
    if named not in KINDS:
        near = difflib.get_close_matches(named, KINDS, 1)
        raise LayoutError(
            f"{what} has the kind {named!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}")
        )
    kind = KINDS[named]
    _only_known(f"{what} of kind {named!r}", content, (*_EVERY, *kind.needs, *kind.may))
    for key in ("box", *kind.needs):
        if key not in content:
            raise LayoutError(f"{what} of kind {named!r} lacks {key!r}")
    parts = {key: _part(what, key, content[key], named) for key in (*kind.needs, *kind.may) if key in content}
    if named == "line-pairs" and ("open" in parts) != ("solid" in parts):
        raise LayoutError(f"{what} has only one of open and solid; give the boxes of both levels, or none")
    return TestObject(name, named, _box(what, "box", content["box"]), MappingProxyType(parts), _limits(what, named, content))


def _limits(what: str, kind: str, content: Mapping[str, Any]) -> Mapping[str, float]:
    limits = content.get("limits", {})
    if not isinstance(limits, dict):
        raise LayoutError(f"{what}: limits is {limits!r}; expected a table like {{ cnr = 3 }}")
    _only_known(f"{what}: limits", limits, tuple(KINDS[kind].measures))
    return MappingProxyType({key: _number(what, f"limits.{key}", value) for key, value in limits.items()})


def _number(what: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise LayoutError(f"{what}: {key} is {value!r}; expected a number, 0 or more")
    return float(value)


def _part(what: str, key: str, value: Any, kind: str) -> Any:
    if key in _LENGTHS:
        number = _number(what, key, value)
        if (kind, key, number) == ("wire", "thickness", 0.0):
            return number  # in air
        if not 0.0 < number <= 1e4:
            raise LayoutError(f"{what}: {key} is {number:g} mm; expected more than 0 and up to 10000")
        return number
    if key == "axis":
        if value not in ("rows", "columns"):
            raise LayoutError(
                f'{what}: axis is {value!r}; expected "columns" (upright edges and bars: sharpness along the travel) '
                'or "rows" (level ones: along the array)'
            )
        return value
    if key in _BOXES or (key == "target" and _is_box(value)):
        return _box(what, key, value)
    return _points(what, key, value, 2 if key == "ends" else None)


def _is_box(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and not any(isinstance(item, list) for item in value)


def _box(what: str, key: str, value: Any) -> tuple[float, float, float, float]:
    if not isinstance(value, list) or len(value) != 4:
        raise LayoutError(f"{what}: {key} is {value!r}; expected [top, left, bottom, right]")
    top, left, bottom, right = (_number(what, key, item) for item in value)
    if not (top < bottom and left < right):
        raise LayoutError(f"{what}: {key} is {value!r}; expected [top, left, bottom, right], top < bottom and left < right")
    return top, left, bottom, right


def _points(what: str, key: str, value: Any, count: int | None) -> tuple[tuple[float, float], ...]:
    wanted = "two points [[row, column], [row, column]]" if count else "a box, or three or more corners [[row, column], ...]"
    if not isinstance(value, list) or not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise LayoutError(f"{what}: {key} is {value!r}; expected {wanted}")
    if (count and len(value) != count) or len(value) < (count or 3):
        raise LayoutError(f"{what}: {key} has {len(value)} points; expected {wanted}")
    points = tuple((_number(what, key, row), _number(what, key, column)) for row, column in value)
    if len(set(points)) < len(points):
        raise LayoutError(f"{what}: {key} has the same point twice; expected {wanted}")
    return points
