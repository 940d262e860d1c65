"""Contact sheets: what they are drawn from, and their size."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.simulate.lane import made, of_van
from xrayscan.simulate import sheet
from xrayscan.simulate.delivery import DeliveryPlan
from xrayscan.simulate.loads import LOADS
from xrayscan.simulate.record import Choices
from xrayscan.simulate.sheet import CAPTION, COLORS, TILE, contact_sheet, gray, records

SEEN = replace(of_van(4), delivery=DeliveryPlan("transmission"), states_pitch=True)


def test_every_load_comes_before_any_comes_twice():
    loads = [name for name, kind in LOADS.items() if {"box", "open"} & set(kind.rooms)]
    drawn = records(len(loads) + 5, 1)
    assert [record.choices.loads for record in drawn[: len(loads)]] == [(name,) for name in loads]
    assert all(record.choices == Choices() for record in drawn[len(loads) :])
    assert {record.delivery.delivery for record in drawn} == {"transmission"}
    assert [record.kind for record in records(4, 1, ("clean", "person"))] == ["clean", "person", "clean", "person"]


def test_air_is_white():
    picture = gray(made(SEEN)[0])
    assert picture.dtype == np.uint8
    assert picture[:2].mean() > 240
    assert picture.min() < 120


@pytest.mark.parametrize("outlined", [False, True])
def test_a_tile_is_of_its_size_with_outlines_only_where_asked(outlined):
    tile, caption = sheet._tile((SEEN, outlined))
    assert tile.shape == (TILE[1], TILE[0], 3)
    assert caption == f"person: {made(SEEN)[1].load}; van; {SEEN.scanner.endpoints[0]:g} MV"
    assert (tile == COLORS["person"]).all(-1).any() == outlined


def test_a_load_without_room_for_a_void_is_shown_clean(monkeypatch):
    monkeypatch.setattr("xrayscan.simulate.run.ATTEMPTS", 1)
    record = replace(SEEN, kind="void", choices=Choices(("van",), ("empty",), persons=(1.0,)))
    assert sheet._tile((record, True))[1].startswith("clean: empty")


def test_a_sheet_has_rows_of_tiles_with_captions():
    tiles = [(np.full((TILE[1], TILE[0], 3), 40 * k, np.uint8), f"tile {k}") for k in range(3)]
    drawn = contact_sheet(tiles, 2)
    assert drawn.shape == (2 * (TILE[1] + CAPTION), 2 * TILE[0], 3)
    assert (drawn[: TILE[1], : TILE[0]] == 0).all()
    assert (drawn[: TILE[1], TILE[0] :] == 40).all()
    assert drawn[TILE[1] : TILE[1] + CAPTION].min() < 100, "the caption is written"
    assert (drawn[TILE[1] + CAPTION :, TILE[0] :] == 255).all(), "nothing in the last place"


def test_the_program_writes_a_sheet_of_two(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "records", lambda count, seed, kinds: [of_van(4, kind) for kind in kinds][:count])
    out = tmp_path / "sheet.jpg"
    sheet.main([str(out), "--count", "2", "--across", "2", "--kinds", "clean", "person", "--truth", "--workers", "1"])
    assert cv2.imread(str(out)).shape == (TILE[1] + CAPTION, 2 * TILE[0], 3)
