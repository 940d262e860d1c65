"""Raw files of detectors that did not deliver every column."""

import json

import numpy as np
import pytest

import xrayscan.io
from xrayscan.errors import ReadError

ROWS, COLUMNS = 40, 30


@pytest.fixture
def written(tmp_path):
    def write(lost, dtype=np.uint16, **more):
        pixels = (np.arange(ROWS)[:, None] * 300 + np.arange(COLUMNS) * 100 + 5000).astype(dtype)
        pixels.T.tofile(tmp_path / "lines.raw")
        said = {"rows": ROWS, "columns": COLUMNS, "dtype": np.dtype(dtype).name, "order": "columns", "lost_columns": lost}
        (tmp_path / "lines.xrayscan.json").write_text(json.dumps({**said, "quantity": "counts", "pixel_pitch": 0.01, **more}))
        return tmp_path / "lines.raw", pixels

    return write


def test_they_are_marked_as_not_measured_and_told(written):
    path, pixels = written([[3, 5], [29, 30]])
    view = xrayscan.io.read(path).view
    lost = np.isnan(view.pixels[0]).all(axis=0)
    assert np.flatnonzero(lost).tolist() == [3, 4, 29]
    np.testing.assert_array_equal(view.pixels[0][:, ~lost], pixels[:, ~lost])
    assert [step.note for step in view.steps if step.is_warning] == [
        "warning: 3 of 30 columns did not arrive whole and are marked as not measured"
    ]


def test_none_is_as_if_nothing_had_been_said(written):
    path, _ = written([])
    assert xrayscan.io.read(path).view.pixels.dtype == np.uint16


def test_no_bit_of_what_was_measured_is_lost(written):
    path, pixels = written([[0, 1]], np.uint32)
    np.testing.assert_array_equal(xrayscan.io.read(path).view.pixels[0][:, 1:], pixels[:, 1:])


def test_integers_of_transmission_stay_fractions_of_full_scale(written):
    path, pixels = written([[0, 1]], quantity="transmission")
    np.testing.assert_allclose(xrayscan.io.read(path).view.pixels[0][:, 1:], pixels[:, 1:] / 65535.0, rtol=1e-6)


@pytest.mark.parametrize("lost", [[[5, 3]], [[0, 31]], [[-1, 2]], [3], [[1, 2, 3]], 7, [["a", "b"]], [[True, 2]]])
def test_what_are_no_columns_is_refused(written, lost):
    with pytest.raises(ReadError, match=r"expected a list of \[first, last \+ 1\] within its 30 columns"):
        xrayscan.io.read(written(lost)[0])


def test_the_quantity_is_not_guessed(written):
    with pytest.raises(ReadError, match="says lost_columns and no quantity; say quantity = 'counts'"):
        xrayscan.io.read(written([[0, 1]], quantity=None)[0])


def test_full_scale_is_what_the_sidecar_says(written):
    path, pixels = written([[0, 1]], quantity="transmission", saturation=40_000)
    np.testing.assert_allclose(xrayscan.io.read(path).view.pixels[0][:, 1:], pixels[:, 1:] / 40_000, rtol=1e-6)
