"""What a process for first looks does: it looks at the last meters of a scan whose lines still come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xrayscan.batch.names import printable
from xrayscan.service.lines import Lines

__all__ = ["Looks", "LooksFactory", "ModelLooks", "Seen", "Sight", "look_one"]

_SENTENCE = 500  # characters of an error that are told


@dataclass(frozen=True)
class Sight:
    """What there is to look at.

    Attributes
    ----------
    scan : str
        Its id; another one begins anew.
    file : Path
        Its lines so far.
    lines : Lines
        What is said of them.
    columns : int
        How many lie in the file.
    lost : list of (int, int)
        Those of them that did not come, half open.
    """

    scan: str
    file: Path
    lines: Lines
    columns: int
    lost: list[tuple[int, int]]


@dataclass(frozen=True)
class Seen:
    """What a look found, as a client is told it; or why there was none."""

    findings: tuple[dict[str, Any], ...] = ()
    problem: str = ""


Looks = Callable[[Sight], tuple[dict[str, Any], ...]]
"""Gives what it did not tell before of a scan."""

LooksFactory = Callable[[], Looks]
"""Makes what looks, once in every process; must pickle."""


@dataclass(frozen=True)
class ModelLooks:
    """Looks with a model, loaded once in each process.

    Attributes
    ----------
    model : str, Path or None
        A shipped model's name or a model folder; None is the default model.
    threads : int or None
        Threads of one inference.
    """

    model: str | Path | None = None
    threads: int | None = 1

    def __call__(self) -> Looks:
        """What looks; looks that it would be late for are left out.

        Raises
        ------
        ModelError
            If the model is unknown or damaged.
        """
        from xrayscan.first_look import FirstLook, light
        from xrayscan.report.record import finding_record, plain
        from xrayscan.zoo import load_model

        model = light(load_model(self.model, threads=self.threads))
        now: dict[str, FirstLook] = {}
        seen: list[Sight] = []

        def columns(start: int, stop: int) -> Any:
            sight = seen[0]
            return sight.lines.scan(sight.file, start, stop, sight.lost)

        def look(sight: Sight) -> tuple[dict[str, Any], ...]:
            seen[:] = [sight]
            if sight.scan not in now:
                now.clear()
                now[sight.scan] = FirstLook(model, columns, sight.lines.pitch)
            first = now[sight.scan]
            first.skip(sight.columns)
            return tuple(plain(finding_record(finding)) for finding in first.look()) if first.is_due(sight.columns) else ()

        return look


def look_one(looks: Looks, sight: Sight) -> Seen:
    """One look; whatever goes wrong is told, and is no matter of the scan."""
    try:
        return Seen(looks(sight))
    except Exception as error:  # noqa: BLE001  the stream goes on without; it is told why
        return Seen(
            problem=printable(f"{type(error).__name__}: {error}".replace(str(sight.file), sight.lines.name))[:_SENTENCE]
        )
