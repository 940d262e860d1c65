"""Layouts: strict, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from xrayscan.quality import Layout, LayoutError
from xrayscan.quality.layout import KINDS

STEP = {"name": "block", "kind": "steel-step", "box": [0, 0, 40, 60], "target": [10, 10, 20, 30]}


def parse(**changes: object) -> Layout:
    item = {**STEP, **changes}
    return Layout.parse({"objects": [{key: value for key, value in item.items() if value is not None}]})


def test_every_kind_is_read():
    parts = {
        "target": [[5, 5], [5, 20], [20, 5]],
        "ends": [[2, 2], [30, 4]],
        "diameter": 2,
        "axis": "rows",
        "period": 10,
        "width": 300,
        "height": 300.0,
    }
    items = [
        {
            "name": name,
            "kind": name,
            "box": [0, 0, 40, 60],
            **{key: parts[key] for key in kind.needs},
            "limits": dict.fromkeys(kind.measures, 1),
        }
        for name, kind in KINDS.items()
    ]
    layout = Layout.parse({"name": "all", "unit": "m", "objects": items})
    assert [item.kind for item in layout.objects] == list(KINDS)
    assert layout.objects[1].parts["target"] == ((5.0, 5.0), (5.0, 20.0), (20.0, 5.0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "steel step"}, "object 'block' has the kind 'steel step'; did you mean 'steel-step'?"),
        ({"kind": "lead"}, "has the kind 'lead'; known are air, steel-step"),
        ({"kind": None}, "has the kind 'None'; known are"),
        ({"traget": [1, 2, 3, 4]}, "unknown key 'traget'; did you mean 'target'?"),
        ({"diameter": 3}, "object 'block' of kind 'steel-step' has an unknown key 'diameter'"),
        ({"target": None}, "of kind 'steel-step' lacks 'target'"),
        ({"box": None}, "lacks 'box'"),
        ({"box": [0, 0, 40]}, "box is .* expected .top, left, bottom, right."),
        ({"box": [40, 0, 0, 60]}, "top < bottom and left < right"),
        ({"box": [0, 0, "a", 60]}, "box is 'a'; expected a number, 0 or more"),
        ({"box": [0, 0, float("nan"), 60]}, "box is nan; expected a number"),
        ({"target": [[1, 1], [2, 2]]}, "target has 2 points; expected a box, or three or more corners"),
        ({"target": [[1, 1], [2, 2], [1, 1]]}, "target has the same point twice"),
        ({"target": "middle"}, "target is 'middle'; expected a box, or three or more corners"),
        ({"thickness": 0}, "thickness is 0 mm; expected more than 0"),
        ({"thickness": True}, "thickness is True; expected a number"),
        ({"limits": {"cnrs": 3}}, "limits has an unknown key 'cnrs'; did you mean 'cnr'?"),
        ({"limits": {"cnr": -1}}, "limits.cnr is -1; expected a number, 0 or more"),
        ({"limits": 3}, "limits is 3; expected a table"),
        ({"name": ""}, "object 1 has the name ''; expected text"),
    ],
)
def test_what_makes_no_sense_is_told(changes, words):
    with pytest.raises(LayoutError, match=words):
        parse(**changes)


def test_a_wire_may_be_in_air_and_a_block_may_not():
    wire = {"name": "w", "kind": "wire", "box": [0, 0, 9, 9], "ends": [[1, 1], [8, 1]], "diameter": 2}
    assert Layout.parse({"objects": [{**wire, "thickness": 0}]}).objects[0].parts["thickness"] == 0
    with pytest.raises(LayoutError, match="diameter is 0 mm; expected more than 0"):
        Layout.parse({"objects": [{**wire, "diameter": 0}]})


def test_axis_and_levels_of_line_pairs():
    bars = {"name": "bars", "kind": "line-pairs", "box": [0, 0, 9, 9], "axis": "columns", "period": 8}
    with pytest.raises(LayoutError, match="axis is 'across'; expected \"columns\""):
        Layout.parse({"objects": [{**bars, "axis": "across"}]})
    with pytest.raises(LayoutError, match="only one of open and solid"):
        Layout.parse({"objects": [{**bars, "open": [0, 0, 5, 5]}]})


def test_layout_wide_errors():
    with pytest.raises(LayoutError, match="the layout has an unknown key 'object'; did you mean 'objects'"):
        Layout.parse({"object": []})
    with pytest.raises(LayoutError, match=r"it has no objects; write \[\[objects\]\]"):
        Layout.parse({"objects": []})
    with pytest.raises(LayoutError, match='unit is \'mm\'; expected "px" or "m"'):
        Layout.parse({"unit": "mm", "objects": [STEP]})
    with pytest.raises(LayoutError, match="two objects are named 'block'"):
        Layout.parse({"objects": [STEP, STEP]})


def test_files(tmp_path: Path):
    path = tmp_path / "lane.toml"
    path.write_text('[[objects]]\nname = "a"\nkind = "air"\nbox = [0, 0, 10, 10]\n')
    assert Layout.load(path).name == "lane"
    with pytest.raises(LayoutError, match="absent.toml: the system refused it"):
        Layout.load(tmp_path / "absent.toml")
    path.write_text("[[objects]\n")
    with pytest.raises(LayoutError, match="lane.toml: it is no TOML"):
        Layout.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LayoutError, match="lane.toml: it is no text; expected a small TOML file that says which test object"):
        Layout.load(path)
    path.write_text('[[objects]]\nkind = "air"\n')
    with pytest.raises(LayoutError, match="lane.toml: object 'object 1' of kind 'air' lacks 'box'"):
        Layout.load(path)
