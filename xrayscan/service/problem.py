"""Errors as a client sees them: problem details, that say what was expected, what came and what to do.

References
----------
.. [1] RFC 9457, Problem Details for HTTP APIs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from xrayscan.errors import XrayscanError

__all__ = ["KINDS", "MEDIA_TYPE", "RefusedError", "disk_full", "documented", "too_large"]

MEDIA_TYPE = "application/problem+json"

KINDS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "malformed": (400, "The request cannot be read"),
        "unauthorized": (401, "A token is needed"),
        "foreign-origin": (403, "The request comes from a web page of somebody else"),
        "not-found": (404, "There is no such thing"),
        "wrong-method": (405, "This cannot be done here"),
        "not-acceptable": (406, "There is no report in that form"),
        "too-slow": (408, "The upload took too long"),
        "not-finished": (409, "The scan is not screened yet"),
        "not-screened": (409, "The scan could not be screened"),
        "being-screened": (409, "The scan is being screened"),
        "key-in-use": (409, "Another request with this key goes on"),
        "key-reused": (409, "The key is that of another scan"),
        "gap": (409, "Lines are missing, came twice or are not whole"),
        "too-large": (413, "The upload is too large"),
        "unknown-form": (415, "Uploads of this kind are not taken"),
        "invalid": (422, "A part of the request makes no sense"),
        "upgrade": (426, "This address speaks WebSocket"),
        "busy": (429, "The queue is full"),
        "fault": (500, "The service is at fault"),
        "stopping": (503, "The service stops or is not ready"),
        "disk-full": (507, "There is no room on the disk"),
    }
)
"""Kind → HTTP status and title; the kind is the end of the problem's ``type``."""


class RefusedError(XrayscanError):
    """A request that is answered with a problem.

    Parameters
    ----------
    kind : str
        Of `KINDS`.
    detail : str
        What was expected, what came, what to do.
    retry_after : int or None [s]
        When to ask again.
    headers : mapping
        Further headers of the answer.
    more : mapping
        Further members of the problem.

    Examples
    --------
    >>> refusal = RefusedError("busy", "64 scans wait; send this one again later", retry_after=5)
    >>> refusal.status, refusal.headers["retry-after"], json.loads(refusal.body)["type"]
    (429, '5', 'urn:xrayscan:problem:busy')
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, dict(more or {})
        self.status, self.title = KINDS[kind]
        self.headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", **(headers or {})}
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)

    @property
    def told(self) -> dict[str, Any]:
        """The problem as plain data."""
        return {
            "type": f"urn:xrayscan:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }

    @property
    def body(self) -> bytes:
        """The problem as JSON."""
        return json.dumps(self.told, ensure_ascii=True).encode()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.kind, self.detail, self.headers, self.more)


def _again(kind: str, detail: str, headers: Mapping[str, str], more: Mapping[str, Any]) -> RefusedError:
    return RefusedError(kind, detail, headers=headers, more=more)


def disk_full() -> RefusedError:
    """There is no room for an upload."""
    return RefusedError(
        "disk-full", "the disk of the service has no room for this scan; its operator must free some, then send it again"
    )


def too_large(most: int) -> RefusedError:
    """The body is larger than is taken."""
    return RefusedError(
        "too-large", f"an upload may have {most} bytes; compress the file, cut the scan into parts, or have the limit raised"
    )


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """These problems as the responses of an OpenAPI operation."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, title = KINDS[kind]
        said = responses.get(status, {}).get("description")
        responses[status] = {
            "description": f"{said}; or {title[0].lower()}{title[1:]}" if said else title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in (409, 429, 503):
            responses[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return responses
