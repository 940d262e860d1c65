"""The simulator's physics against closed forms and published figures."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from xrayscan.errors import RecipeError
from xrayscan.simulate.beam import Beam, optical_depth, signal_weights
from xrayscan.simulate.body import POSTURES, Body, draw_body, figure
from xrayscan.simulate.geometry import Fan, Solid, box, covered_length, cylinder, ellipsoid, interval, rotation
from xrayscan.simulate.material import MATERIALS, attenuation, basis
from xrayscan.simulate.render import Cavity, Hidden, render

FAN = Fan(3.4, 0.8, (0.01, 0.01), 2.0, -0.5, 260, 180)
# NIST, as PHYSICS.md of the project quotes it: mu/rho at 1, 2, 3, 4, 6, 8, 10 MeV [cm2/g].
NIST = {
    "water": (0.07072, 0.04942, 0.03969, 0.03403, 0.02770, 0.02429, 0.02219),
    "iron": (0.05995, 0.04265, 0.03621, 0.03312, 0.03057, 0.02991, 0.02994),
}
# Narrow-beam transmission of steel behind 1 cm Fe, rounded to two digits [C].
STEEL = {6.0: (3.4e-2, 1.9e-3, 1.2e-4), 9.0: (4.8e-2, 3.3e-3, 2.5e-4), 3.0: (1.5e-2, 4e-4, 1.5e-5)}


def path_length(solid, fan=FAN):
    enter, leave = interval(solid, fan.xs(), fan.slopes(), fan)
    return ((leave - enter) * torch.sqrt(1 + fan.slopes() ** 2)[:, None]).double()


class TestAttenuation:
    def test_water_is_nist(self):
        energy = np.array([1, 2, 3, 4, 6, 8, 10.0])
        np.testing.assert_allclose(attenuation("water", energy), NIST["water"], rtol=2e-3)

    def test_steel_is_nearly_iron(self):
        energy = np.array([1, 2, 3, 4, 6, 8, 10.0])
        np.testing.assert_allclose(attenuation("steel", energy), NIST["iron"], rtol=4e-3)

    def test_mass_fractions_add_up(self):
        for material in MATERIALS.values():
            assert sum(material.elements.values()) == pytest.approx(1.0, abs=0.012), material.name

    @pytest.mark.parametrize("name", sorted(set(MATERIALS) - {"lead", "tungsten", "CdWO4"}))
    def test_two_basis_materials_stand_for_any(self, name):
        energy = np.geomspace(0.4, 9, 30)
        water, iron = basis(name)
        mixed = water * attenuation("water", energy) + iron * attenuation("steel", energy)
        np.testing.assert_allclose(mixed, attenuation(name, energy), rtol=0.03)

    def test_energies_outside_the_table_are_refused(self):
        with pytest.raises(RecipeError, match="the table holds 0.05 to 10 MeV"):
            attenuation("water", np.array([20.0]))

    def test_an_unknown_material_is_named(self):
        with pytest.raises(RecipeError, match="no material 'unobtainium'; known are water"):
            basis("unobtainium")


class TestBeam:
    @pytest.mark.parametrize("endpoint", [3.0, 4.5, 6.0, 9.0])
    @pytest.mark.parametrize("mix", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
    def test_the_table_is_the_integral(self, endpoint, mix):
        areal = np.linspace(0, 250, 40)
        energy, weight = signal_weights(Beam(endpoint), bins=4000)
        exact = (
            np.exp(
                -np.outer(areal * mix[0], attenuation("water", energy)) - np.outer(areal * mix[1], attenuation("steel", energy))
            )
            @ weight
        )
        quick = torch.exp(
            -optical_depth(Beam(endpoint), torch.tensor(areal * mix[0]).float(), torch.tensor(areal * mix[1]).float())
        )
        np.testing.assert_allclose(quick.numpy(), exact, rtol=5e-3)

    @pytest.mark.parametrize("endpoint", STEEL)
    def test_steel_lets_through_what_is_published(self, endpoint):
        steel = torch.tensor([10.0, 20.0, 30.0]) * 7.85
        through = torch.exp(-optical_depth(Beam(endpoint), torch.zeros(3), steel)).numpy()
        # Two digits are given, for iron and without this detector's response.
        np.testing.assert_allclose(through, STEEL[endpoint], rtol=0.30)

    def test_the_beam_hardens(self):
        thin, thick = optical_depth(Beam(6.0), torch.zeros(2), torch.tensor([10.0, 200.0])).numpy() / [10.0, 200.0]
        assert thick < 0.9 * thin

    def test_absurd_endpoints_are_refused(self):
        with pytest.raises(RecipeError, match="expected 1 to 10 MeV"):
            Beam(60.0)


class TestPaths:
    @pytest.mark.parametrize(
        "solid",
        [
            box((0.1, -0.4, 0.1), (0.8, 0.3, 0.9), "water", 1.0),
            Solid("box", (0.4, 0.1, 0.5), (0.3, 0.2, 0.25), "water", 1.0, rotation(0.4, 0.7, -0.3)),
            ellipsoid((0.4, 0.0, 0.6), (0.3, 0.4, 0.25), "water", 1.0),
            Solid("ellipsoid", (0.4, 0.2, 0.6), (0.15, 0.4, 0.25), "water", 1.0, rotation(1.0, 0.5, 0.2)),
            cylinder((0.4, 0.0, 0.6), 0.25, 0.8, "water", 1.0),
            cylinder((0.4, 0.0, 0.6), 0.25, 0.8, "water", 1.0, axis="x"),
            Solid("capsule", (0.4, 0.1, 0.6), (0.12, 0.12, 0.4), "water", 1.0, rotation(0.3, 1.1, 0.0)),
        ],
        ids=lambda s: f"{s.shape}{'' if s.is_upright else ' turned'}",
    )
    def test_against_stepping_along_each_ray(self, solid):
        ys = np.linspace(-1.3, 1.3, 5201)
        xs, slopes = FAN.xs().numpy()[::9], FAN.slopes().numpy()[::13]
        lengths = path_length(solid).numpy()[::13, ::9]
        z = FAN.source_height + slopes[:, None, None] * (FAN.source_distance + ys)
        points = np.stack(np.broadcast_arrays(xs[None, :, None], ys[None, None, :], z), axis=-1)
        local = (points - np.asarray(solid.center)) @ solid.turn
        a, b, c = solid.half
        if solid.shape == "box":
            inside = (abs(local) <= [a, b, c]).all(-1)
        elif solid.shape == "ellipsoid":
            inside = ((local / [a, b, c]) ** 2).sum(-1) <= 1
        elif solid.shape == "cylinder":
            inside = ((local[..., :2] / a) ** 2).sum(-1) <= 1
            inside &= abs(local[..., 2]) <= c
        else:
            along = np.clip(local[..., 2], -(c - a), c - a)
            inside = (local[..., :2] ** 2).sum(-1) + (local[..., 2] - along) ** 2 <= a * a
        stepped = inside.sum(-1) * (ys[1] - ys[0]) * np.sqrt(1 + slopes[:, None] ** 2)
        assert abs(lengths - stepped).max() < 2.5e-3
        assert np.sqrt(((lengths - stepped) ** 2).mean()) < 5e-4

    def test_the_volume_of_a_ball(self):
        far = Fan(60.0, 0.5, (0.004, 0.004), 1.0, 0.0, 250, 250)
        ball = ellipsoid((0.5, 0.0, 0.5), (0.3, 0.3, 0.3), "water", 1.0)
        volume = float(path_length(ball, far).sum()) * 0.004**2
        assert volume == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=1e-3)

    def test_overlaps_count_once(self):
        first, second = (
            ellipsoid((0.4, 0.0, 0.6), (0.3,) * 3, "water", 1.0),
            ellipsoid((0.4, 0.0, 0.6), (0.2,) * 3, "water", 1.0),
        )
        spans = [interval(s, FAN.xs(), FAN.slopes(), FAN) for s in (first, second)]
        union = covered_length(torch.stack([s[0] for s in spans]), torch.stack([s[1] for s in spans]))
        torch.testing.assert_close(union, spans[0][1] - spans[0][0])

    def test_near_things_look_larger(self):
        near, far = FAN.row_of(-1.2, 1.8) - FAN.row_of(-1.2, 0.8), FAN.row_of(1.2, 1.8) - FAN.row_of(1.2, 0.8)
        assert near / far == pytest.approx((3.4 + 1.2) / (3.4 - 1.2))

    def test_flat_solids_are_refused(self):
        with pytest.raises(RecipeError, match="expected all above 0"):
            box((0, 0, 0), (1, 0, 1), "water", 1.0)


class TestRender:
    def test_upright_boxes_take_the_same_path_as_turned_ones(self):
        upright = box((0.105, -0.4, 0.1), (0.805, 0.3, 0.9), "water", 0.5)
        general = Solid("box", upright.center, upright.half, "water", 0.5, np.eye(3))
        quick, exact = render(FAN, [upright]).water, render(FAN, [general]).water
        inside = slice(65, 125)
        torch.testing.assert_close(quick[:, inside], exact[:, inside], atol=1e-3, rtol=1e-4)

    @pytest.mark.parametrize("turn", [None, np.eye(3)])
    def test_a_cavity_takes_away_just_what_it_cuts(self, turn):
        load = box((0, -1, 0), (1, 1, 1), "water", 0.4)
        load = load if turn is None else Solid("box", load.center, load.half, "water", 0.4, turn)
        hole = box((0.3, -0.5, 0.2), (0.7, 0.2, 0.8), "water", 1.0)
        whole, carved = render(FAN, [load]), render(FAN, [load], (Cavity(hole, "void"),))
        taken = render(FAN, [Solid("box", hole.center, hole.half, "water", 0.4, np.eye(3))])
        torch.testing.assert_close(carved.removed[0], whole.water - carved.water, atol=1e-3, rtol=1e-3)
        middle = slice(90, 115)
        torch.testing.assert_close(carved.removed[0][:, middle], taken.water[:, middle], atol=2e-3, rtol=1e-3)

    def test_a_cavity_spares_what_is_not_load(self):
        wall = box((0, -1, 0), (1, 1, 1), "water", 0.4)
        wall = Solid("box", wall.center, wall.half, "water", 0.4, wall.turn, is_load=False)
        carved = render(FAN, [wall], (Cavity(box((0.3, -0.5, 0.2), (0.7, 0.2, 0.8), "water", 1.0), "void"),))
        assert carved.removed[0].max() == 0


class TestBodies:
    @pytest.mark.parametrize("posture", POSTURES)
    def test_a_body_weighs_what_it_should(self, posture):
        body = draw_body(np.random.default_rng(5), posture)
        made = figure(body)
        far = Fan(60.0, 1.0, (0.01, 0.01), 2.2, -1.3, 240, 260)
        bare = type(made)(made.flesh, made.extra, 1e-6, made.size)
        areal = render(far, [], (), (Hidden("person", posture, figure=bare),)).hidden[0]
        mass = float(areal.sum()) * 0.01**2 * 10
        assert mass == pytest.approx(body.mass, rel=0.04)

    def test_areal_densities_are_those_of_a_body(self):
        body = Body(1.75, 75.0, "standing", 0.0, POSTURES["standing"])
        areal = render(
            Fan(60.0, 1.0, (0.005, 0.005), 2.0, -1.0, 400, 400), [], (), (Hidden("person", "", figure=figure(body)),)
        ).hidden[0]
        assert 10 < float(areal[areal > 1].median()) < 30
        assert 25 < float(areal.max()) < 65

    def test_impossible_bodies_are_refused(self):
        with pytest.raises(RecipeError, match="expected 0.9 to 2.2 m and 12 to 160 kg"):
            Body(3.0, 75.0, "standing", 0.0, POSTURES["standing"])
        with pytest.raises(RecipeError, match="no posture 'flying'; known are standing"):
            Body(1.7, 75.0, "flying", 0.0, POSTURES["standing"])
