"""How far a batch is: a bar on a terminal, a line now and then elsewhere, JSON lines for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from xrayscan.cli.console import messages

if TYPE_CHECKING:
    from xrayscan.batch import Progress

__all__ = ["ProgressForm", "shown_progress"]

_SPARSE = 10.0  # [s]


class ProgressForm(StrEnum):
    """How progress is told."""

    TEXT = "text"
    JSON = "json"


@contextmanager
def shown_progress(form: ProgressForm = ProgressForm.TEXT) -> Iterator[Callable[[Progress], None]]:
    """A function to hand a batch as ``progress``; it writes to stderr."""
    if form is ProgressForm.JSON:
        yield _json_line
    elif messages.is_terminal:
        with _bar() as bar:
            task = bar.add_task("screening", total=None, pace="", left="", failed="")
            yield lambda state: bar.update(task, total=state.total, completed=state.done, **_facts(state))
    else:
        yield _Lines()


def _bar() -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    facts = (
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[failed]}", style="red"),
    )
    return Bar(*columns, *facts, console=messages, transient=True)


def _facts(state: Progress) -> dict[str, Any]:
    return {
        "pace": f"{state.rate:.2f} scans/s" if state.rate else "",
        "left": f"{_clock(state.time_left)} left" if state.time_left else "",
        "failed": f"{state.failed} failed" if state.failed else "",
    }


def _clock(seconds: float) -> str:
    """Duration in words.

    Examples
    --------
    >>> _clock(7.2), _clock(125), _clock(7300)
    ('7 s', '2 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Lines:
    """A line at the start and at the end, and every 10 s between."""

    def __init__(self) -> None:
        self._last: float | None = None

    def __call__(self, state: Progress) -> None:
        now = time.monotonic()
        if self._last is None:
            before = f", {state.resumed} of them by an earlier run" if state.resumed else ""
            messages.print(f"screening: {state.done} of {state.total} done{before}")
        elif now - self._last < _SPARSE and state.done < state.total:
            return
        else:
            facts = [text for text in _facts(state).values() if text]
            messages.print(", ".join([f"screening: {state.done} of {state.total} done", *facts]))
        self._last = now


def _json_line(state: Progress) -> None:
    line = {
        "total": state.total,
        "done": state.done,
        "resumed": state.resumed,
        "failed": state.failed,
        "seconds": round(state.seconds, 3),
        "row": None if state.row is None else dict(state.row),
    }
    messages.file.write(json.dumps(line) + "\n")
    messages.file.flush()
