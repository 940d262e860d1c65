import pickle

import pytest

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
