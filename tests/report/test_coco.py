"""COCO instances, checked by pycocotools."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from fifty import fifty
from yard import SHA, Yard

from xrayscan.report.coco import coco
from xrayscan.report.masks import mask_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
api = pytest.importorskip("pycocotools.coco")


def loaded(data):
    """The data set as pycocotools takes it, after a way through a file."""
    made = api.COCO()
    made.dataset = json.loads(json.dumps(data, allow_nan=False))
    with contextlib.redirect_stdout(io.StringIO()):
        made.createIndex()
    return made


@pytest.fixture(scope="module")
def reports():
    return [(f"{number}.png", report.to_dict()) for number, report in enumerate(fifty())]


def test_pycocotools_finds_every_finding(reports):
    data = loaded(coco(reports))
    assert len(data.getImgIds()) == 50
    assert [data.cats[number]["name"] for number in data.getCatIds()] == ["person", "void", "density"]
    for image, (name, report) in zip(data.loadImgs(data.getImgIds()), reports, strict=True):
        assert (image["file_name"], image["height"], image["width"]) == (
            name, report["scan"]["rows"], report["scan"]["columns"],
        )  # fmt: skip
        annotations = data.loadAnns(data.getAnnIds(imgIds=image["id"]))
        assert len(annotations) == len(report["findings"])
        for annotation, finding in zip(annotations, report["findings"], strict=True):
            box, mask = finding["box"], mask_of(finding["mask"])
            assert data.cats[annotation["category_id"]]["name"] == finding["kind"]
            assert annotation["bbox"] == [box["left"], box["top"], mask.shape[1], mask.shape[0]]
            assert (annotation["area"], annotation["iscrowd"]) == (mask.sum(), 0)
            assert (annotation["score"], annotation["finding"]) == (finding["probability"], finding["id"])
            whole = np.zeros((image["height"], image["width"]), bool)
            whole[box["top"] : box["bottom"], box["left"] : box["right"]] = mask
            drawn = data.annToMask(annotation).astype(bool)
            assert np.logical_and(drawn, whole).sum() / np.logical_or(drawn, whole).sum() > 0.85


def test_it_follows_the_published_format(reports):
    data = coco(reports)
    images = {image["id"] for image in data["images"]}
    assert [annotation["id"] for annotation in data["annotations"]] == list(range(1, len(data["annotations"]) + 1))
    for annotation in data["annotations"]:
        assert annotation["image_id"] in images
        assert all(len(line) >= 6 and len(line) % 2 == 0 for line in annotation["segmentation"])
        assert annotation["area"] <= annotation["bbox"][2] * annotation["bbox"][3]


def test_it_scores_full_marks_against_itself(reports):
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth = loaded(coco(reports))
    with contextlib.redirect_stdout(io.StringIO()):
        found = truth.loadRes([dict(annotation) for annotation in truth.dataset["annotations"]])
        run = evaluation.COCOeval(truth, found, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    assert run.stats[0] > 0.99


def test_it_names_what_screened_and_what_was_not():
    one, other = Yard().report().to_dict(), Yard().report().to_dict()
    other["model"] = {**other["model"], "sha256": "f" * 64}
    data = coco([("a.png", one), ("b.png", other), ("c.png", one)], ["lane3/broken.tif"])
    first, second = data["info"]["screened_with"]
    assert (first["model"]["sha256"], second["model"]["sha256"]) == (SHA, "f" * 64)
    assert (first["threshold"], first["false_alarm_rate"]) == (0.6, 0.01)
    assert first["model"]["thresholds"] == {"0.01": 0.6, "0.05": 0.45, "0.1": 0.3}
    assert "xrayscan" in first["versions"]
    assert [image["screened_with"] for image in data["images"]] == [0, 1, 0]
    assert data["info"]["not_screened"] == ["lane3/broken.tif"]
    assert "No finding is not a clearance" in data["info"]["description"]
