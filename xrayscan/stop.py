"""When work is to stop: after some time, or when somebody says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xrayscan.errors import StoppedError

__all__ = ["Stop"]


class Stop:
    """A time budget that can also be canceled, from any thread.

    Parameters
    ----------
    seconds : float or None [s]
        From now on; None for as long as it takes.

    Raises
    ------
    ValueError
        If the seconds are no number above 0.

    Examples
    --------
    >>> stop = Stop(60.0)
    >>> stop.due
    ''
    >>> stop.cancel()
    >>> stop.due
    'canceled'
    """

    def __init__(self, seconds: float | None = None) -> None:
        if seconds is not None and not seconds > 0:
            raise ValueError(f"a time budget of {seconds} s was given; expected seconds above 0, or None for no limit")
        self.seconds = seconds
        self._end = None if seconds is None or seconds > threading.TIMEOUT_MAX else time.monotonic() + seconds
        self._canceled = False
        self._lock = threading.Lock()
        self._acts: list[Callable[[], None]] = []

    @property
    def due(self) -> str:
        """Why to stop, "canceled" or "time"; empty while there is no reason to."""
        if self._canceled:
            return "canceled"
        return "time" if self._end is not None and time.monotonic() >= self._end else ""

    @property
    def reason(self) -> str:
        """The same in words."""
        return {"canceled": "it was canceled", "time": f"its {self.seconds:g} s were over" if self.seconds else ""}.get(
            self.due, ""
        )

    def cancel(self) -> None:
        """Stop as soon as possible."""
        with self._lock:
            self._canceled = True
            acts = list(self._acts)
        for act in acts:
            act()

    def check(self, doing: str) -> None:
        """Go on, or not.

        Raises
        ------
        StoppedError
            If it is due; ``doing`` says what was being done.
        """
        if self.due:
            raise StoppedError(f"{doing}: {self.reason}; nothing can be said of what was not looked at", why=self.due)

    @contextmanager
    def acting(self, act: Callable[[], None]) -> Iterator[None]:
        """Call something as soon as it is due, while the block runs: once or twice, in another thread."""
        timer = None if self._end is None else threading.Timer(max(0.0, self._end - time.monotonic()), act)
        if timer is not None:
            timer.daemon = True
            timer.start()
        with self._lock:
            self._acts.append(act)
            late = self._canceled
        if late:
            act()
        try:
            yield
        finally:
            with self._lock:
                self._acts.remove(act)
            if timer is not None:
                timer.cancel()
