"""What the OpenAPI description says of scans, reports and problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xrayscan.service.forms import FORMS
from xrayscan.service.problem import KINDS
from xrayscan.service.record import Record
from xrayscan.service.upload import BODIES

__all__ = ["SCHEMAS", "SUMMARY", "UPLOAD", "report_contents", "status_of"]

SUMMARY = (
    "Screens cargo X-ray scans for what is consistent with concealed people. A scan that was accepted is on the disk of the "
    "service and gets exactly one report, or one reason why there is none. No finding is not a clearance: a person decides."
)

_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_FILE = {"type": "string", "format": "binary"}


def status_of(record: Record) -> dict[str, Any]:
    """What a client is told of a scan."""
    here = f"/v1/scans/{record.id}"
    told = record.to_dict()
    shown = {name: told[name] for name in ("id", "name", "view", "bytes", "sha256", "state", "attempts")}
    shown |= {name: told[name] for name in ("received_at", "started_at", "finished_at", "priority", "score")}
    error = {"kind": record.error_kind, "detail": record.error} if record.state == "failed" else None
    report = {ending: f"{here}/report.{ending}" for ending in FORMS} if record.state == "screened" else None
    return {**shown, "error": error, "links": {"self": here, "report": report}}


SCHEMAS: Mapping[str, Any] = {
    "Scan": {
        "type": "object",
        "description": "One accepted scan.",
        "required": ["id", "name", "bytes", "sha256", "state", "attempts", "received_at", "error", "links"],
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Cannot be guessed."},
            "name": {"type": "string", "description": "What the client calls it, control characters escaped."},
            "view": {"type": ["integer", "null"], "description": "Which view of the scan is screened."},
            "bytes": {"type": "integer"},
            "sha256": {"type": "string", "description": "Of the scan's file as it came."},
            "state": {"enum": ["waiting", "screening", "screened", "failed"]},
            "attempts": {"type": "integer", "description": "How often screening was begun."},
            "received_at": _MOMENT,
            "started_at": _MOMENT,
            "finished_at": _MOMENT,
            "priority": {
                "type": ["string", "null"],
                "description": "high, opaque, poor, medium or low; low is not a clearance.",
            },
            "score": {"type": ["number", "null"]},
            "error": {
                "type": ["object", "null"],
                "description": "Why a scan failed: nothing is known of it.",
                "properties": {"kind": {"type": "string"}, "detail": {"type": "string"}},
            },
            "links": {
                "type": "object",
                "properties": {
                    "self": {"type": "string"},
                    "report": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
                },
            },
        },
    },
    "Report": {
        "type": "object",
        "description": "The report; its JSON Schema is given by /v1/report-schema.",
    },
    "Problem": {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"enum": [f"urn:xrayscan:problem:{kind}" for kind in KINDS]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What was expected, what came, what to do."},
        },
    },
}

UPLOAD: Mapping[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A scan as the body (a bundle is a ZIP), or a form with the scan, its sidecar and its calibration.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["scan"],
                    "additionalProperties": False,
                    "properties": {
                        "scan": {
                            **_FILE,
                            "minLength": 1,
                            "description": "The scan's file. Its name is shown; its suffix tells raw files.",
                        },
                        "sidecar": {**_FILE, "description": "TOML or JSON: pixel pitch, quantity, layout of raw files, ..."},
                        "air": {**_FILE, "description": "NumPy file: counts of the open beam."},
                        "dark": {**_FILE, "description": "NumPy file: counts of the closed beam."},
                        "bad_pixels": {**_FILE, "description": "NumPy file: mask of dead detector rows."},
                    },
                },
            },
            **{media: {"schema": {**_FILE, "minLength": 1}} for media in BODIES},
        },
    }
}


def report_contents() -> dict[str, Any]:
    """The media types of a report."""
    contents: dict[str, Any] = {form.media: {"schema": _FILE} for form in FORMS.values()}
    contents["application/json"] = {"schema": {"$ref": "#/components/schemas/Report"}}
    return contents
