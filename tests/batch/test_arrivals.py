"""When a scan of a watched folder is complete. The clock is the test's own."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from xrayscan.batch import BatchError, Settling
from xrayscan.batch.arrivals import Arrivals
from xrayscan.io import sidecar


class Yard:
    """A folder, and a clock that goes when it is told."""

    def __init__(self, folder: Path, settling: Settling | None = None) -> None:
        self.folder = folder
        self.now = 0.0
        self.arrivals = Arrivals(folder, settling or Settling(), lambda: self.now)

    def put(self, name: str, content: str | bytes = "scan") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def after(self, seconds: float) -> list[str]:
        """Names of what is complete so many seconds later."""
        self.now += seconds
        return [path.path.relative_to(self.folder).as_posix() for path in self.arrivals.look().complete]


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_a_scan_is_complete_when_it_has_not_changed_for_a_while(yard: Yard) -> None:
    yard.put("0412.tif", "half")
    assert [yard.after(seconds) for seconds in (0, 1.9)] == [[], []]
    yard.put("0412.tif", "and the rest")
    assert [yard.after(seconds) for seconds in (0.2, 1.9, 0.2, 60)] == [[], [], ["0412.tif"], ["0412.tif"]]


def test_a_change_of_the_time_alone_is_a_change(yard: Yard) -> None:
    yard.put("0412.tif")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["0412.tif"]]
    os.utime(yard.folder / "0412.tif", (1, 1))
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["0412.tif"]]


@pytest.mark.parametrize("name", ["a.tif.part", "a.tmp", "a.tif.crdownload", "a.tif.filepart", ".a.tif", "a_air.npy", "a.toml"])
def test_unfinished_copies_and_what_is_no_scan_are_left_alone(name: str, yard: Yard) -> None:
    yard.put(name)
    assert [yard.after(seconds) for seconds in (0, 100)] == [[], []]


def test_a_renamed_copy_is_a_new_scan(yard: Yard) -> None:
    yard.put("lane 3/a.tif.part")
    assert yard.after(0) == yard.after(10) == []
    (yard.folder / "lane 3/a.tif.part").rename(yard.folder / "lane 3/a.tif")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["lane 3/a.tif"]]


def test_a_raw_file_waits_for_its_sidecar_but_not_for_ever(yard: Yard) -> None:
    yard.put("a.raw")
    yard.put("b.raw")
    assert [yard.after(seconds) for seconds in (0, 59)] == [[], []]
    yard.put("a.toml", 'rows = 2\ncolumns = 2\ndtype = "uint8"')
    assert [yard.after(seconds) for seconds in (0.5, 1, 1)] == [[], ["b.raw"], ["a.raw", "b.raw"]]


def test_a_sidecar_that_every_scan_gets_is_waited_for(tmp_path: Path) -> None:
    yard = Yard(tmp_path, Settling(sidecars=True))
    yard.put("a.tif")
    yard.put("xrayscan.toml", "pixel_pitch = 0.005")  # of the folder, and not the scan's own
    assert [yard.after(seconds) for seconds in (0, 59)] == [[], []]
    yard.put("a.xrayscan.json", "{}")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.tif"]]


def test_calibration_that_a_sidecar_names_is_waited_for(yard: Yard) -> None:
    yard.put("a.npy")
    yard.put("a.toml", 'air = "beam.npy"')
    assert [yard.after(seconds) for seconds in (0, 59)] == [[], []]
    np.save(yard.folder / "beam.npy", np.ones(3))
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.npy"]]
    np.save(yard.folder / "beam.npy", np.ones(4))
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.npy"]]


def test_a_sidecar_that_comes_later_is_a_change(yard: Yard) -> None:
    yard.put("a.tif")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.tif"]]
    yard.put("a.xrayscan.toml", "pixel_pitch = 0.005")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.tif"]]


def test_an_empty_file_may_still_be_filled(yard: Yard) -> None:
    yard.put("a.tif", b"")
    assert [yard.after(seconds) for seconds in (0, 59, 1)] == [[], [], ["a.tif"]]


def test_a_bundle_is_complete_when_all_of_it_is(yard: Yard) -> None:
    yard.put("0412/manifest.toml", "xrayscan = 1\nscan = 'a.tif'")
    assert [yard.after(seconds) for seconds in (0, 1)] == [[], []]
    yard.put("0412/a.tif")
    assert [yard.after(seconds) for seconds in (0, 1, 1)] == [[], [], ["0412"]]


def test_a_share_that_is_away_for_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    yard = Yard(tmp_path / "share")
    yard.put("a.tif")
    assert [yard.after(seconds) for seconds in (0, 2)] == [[], ["a.tif"]]
    with caplog.at_level(logging.WARNING):
        (tmp_path / "share").rename(tmp_path / "away")
        assert [yard.after(seconds) for seconds in (1, 1)] == [[], []]
        (tmp_path / "away").rename(tmp_path / "share")
        assert yard.after(1) == ["a.tif"]
    assert ["cannot be listed" in record.message for record in caplog.records] == [True, False]


def test_times_are_above_0() -> None:
    with pytest.raises(BatchError, match="watching with poll = nan: expected seconds above 0"):
        Settling(poll=float("nan"))


def test_sidecars_have_the_names_that_reading_knows(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar, "names", lambda path: (f"{path.stem}.said.txt",))
    yard.put("0412.tif")
    yard.put("0412.said.txt")
    yard.put("0412.toml")
    yard.after(0)
    (arrival,) = yard.after(2) and yard.arrivals.look().complete
    assert [name for name, *_ in arrival.stamp] == ["0412.tif", "0412.said.txt"]
