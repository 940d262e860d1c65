import pickle

import numpy as np
import pytest

import xrayscan as xs
from xrayscan import errors

BUILT_IN = {
    "ReadError": OSError, "UnknownFormatError": OSError, "CorruptScanError": OSError, "CalibrationError": ValueError,
    "ShapeError": ValueError, "ModelError": ValueError, "UnknownModelError": ValueError, "WeightsError": ValueError,
    "RecipeError": ValueError, "ReportError": ValueError, "MissingDependencyError": ImportError, "MisfitError": OSError,
}  # fmt: skip


@pytest.mark.parametrize(("name", "parent"), BUILT_IN.items())
def test_each_leaf_is_also_a_built_in(name, parent):
    kind = getattr(errors, name)
    assert issubclass(kind, parent)
    assert issubclass(kind, errors.XrayscanError)
    assert name in errors.__all__


@pytest.mark.parametrize(
    "error",
    [
        errors.ShapeError("dark has shape (512,)", expected=(1024,), actual=(512,)),
        errors.UnknownModelError("there is no model", available=("a", "b")),
        errors.MissingDependencyError("needs torch", extra="train"),
        errors.CorruptScanError("cut short"),
        errors.MisfitError("air has shape (512,)", expected=(1024,), actual=(512,)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_they_pickle_with_their_facts(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


class TestSlips:
    """What a beginner passes by mistake is told in words."""

    SCAN = xs.Scan.from_array(np.full((80, 120), 900, np.uint16), air=np.full(80, 1000.0), pixel_pitch=0.04)

    def test_an_array_is_no_path(self):
        with pytest.raises(TypeError, match=r"read was given a ndarray; pass a path, or .* with xs\.Scan\.from_array"):
            xs.read(np.zeros((3, 4)))

    def test_a_model_takes_radiographs(self):
        with pytest.raises(TypeError, match=r"was given a Scan; pass a Radiograph: xs\.normalize\(scan\), or screen"):
            xs.load_model()(self.SCAN)

    def test_the_map_comes_before_the_radiograph(self):
        radiograph = xs.normalize(self.SCAN)
        anomaly = xs.load_model()(radiograph)
        with pytest.raises(TypeError, match="find was given a Radiograph and a AnomalyMap; pass an AnomalyMap"):
            xs.find(radiograph, anomaly)

    def test_a_rate_is_a_number(self):
        with pytest.raises(TypeError, match="the false-alarm rate is '1%'; pass a number"):
            xs.Screener(false_alarm_rate="1%")
