"""What every reader must do, as one class of tests: a subclass names a sound file."""

from __future__ import annotations

import hashlib
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from reference import TABLE, Row

import xrayscan.io
from xrayscan.errors import CorruptScanError, ReadError
from xrayscan.io import registry
from xrayscan.io.file import ScanFile


def rows_named(*names: str) -> tuple[Row, ...]:
    return tuple(row for row in TABLE if row.name in names)


class ReaderTests:
    """Inherit as ``class TestTiff(ReaderTests)`` and set ``reader``, ``sound`` and ``rows``."""

    reader: str
    sound: str
    suffixes: tuple[str, ...]

    @property
    def row(self) -> Row:
        return rows_named(self.sound)[0]

    def test_has_the_three_names(self) -> None:
        module = registry.readers()[self.reader]
        assert isinstance(module.NEEDS, tuple)
        assert callable(module.can_read)
        assert callable(module.read)

    def test_reads_its_rows_of_the_table(self, tmp_path: Path) -> None:
        rows = [row for row in TABLE if row.name.endswith(self.suffixes)]
        assert len(rows) >= 2
        for row in rows:
            scan = xrayscan.io.read(row.make(tmp_path))
            view = scan.view
            assert view.pixels.dtype == row.pixels.dtype, row.name
            assert view.pixels.shape == row.pixels.shape, row.name
            assert view.pixels.dtype.isnative, row.name
            assert view.pixels.flags.c_contiguous, row.name
            assert {at: view.pixels[at].item() for at in row.values} == row.values, row.name
            np.testing.assert_array_equal(view.pixels, row.pixels, err_msg=row.name)
            assert view.quantity == row.quantity, row.name

    def test_source_names_the_file_and_its_hash(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        source = xrayscan.io.read(str(path)).source
        assert source.path == str(path)
        assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

    def test_keywords_win(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        rows = self.row.pixels.shape[1]
        scan = xrayscan.io.read(path, quantity="transmission", pixel_pitch=0.004, air=np.full(rows, 9.0), dark=0.5)
        assert scan.view.quantity == "transmission"
        assert scan.view.pixel_pitch == (0.004, 0.004)
        assert scan.calibration.air[0, 0] == 9.0
        assert scan.calibration.dark.shape == (self.row.pixels.shape[0], rows)

    def test_cut_off_anywhere_is_an_error(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        data = path.read_bytes()
        for length in sorted(
            {0, 1, 3, 9, 20, 50, len(data) // 4, len(data) // 2, len(data) - 100, len(data) - 12, len(data) - 1}
        ):
            path.write_bytes(data[: max(length, 0)])
            with pytest.raises(ReadError, match=r"^reading .*: "):
                xrayscan.io.read(path)

    def test_empty_is_an_error(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        path.write_bytes(b"")
        with pytest.raises(CorruptScanError, match="the file is empty"):
            xrayscan.io.read(path)

    def test_zeros_in_the_middle_never_take_memory(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        data = bytearray(path.read_bytes())
        for start in range(0, min(len(data), 256), 16):
            hurt = data.copy()
            hurt[start : start + 16] = b"\xff" * 16
            path.write_bytes(hurt)
            assert peak_of_reading(path) < 16e6


class ImageReaderTests(ReaderTests):
    """For formats known by their first bytes."""

    def test_is_known_by_content_not_by_suffix(self, tmp_path: Path) -> None:
        path = self.row.make(tmp_path)
        odd = shutil.copy(path, tmp_path / "scan.of_lane_3")
        assert registry.choose(ScanFile.open(Path(odd)))[0] == self.reader
        np.testing.assert_array_equal(xrayscan.io.read(odd).view.pixels, self.row.pixels)


def peak_of_reading(path: Path) -> int:
    """Most memory [B] that Python and NumPy held while the file was read, or refused."""
    tracemalloc.start()
    try:
        xrayscan.io.read(path)
    except ReadError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak
