"""Findings as COCO instances, for labeling tools.

Findings come as polygons: tools can edit them, and some read no run lengths. Those stand in ``report.json``, in COCO's way.

References
----------
.. [1] T.-Y. Lin et al., Microsoft COCO: common objects in context, 2014. https://doi.org/10.1007/978-3-319-10602-1_48;
   format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from xrayscan.explain.legend import DISCLAIMER
from xrayscan.explain.picture import DEPTH_OF_BLACK, GAMMA, UNMEASURED
from xrayscan.network.anomaly import KINDS
from xrayscan.report.masks import mask_of, polygons_without_holes
from xrayscan.scan import Radiograph

__all__ = ["coco", "plain_picture"]


def coco(reports: Iterable[tuple[str, Mapping[str, Any]]], not_screened: Sequence[str] = ()) -> dict[str, Any]:
    """A COCO data set of reports: one image a scan, one annotation a finding.

    Parameters
    ----------
    reports : iterable of (str, mapping)
        Name of the picture, which has the scan's own pixels, and what ``Report.to_dict()`` gives, or a ``report.json`` read
        back.
    not_screened : sequence of str
        Scans that there is no report of; they are named in ``info`` and are no images: nothing is known of them.

    Returns
    -------
    dict
        JSON-safe. ``bbox`` is [left, top, width, height], ``area`` counts the mask's pixels, ``iscrowd`` is 0, ``score`` is
        the finding's probability. Beyond the format: ``finding``, ``mass_kg`` and ``sentences`` of annotations; ``score``,
        ``priority``, ``inspected`` and what it was ``screened_with`` (an index into ``info``) of images.

    Raises
    ------
    KeyError
        If one of them is no report.

    Examples
    --------
    >>> coco([])["categories"]
    [{'id': 1, 'name': 'person', 'supercategory': 'finding'},
     {'id': 2, 'name': 'void', 'supercategory': 'finding'},
     {'id': 3, 'name': 'density', 'supercategory': 'finding'}]
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    makers: list[dict[str, Any]] = []
    for number, (name, report) in enumerate(reports, 1):
        maker = _maker(report)
        if maker not in makers:
            makers.append(maker)
        images.append({"id": number, **_image(name, report), "screened_with": makers.index(maker)})
        for finding in report["findings"]:
            told = _annotation(finding)
            annotations.append({"id": len(annotations) + 1, "image_id": number, **told})
    return {
        "info": {
            "description": f"Findings of xrayscan for a person to review. {DISCLAIMER}",
            "version": "1.0",
            "screened_with": makers,
            "not_screened": list(not_screened),
        },
        "licenses": [],
        "categories": [{"id": i, "name": kind, "supercategory": "finding"} for i, kind in enumerate(KINDS, 1)],
        "images": images,
        "annotations": annotations,
    }


def plain_picture(radiograph: Radiograph) -> bytes:
    """The optical depth of a scan as a gray picture on the scan's own pixels, on which the annotations lie.

    Gray is as in the report (`xrayscan.explain.picture`); pixels are not made square.

    Parameters
    ----------
    radiograph : Radiograph

    Returns
    -------
    bytes
        PNG of 8 bits.

    Raises
    ------
    AttributeError
        If it is no radiograph.

    Examples
    --------
    >>> ones = np.ones((2, 3), bool)
    >>> png = plain_picture(Radiograph(np.float32([[[0, 1, 2], [4, 8, 9]]]), ones, ~ones, (0.005, 0.01)))
    >>> cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    array([[255, 196, 158],
           [ 98,   0,   0]], dtype=uint8)
    """
    depth = np.clip(np.nan_to_num(radiograph.optical_depth[0]), 0, DEPTH_OF_BLACK)
    gray = np.round(255 * (1 - (depth / DEPTH_OF_BLACK) ** GAMMA)).astype(np.uint8)
    gray[~radiograph.valid] = UNMEASURED
    return cv2.imencode(".png", gray)[1].tobytes()


def _maker(report: Mapping[str, Any]) -> dict[str, Any]:
    told = ("model", "threshold", "false_alarm_rate", "versions")
    return {"report_schema": report["schema_version"], **{name: report[name] for name in told}}


def _image(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    told = ("score", "priority", "inspected", "opaque_fraction")
    return {
        "file_name": name,
        "width": report["scan"]["columns"],
        "height": report["scan"]["rows"],
        "source": {"path": report["source"]["path"], "sha256": report["source"]["sha256"]},
        **{key: report[key] for key in told},
    }


def _annotation(finding: Mapping[str, Any]) -> dict[str, Any]:
    box, mask = finding["box"], mask_of(finding["mask"])
    left, top = box["left"], box["top"]
    return {
        "category_id": KINDS.index(finding["kind"]) + 1,
        "bbox": [left, top, box["right"] - left, box["bottom"] - top],
        "area": int(mask.sum()),
        "segmentation": [line.ravel().tolist() for line in polygons_without_holes(mask, (left, top))],
        "iscrowd": 0,
        "score": finding["probability"],
        "finding": finding["id"],
        "mass_kg": finding["mass_kg"],
        "sentences": finding["sentences"],
    }
