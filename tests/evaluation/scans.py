"""Packed scans of a few shapes, written by hand, and a detector that answers with what it is given."""

import json

import numpy as np

from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.simulate.packed import BITS, save_packed

SHAPE = (120, 200)
PERSON = (slice(40, 80), slice(30, 60))
OTHER = (slice(40, 80), slice(130, 160))
CAB = (slice(20, 60), slice(170, 195))
THING = {
    "kind": "person", "label": "sitting", "place": "in a crate", "mass": 60.0, "load": 30.0, "contrast": 50.0,
    "hidden_share": 0.0,
}  # fmt: skip


def write(folder, number, kind="clean", *, persons=(), driver=False, opaque=None, **about):
    """A packed scan NNNNNN.npz, with NNNNNN.json beside it; 10 g/cm² where a person is."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = np.zeros((7, *SHAPE), np.float32)
    packed[:2], packed[2] = 1.0, 1.0
    for place in persons:
        packed[(4, *place)] += BITS["person"]
        packed[(5, *place)] = 10.0
    if driver:
        packed[(4, *CAB)] += BITS["driver"]
    if opaque is not None:
        packed[(3, *opaque)] = 1.0
    said = {
        "kind": kind, "vehicle": "van", "load": "cartons+drums", "scanner": "one", "quantity": "counts", "look-alikes": [],
        "instances": [THING] * len(persons), **about,
    }  # fmt: skip
    path = folder / f"{number:06d}.npz"
    path.with_suffix(".json").write_text(json.dumps(said))
    save_packed(packed.astype(np.float16), path)
    return path


class Answers:
    """Places and the score of "person" there; optical depth tells it nothing."""

    def __init__(self, *places, name="given", calibration=None):
        self.places, self.id = places, ModelId(name, "1", f"hash of {name}", calibration or {"person": (1.0, 0.0)}, {})
        self.calls = 0

    def __call__(self, radiograph):
        self.calls += 1
        person, nothing = np.zeros(radiograph.shape, np.float32), np.zeros(radiograph.shape, np.float32)
        for place, score in self.places:
            person[place] = score
        person *= radiograph.valid & ~radiograph.opaque
        return AnomalyMap(person, nothing, nothing, person * 10, nothing, self.id)


def sitting_person():
    """What "tests.evaluation.scans:sitting_person" makes."""
    return Answers((PERSON, 0.9))
