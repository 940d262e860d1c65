import numpy as np
import pytest

from xrayscan.separation import LIGHTEST, separate

PITCH = (0.01, 0.01)


def disks(*circles, shape=(200, 400)):
    """Circles: row, column, radius [px]."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.any([(rows - r) ** 2 + (columns - c) ** 2 <= radius**2 for r, c, radius in circles], axis=0)


def full(mask, density=20.0):
    return np.where(mask, density, 0.0).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_as_many_as_stand_side_by_side(count):
    mask = disks(*((100, 40 + 44 * k, 25) for k in range(count)))
    parts = separate(mask, full(mask), PITCH)
    assert len(parts) == count
    assert (np.sum(parts, axis=0) == mask).all()


def test_a_head_is_nobody_of_its_own():
    mask = disks((120, 100, 35), (75, 100, 14))
    assert len(separate(mask, full(mask), PITCH)) == 1


def test_who_weighs_too_little_goes_to_the_nearest():
    mask = disks((100, 60, 30), (100, 110, 30), (100, 152, 18))
    density = np.where(np.arange(400) > 140, 3.0, 20.0) * mask
    parts = separate(mask, density.astype(np.float32), PITCH)
    assert len(parts) == 2
    assert all(float(density[part].sum()) * 1e-3 >= LIGHTEST for part in parts)
    assert next(part for part in parts if part[100, 152])[100, 110]


def test_pixels_that_are_not_square():
    wide = disks((100, 60, 25), (100, 104, 25))[:, ::2]
    assert len(separate(wide, full(wide), (0.01, 0.02))) == 2


def test_one_that_is_as_thick_at_the_neck_is_not_cut():
    mask = disks((100, 60, 25), (100, 80, 25), (100, 100, 25))
    (part,) = separate(mask, full(mask), PITCH)
    assert (part == mask).all()
