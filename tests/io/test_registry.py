"""The registry: plug-ins are asked first, and a broken one never stops the others."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from reference import ramp

import xrayscan.io
from xrayscan.errors import MissingDependencyError, ReadError
from xrayscan.io import Contents, registry
from xrayscan.scan import Step


class Entry(SimpleNamespace):
    """Stands for an installed package's entry point."""

    def load(self):
        if isinstance(self.reader, Exception):
            raise self.reader
        return self.reader


def reader(can_read=lambda file: file.head.startswith(b"UFF"), read=lambda file: Contents(ramp()[0], vendor="Maker"), needs=()):
    return SimpleNamespace(NEEDS=needs, can_read=can_read, read=read)


@pytest.fixture
def plug_in(monkeypatch):
    """Install readers by name, for one test."""

    def install(**named):
        entries = [Entry(name=name, value=f"vendor.{name}", reader=given) for name, given in named.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "xrayscan.readers" else [])
        registry._plugged_in.cache_clear()

    yield install
    registry._plugged_in.cache_clear()


@pytest.fixture
def uff(tmp_path):
    path = tmp_path / "a.uff"
    path.write_bytes(b"UFF and so on")
    return path


def fail(_file):
    raise KeyError("oops")


def test_plugged_in_reader_reads(plug_in, uff):
    plug_in(uff=reader())
    scan = xrayscan.io.read(uff, pixel_pitch=0.005)
    assert scan.source.vendor == "Maker"
    assert next(iter(xrayscan.io.readers())) == "uff"
    np.testing.assert_array_equal(scan.view.pixels, ramp())


def test_plug_in_is_asked_before_the_built_in_ones(plug_in, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4), np.uint16))
    plug_in(special=reader(can_read=lambda file: file.suffix == ".npy"))
    assert xrayscan.io.read(tmp_path / "a.npy").source.vendor == "Maker"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ImportError("no toolkit"), r"'bad' could not be loaded: ImportError\('no toolkit'\); update or remove it"),
        (SimpleNamespace(read=1), r"'bad' could not be loaded: AttributeError\('it has no NEEDS, can_read'\)"),
        (reader(can_read=fail), r"'bad' was passed over: it broke while it was asked for a file: KeyError\('oops'\)"),
    ],
)
def test_broken_plug_in_warns_and_the_rest_reads(plug_in, uff, broken, message):
    plug_in(bad=broken, uff=reader())
    with pytest.warns(RuntimeWarning, match=message):
        assert xrayscan.io.read(uff).source.vendor == "Maker"


def test_plug_in_cannot_take_a_built_in_name(plug_in):
    plug_in(tiff=reader())
    with pytest.warns(UserWarning, match=r"'vendor.tiff' has the built-in name 'tiff'; rename it"):
        assert xrayscan.io.readers()["tiff"].__name__ == "xrayscan.io.tiff"


def test_plug_in_that_breaks_while_reading_is_a_read_error(plug_in, uff):
    plug_in(uff=reader(read=fail))
    with pytest.raises(
        ReadError, match=r"a\.uff: the plugged-in reader 'uff' broke \(KeyError\('oops'\)\); ask its maker"
    ) as caught:
        xrayscan.io.read(uff)
    assert isinstance(caught.value.__cause__, KeyError)


def test_plug_in_that_gives_no_image_is_named(plug_in, uff):
    plug_in(uff=reader(read=lambda file: Contents(np.zeros((2, 2), complex))))
    with pytest.raises(ReadError, match="its pixels are complex128; expected integers or real floats"):
        xrayscan.io.read(uff)
    plug_in(uff=reader(read=lambda file: None))
    with pytest.raises(ReadError, match=r"'uff' gave a NoneType; expected xrayscan.io.Contents"):
        xrayscan.io.read(uff)


def test_reader_whose_need_is_not_installed_says_so(plug_in, uff):
    plug_in(uff=reader(needs=("numpy", "no_such_toolkit")))
    with pytest.raises(
        MissingDependencyError, match=r"reader 'uff' needs no_such_toolkit, .* run: pip install no_such_toolkit"
    ):
        xrayscan.io.read(uff)


def test_further_views_keep_their_own_calibration_and_take_what_holds_for_all(plug_in, uff):
    side = Contents(ramp()[0][:4], quantity="transmission", air=np.full(4, 7.0), steps=(Step("decode", "side view"),))
    plug_in(uff=reader(read=lambda file: Contents(ramp()[0], others=(side, Contents(ramp()[0][:3])))))
    scan = xrayscan.io.read(uff, quantity="counts", pixel_pitch=0.005, endpoints=6.0, air=60000.0)
    assert [view.shape[0] for view in scan.views] == [ramp().shape[1], 4, 3]
    assert {view.quantity for view in scan.views} == {"counts"}
    assert {view.pixel_pitch for view in scan.views} == {(0.005, 0.005)}
    assert {view.endpoints for view in scan.views} == {(6.0,)}
    assert scan.calibration.air.shape == (1, ramp().shape[1])
    assert scan.views[1].calibration.air.tolist() == [[7.0] * 4]
    assert scan.views[1].steps[0].note == "side view"
    assert scan.views[2].calibration is None
