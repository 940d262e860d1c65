"""Straightening: sway, tilt and lean are taken out, and nothing that was not measured is made up."""

import numpy as np

from xrayscan.normalize.straighten import straighten
from xrayscan.scan import Box, Geometry, Radiograph, Region

SHAPE = (200, 500)
PITCH = (0.005, 0.004)


def _radiograph(geometry: Geometry, **more) -> Radiograph:
    """A dense rectangle of rows 60 to 140 and columns 100 to 400, as it looks with that geometry."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    slope = -np.tan(np.radians(geometry.tilt or 0.0)) * PITCH[1] / PITCH[0]
    lean = -np.tan(np.radians(geometry.lean or 0.0)) * PITCH[0] / PITCH[1]
    lift = np.zeros(SHAPE[1]) if geometry.lift is None else geometry.lift
    up = row - slope * (column - SHAPE[1] / 2) - lift[None]
    across = column - lean * (up - SHAPE[0] / 2)
    depth = np.clip(up - 60, 0, 1) * np.clip(140 - up, 0, 1) * np.clip(across - 100, 0, 1) * np.clip(400 - across, 0, 1)
    clear = np.zeros(SHAPE, bool)
    fields = {"valid": ~clear, "opaque": clear, **more}
    return Radiograph(2.0 * depth[None], pixel_pitch=PITCH, geometry=geometry, **fields)


def test_tilt_lean_and_sway_are_taken_out():
    lift = 3.0 * np.sin(np.arange(SHAPE[1]) / 20)
    straight = straighten(_radiograph(Geometry(tilt=1.0, lean=-0.8, magnification=1.5, lift=lift)))
    plain = _radiograph(Geometry()).optical_depth[0]
    inside = straight.valid
    assert inside.mean() > 0.95
    assert np.abs(straight.optical_depth[0] - plain)[inside].mean() < 0.01
    assert np.isnan(straight.optical_depth[0][~inside]).all()
    assert straight.geometry.lift is None
    assert straight.geometry.tilt is None
    assert straight.geometry.magnification == 1.5
    assert "tilt 1.00 and lean -0.80 degrees taken out" in straight.history[-1].note


def test_what_was_not_measured_stays_as_it_is():
    radiograph = _radiograph(Geometry(magnification=1.4))
    assert straighten(radiograph) is radiograph


def test_boxes_shrink_to_what_they_were_drawn_around():
    rise = np.tan(np.radians(2.0)) * PITCH[1] / PITCH[0] * 150
    around = Box(round(60 - rise), 100, round(140 + rise), 400)
    radiograph = _radiograph(
        Geometry(tilt=2.0), containers=(around,), regions=(Region("container", around),), load_line=np.full(SHAPE[1], 70.0)
    )
    straight = straighten(radiograph)
    assert straight.containers == (Box(60, 100, 140, 400),)
    assert straight.regions[0].box == straight.containers[0]
    assert straight.load_line[0] < 70.0 < straight.load_line[-1]


def test_pixels_that_are_not_valid_or_opaque_spread_and_never_shrink():
    valid, opaque = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)
    valid[100] = False
    opaque[110, 200:210] = True
    straight = straighten(_radiograph(Geometry(tilt=0.5), valid=valid, opaque=opaque))
    assert (~straight.valid).sum() >= SHAPE[1]
    assert straight.opaque.sum() >= 10
    assert not (straight.opaque & ~straight.valid).any()
