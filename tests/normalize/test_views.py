"""Ways in which a container is seen: rays from a point onto upright and L-shaped arrays."""

from __future__ import annotations

import numpy as np
import pytest

from xrayscan.normalize.views import ROOF, WIDTH, Views, coarse_views

ROOFS = (60.0, 250.0)


def one(bend: float, height: float = 2.591, above: float = 0.6, ratio: float = 1.8) -> Views:
    return Views(*(np.array([value], np.float32) for value in (bend, height, above, ratio)))


@pytest.mark.parametrize("bend", [np.inf, 0.5])
def test_the_roof_rails_are_where_they_were_found(bend):
    view = one(bend)
    assert view.seen_at(ROOFS, (view.height - ROOF[0],), 0.0)[0][0] == pytest.approx(ROOFS[0], abs=1e-3)
    assert view.scale(ROOFS, 1.0, 0.0)[0] == pytest.approx(1.8 * view.scale(ROOFS, 1.0, 1.0)[0], rel=2e-3)


def test_a_scale_goes_with_one_over_the_distance():
    view, distance = one(np.inf), WIDTH / 0.8
    scales = [float(view.scale(ROOFS, 1.0, u)[0]) * (distance + u * WIDTH) for u in (0.0, 0.3, 0.5, 1.0)]
    assert scales == pytest.approx([scales[0]] * 4, rel=2e-3)


def test_the_arm_continues_the_upright_array_and_sees_less_and_less_of_steeper_slopes():
    slopes = np.linspace(0.3, 1.2, 91, dtype=np.float32)
    views = Views(*(np.full(91, value, np.float32) for value in (0.6, 2.591, 0.6, 1.8)))
    steps = np.diff(views.channel(slopes))
    assert steps[:29] == pytest.approx(np.full(29, 0.01), abs=1e-5)
    middles = 0.5 * (slopes[1:] + slopes[:-1])
    assert steps[31:] == pytest.approx(0.01 * 0.6 / middles[31:] ** 2, rel=1e-3)


def test_the_coarse_grid_holds_each_view_once_upright_first():
    views = coarse_views((2.591, 2.896), ROOFS, 600.0)
    assert (np.diff(np.isinf(views.bend).astype(int)) <= 0).all()
    cells = np.stack([views.bend, views.height, views.above, views.ratio], axis=1)
    assert len(np.unique(cells, axis=0)) == len(cells) > 1000
    fine = views.pick(slice(0, 1)).quarters(0.5)
    assert np.isinf(fine.bend).all()
    assert fine.ratio.size == 4


@pytest.mark.parametrize("bend", [0.3, 0.45, 0.6])
def test_a_known_corner_gives_the_bend(bend):
    view = one(bend)
    corner = float((view.horizon(ROOFS) - view.samples(ROOFS) * bend)[0])
    known = Views(view.bend * 1.4, view.height, view.above, view.ratio, (corner - ROOFS[0]) / (ROOFS[1] - ROOFS[0]))
    assert known.bent().bend[0] == pytest.approx(bend, rel=1e-4)
    fine = known.bent().quarters(0.5)
    assert fine.horizon(ROOFS) - fine.samples(ROOFS) * fine.bend == pytest.approx(np.full(4, corner), abs=0.05)


def test_a_corner_above_the_container_leaves_upright_views_alone():
    assert np.isinf(coarse_views((2.591,), ROOFS, 600.0, corner=20.0).bend).all()
    bent = coarse_views((2.591,), ROOFS, 600.0, corner=150.0).bend
    assert np.isinf(bent[0])
    assert np.isfinite(bent[-1])


def _standard_errors(floor_hidden: bool) -> tuple[float, float]:
    """Of the row pitch, corner free and corner known to a row, where each edge is known to a row (Cramer and Rao)."""
    edges = [(2.58, 0.0), (2.53, 0.0), (2.53, 1.0), (2.47, 0.0), (2.47, 1.0), (0.012, 0.0), (0.0165, 1.0)]
    edges += [] if floor_hidden else [(0.118, 0.0), (0.165, 0.0), (0.118, 1.0), (0.165, 1.0)]

    def seen(values: np.ndarray) -> np.ndarray:
        bend, above, ratio, *roofs = values
        view = Views(*(np.array([value]) for value in (bend, 2.591, above, ratio)))
        rows = [float(view.seen_at((roofs[0], roofs[1]), (z,), u)[0][0]) for z, u in edges]
        corner = float((view.horizon((roofs[0], roofs[1])) - view.samples((roofs[0], roofs[1])) * bend)[0])
        return np.array([*rows, roofs[1], corner, np.log(view.middle_rows((roofs[0], roofs[1]))[0])])

    at, steps = np.array([0.6, 0.6, 2.0, 100.0, 480.0]), np.array([0.02, 0.02, 0.02, 1.0, 1.0])
    slopes = np.stack([(seen(at + step) - seen(at - step)) / (2 * step.max()) for step in np.diag(steps)], axis=1)
    rows, corner, pitch = slopes[:-2], slopes[-2], slopes[-1]
    tellings = (rows.T @ rows, rows.T @ rows + np.outer(corner, corner))
    free, known = (float(np.sqrt(pitch @ np.linalg.solve(one, pitch))) for one in tellings)
    return free, known


@pytest.mark.parametrize("floor_hidden", [False, True])
def test_edges_alone_hardly_tell_the_pitch_of_an_l_shaped_array_and_its_corner_does(floor_hidden):
    free, known = _standard_errors(floor_hidden)
    assert known < 0.003
    assert free > (3.0 if floor_hidden else 2.0) * known
