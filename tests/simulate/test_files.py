"""Files: each delivery in each of its formats comes back as it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

import xrayscan as xs
from tests.simulate.lane import PITCH, delivered, of_van
from xrayscan.errors import RecipeError
from xrayscan.simulate.delivery import DeliveryPlan
from xrayscan.simulate.files import FORMATS, suffix_for, write, write_scan
from xrayscan.simulate.record import Record
from xrayscan.simulate.scanner import draw_scanner

PLANS = {
    "counts": DeliveryPlan("counts", tells_faults=True, tells_saturation=True),
    "transmission": DeliveryPlan("transmission", steps=4095),
    "display": DeliveryPlan("display", curve="gamma", strength=0.6),
}
EVERY = [(delivery, suffix) for delivery, suffixes in FORMATS.items() for suffix in suffixes]


def one(delivery, preset="portal 4.5 MV", **plan):
    scanner = draw_scanner(np.random.default_rng(0), preset)
    record = of_van(2, "person", delivery=delivery)
    return replace(
        record, scanner=scanner, delivery=replace(PLANS[delivery], **plan), states_pitch=delivery != "display", mirrored=False
    )


def equal(found, scan):
    """What was read is what was written."""
    assert (found.view.pixels == scan.view.pixels).all()
    assert found.view.pixels.dtype == scan.view.pixels.dtype
    assert found.view.quantity == scan.view.quantity
    assert found.view.energies == scan.view.energies
    assert found.view.pixel_pitch == (scan.view.pixel_pitch and pytest.approx(scan.view.pixel_pitch))
    for name in ("air", "dark", "bad_pixels"):
        mine, its = getattr(found.calibration, name), getattr(scan.calibration, name)
        assert (mine is None) == (its is None), name
        assert mine is None or (mine == its).all()
    assert found.calibration.saturation == scan.calibration.saturation


@pytest.mark.parametrize(("delivery", "suffix"), EVERY)
def test_one_energy_comes_back(delivery, suffix, tmp_path):
    found, truth = delivered(one(delivery))
    path = write(tmp_path, "0001", found, truth, suffix)
    assert path == tmp_path / f"0001{suffix}"
    scan = xs.read(path)
    if suffix == ".jpg":
        assert scan.view.quantity == "display"
        assert np.abs(scan.view.pixels.astype(int) - found.scan.view.pixels).mean() < 3
        return
    equal(scan, found.scan)
    assert (found.scan.calibration.saturation is not None) == (delivery == "counts")
    assert (found.scan.view.pixel_pitch == (PITCH, PITCH)) == (delivery != "display")


@pytest.mark.parametrize("delivery", ["counts", "transmission"])
@pytest.mark.parametrize("suffix", [".tif", ".npz"])
def test_two_energies_come_back(delivery, suffix, tmp_path):
    found, truth = delivered(one(delivery, "fixed 9/6 MV"))
    assert found.scan.view.energies == ("high", "low")
    equal(xs.read(write(tmp_path, "0001", found, truth, suffix)), found.scan)


@pytest.mark.parametrize(("delivery", "suffix"), [("counts", ".raw"), ("transmission", ".png")])
def test_two_energies_do_not_fit_in_one_image(delivery, suffix, tmp_path):
    found, truth = delivered(one(delivery, "fixed 9/6 MV"))
    with pytest.raises(RecipeError, match=r"hold.? one energy, the scan has 2; take .tif or .npz"):
        write(tmp_path, "0001", found, truth, suffix)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("delivery", ["counts", "transmission"])
@pytest.mark.parametrize("preset", ["portal 4.5 MV", "fixed 9/6 MV"])
def test_the_format_is_drawn_from_those_that_hold_the_scan(delivery, preset):
    found, truth = delivered(one(delivery, preset))
    drawn = {suffix_for(replace(truth, record=replace(truth.record, seed=(k,))), found) for k in range(40)}
    both = {".tif", ".npz"}
    assert drawn == (set(FORMATS[delivery]) if preset == "portal 4.5 MV" else both)
    assert suffix_for(truth, found) == suffix_for(truth, found)


def test_a_picture_that_is_compressed_is_the_scanner_s_own_jpeg(tmp_path):
    found, truth = delivered(one("display", quality=70))
    path = write(tmp_path, "0001", found, truth)
    assert path.suffix == ".jpg"
    assert path.read_bytes() == found.encoded
    equal(xs.read(path), found.scan)


def test_a_picture_in_color_is_a_color_png(tmp_path):
    found, truth = delivered(one("display", palette="jet"))
    path = write(tmp_path, "0001", found, truth)
    assert path.suffix == ".png"
    assert (cv2.imread(str(path))[..., ::-1] == found.color).all()
    equal(xs.read(path), found.scan)


def test_a_picture_has_a_sidecar_only_if_it_states_its_pitch(tmp_path):
    found, truth = delivered(one("display"))
    write(tmp_path, "silent", found, truth)
    assert not (tmp_path / "silent.toml").exists()
    stated, truth = delivered(replace(one("display"), states_pitch=True))
    equal(xs.read(write(tmp_path, "stated", stated, truth)), stated.scan)


def test_truth_and_record_lie_beside_it(tmp_path):
    found, truth = delivered(one("counts"))
    path = write(tmp_path, "0001", found, truth)
    said = json.loads((tmp_path / "0001.truth.json").read_text())
    assert (said.pop("file"), said.pop("sha256")) == (path.name, hashlib.sha256(path.read_bytes()).hexdigest())
    assert said == json.loads(json.dumps(truth.to_dict()))
    assert Record.load(tmp_path / "0001.record.json") == truth.record


def test_where_a_record_lies_the_scan_is_whole(tmp_path):
    found, truth = delivered(one("counts", "fixed 9/6 MV"))
    write(tmp_path, "0001", found, truth)
    with pytest.raises(RecipeError, match="raw lines hold one energy"):
        write(tmp_path, "0001", found, truth, ".raw")
    assert not (tmp_path / "0001.record.json").exists()


def test_errors_say_what_to_take(tmp_path):
    counts, picture = delivered(one("counts"))[0].scan, delivered(one("display"))[0].scan
    with pytest.raises(RecipeError, match=r"unknown ending '.dcm'; expected .tif, .npz, .raw, .png or .jpg"):
        write_scan(tmp_path / "a.dcm", counts)
    with pytest.raises(RecipeError, match=r"a JPEG holds 8 bits, which counts do not fit in; take .tif or .npz"):
        write_scan(tmp_path / "a.jpg", counts)
    write_scan(tmp_path / "a.jpg", picture)
    assert xs.read(tmp_path / "a.jpg").view.shape == picture.view.shape
