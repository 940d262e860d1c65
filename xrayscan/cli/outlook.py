"""What a batch would do, on the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xrayscan.cli.console import results, shown_path, text
from xrayscan.cli.progress import ProgressForm

if TYPE_CHECKING:
    from xrayscan.batch import Preview

__all__ = ["show_preview"]


def show_preview(preview: Preview, form: ProgressForm) -> None:
    """One line a scan, those to screen first; as JSON each with ``path``, ``report`` and ``state``, "waiting" or "done"."""
    states = (("waiting", "to screen", preview.waiting), ("done", "done", preview.done))
    for state, said, tasks in states:
        for task in tasks:
            if form is ProgressForm.JSON:
                results.file.write(json.dumps({"path": task.name, "report": task.link, "state": state}) + "\n")
            else:
                results.print(text(f"{said:9}  {shown_path(task.name)}"), soft_wrap=True)
    if form is not ProgressForm.JSON:
        results.print(
            f"{len(preview.waiting)} to screen, {len(preview.done)} done already; this was a dry run, nothing was written"
        )
