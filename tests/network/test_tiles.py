import numpy as np
import pytest

from xrayscan.network.grid import MULTIPLE
from xrayscan.network.tiles import TILE_PIXELS, spans, tiles


@pytest.mark.parametrize("length", [32, 320, 352, 6016, 60000])
@pytest.mark.parametrize("reach", [0, 1, 187, 571])
def test_what_is_kept_covers_the_axis_once(length, reach):
    length = length // MULTIPLE * MULTIPLE
    kept = np.zeros(length, int)
    for span in spans(length, reach, 2048):
        kept[span.kept] += 1
        assert span.kept.start - span.start == span.inner.start
        assert span.stop - span.start <= max(2048, 2 * reach + 3 * MULTIPLE)
        assert span.start % MULTIPLE == span.stop % MULTIPLE == span.first % MULTIPLE == span.last % MULTIPLE == 0
        assert span.start == 0 or span.first - span.start >= reach
        assert span.stop == length or span.stop - span.last >= reach
    assert (kept == 1).all()


@pytest.mark.parametrize("shape", [(448, 60000), (60000, 448), (4000, 4000), (32, 32)])
def test_tiles_cover_the_grid_once_in_bounded_pieces(shape):
    shape = tuple(size // MULTIPLE * MULTIPLE for size in shape)
    kept = np.zeros(shape, np.int8)
    for rows, columns in tiles(shape, 571):
        kept[rows.kept, columns.kept] += 1
        assert (rows.stop - rows.start) * (columns.stop - columns.start) <= 1.6 * TILE_PIXELS
    assert (kept == 1).all()


def test_a_network_that_looks_everywhere_is_shown_everything():
    assert [(rows.stop, columns.stop) for rows, columns in tiles((448, 60000), None)] == [(448, 60000)]
