"""Where the commands write, and how an error becomes one clear line and an exit status."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from xrayscan.errors import XrayscanError

__all__ = ["FAILED", "INTERRUPTED", "WRONG_USE", "clear_errors", "messages", "results", "shown_path", "text"]

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130

_PLAIN_WIDTH = 140


def _console(stderr: bool) -> Console:
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = None if terminal or "COLUMNS" in os.environ else _PLAIN_WIDTH
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


results = _console(stderr=False)
"""What was asked for: tables, paths, JSON."""

messages = _console(stderr=True)
"""Progress and errors."""


def text(content: str, style: str = "") -> Text:
    r"""Text from outside on one line: it cannot steer the terminal.

    Examples
    --------
    >>> print(text("\x1b[2Jlane[red]3"))
    \x1b[2Jlane[red]3
    """
    from xrayscan.batch.names import printable

    return Text(printable(content), style=style)


def shown_path(path: str | Path) -> str:
    """The path from here if it lies below, else whole.

    Examples
    --------
    >>> shown_path(Path.cwd() / "lane3" / "0412.tif") == os.path.join("lane3", "0412.tif")
    True
    """
    here = Path.cwd()
    path = Path(path)
    return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)


@contextmanager
def clear_errors(debug: bool) -> Iterator[None]:
    """Turn an error into one line and an exit status; with ``debug`` show its traceback and the log as well.

    Raises
    ------
    typer.Exit
        2 for an error that says what is wrong, 130 for Ctrl-C.
    """
    handler = RichHandler(logging.DEBUG if debug else logging.WARNING, console=messages, show_time=debug, show_path=debug)
    logger = logging.getLogger("xrayscan")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(handler.level)
    try:
        yield
    except (XrayscanError, OSError) as error:
        if debug:
            messages.print_exception()
        messages.print(Text("xrayscan: ", style="bold red").append_text(text(_told(error))), soft_wrap=True)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        messages.print("interrupted; what is done is kept, and the same command goes on from there", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _told(error: XrayscanError | OSError) -> str:
    """What it says; what the system refused without the number that it has for that."""
    if isinstance(error, XrayscanError) or error.strerror is None or error.filename is None:
        return str(error)
    return f"the system refused {error.filename}: {error.strerror}; check that path, its permissions and the room on its disk"
