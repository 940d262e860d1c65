"""Steel that stands for an optical depth: against the simulator's beam and published figures."""

from __future__ import annotations

import numpy as np
import pytest

from xrayscan.quality.steel import optical_depth_of_steel, steel_thickness


@pytest.mark.parametrize("endpoint", [2.5, 3.0, 3.8, 4.5, 6.0, 8.0, 9.0])
def test_it_agrees_with_the_simulated_beam(endpoint):
    torch = pytest.importorskip("torch")
    from xrayscan.simulate.beam import Beam, optical_depth

    thickness = np.array([20.0, 75.0, 100.0, 250.0, 400.0])
    iron = torch.tensor(0.785 * thickness, dtype=torch.float32)
    depth = optical_depth(Beam(endpoint), torch.zeros(5), iron).numpy()
    found = [steel_thickness(float(value), endpoint) for value in depth]
    np.testing.assert_allclose(found, thickness, rtol=0.05)


# Published narrow-beam transmissions of 100, 200, 300 and 400 mm; no word on filter and detector.
@pytest.mark.parametrize(
    ("endpoint", "transmissions"),
    [(3, (1.5e-2, 4e-4, 1.5e-5, 6e-7)), (6, (3.4e-2, 1.9e-3, 1.2e-4, 8e-6)), (9, (4.8e-2, 3.3e-3, 2.5e-4, 2e-5))],
)
def test_published_figures_are_met_within_what_it_claims(endpoint, transmissions):
    for thickness, transmission in zip((100, 200, 300, 400), transmissions, strict=True):
        assert steel_thickness(-np.log(transmission), endpoint) == pytest.approx(thickness, rel=0.1)


def test_there_and_back_again():
    for thickness in (0.0, 5.0, 130.0, 499.0, 700.0):
        assert steel_thickness(optical_depth_of_steel(thickness, 5.5), 5.5) == pytest.approx(thickness, abs=1e-6)
    assert steel_thickness(5.0, 9.0) > steel_thickness(5.0, 3.0)
