"""What the service knows of one scan: a noun that is a small JSON file beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal

__all__ = ["Record", "State", "now"]

State = Literal["waiting", "screening", "screened", "failed"]

_MOMENTS = ("received_at", "started_at", "finished_at")


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Record:
    """One accepted scan.

    Attributes
    ----------
    id : str
        32 hexadecimal digits that cannot be guessed.
    name : str
        What the client calls it; shown, and never used as a path.
    file : str
        Name of the scan in its folder; ours.
    view : int or None
        Which view of the scan is screened.
    bytes, sha256 : int [B], str
        Of the scan's file, as it came.
    received_at, started_at, finished_at : datetime or None
    key : str
        Hash of the request's idempotency key; empty if it had none.
    whole : str
        Hash of all that came, the sidecar and calibration included.
    state : {"waiting", "screening", "screened", "failed"}
    attempts : int
        How often screening was begun.
    deaths : int
        How often its worker process ended meanwhile.
    priority, score : str or None, float or None
        Of the report.
    error_kind, error : str
        Why it failed.

    Examples
    --------
    >>> record = Record("0" * 32, "lane3/0412.tif", "scan.tif", None, 5, "ab", now())
    >>> Record.from_text(record.to_text()) == record, record.is_finished
    (True, False)
    """

    id: str
    name: str
    file: str
    view: int | None
    bytes: int
    sha256: str
    received_at: datetime
    key: str = ""
    whole: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    state: State = "waiting"
    attempts: int = 0
    deaths: int = 0
    priority: str | None = None
    score: float | None = None
    error_kind: str = ""
    error: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether there is a report, or a reason why there is none."""
        return self.state in ("screened", "failed")

    def to_dict(self) -> dict[str, Any]:
        """As plain data, moments in ISO 8601."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items()}

    def to_text(self) -> str:
        """As JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=True)

    @classmethod
    def from_text(cls, text: str) -> Record:
        """The record that `to_text` wrote.

        Raises
        ------
        ValueError, TypeError
            If it is none.
        """
        told = json.loads(text)
        if not isinstance(told, dict):
            raise ValueError(f"a record is a JSON object, this is a {type(told).__name__}")
        known = {item.name for item in fields(cls)}
        values = {name: value for name, value in told.items() if name in known}
        for name in _MOMENTS:
            if values.get(name) is not None:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)
