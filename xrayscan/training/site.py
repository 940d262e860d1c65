"""Thresholds from a site's own clean scans: `calibrate`. Runs with the runtime alone; no torch.

What it makes is a model folder with the same weights, whose card carries the new thresholds, so that
``xrayscan screen --model DIR`` and ``load_model(DIR)`` take it as any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_folder import (
    copy_weights,
    finish,
    parent_of,
    read_card,
    scans_text,
    threshold_tables,
    thresholds_markdown,
    workplace,
    write_card_table,
)
from xrayscan.training.site_scores import Scored, Step, data_hash, distinct, scans_of, score_scans
from xrayscan.training.site_thresholds import USUAL_RATES, Level, far_above, levels, needed
from xrayscan.zoo import ModelCard, load_model

__all__ = ["FEWEST", "Calibrated", "SiteError", "calibrate", "highest", "site_version", "without_thresholds"]

FEWEST = 19
"""Clean scans without which nothing is set: even 5 % needs so many."""


@dataclass(frozen=True)
class Calibrated:
    """What came of a calibration.

    Attributes
    ----------
    card : ModelCard
        Of the new model folder.
    levels : tuple of Level
        The thresholds that were set, the smallest false-alarm rate first.
    used : tuple of Scored
        The clean scans that they rest on, the highest score first.
    suspects : tuple of Scored
        Of those, the ones that score far above the rest and may not be clean.
    without_suspects : tuple of Level
        The thresholds as they would be without these; empty if there are none.
    failed : tuple of Scored
        What could not be screened.
    copies : tuple of Scored
        Files with the content of another one, which counts once.
    """

    card: ModelCard
    levels: tuple[Level, ...]
    used: tuple[Scored, ...]
    suspects: tuple[Scored, ...]
    without_suspects: tuple[Level, ...]
    failed: tuple[Scored, ...]
    copies: tuple[Scored, ...]

    @property
    def unsupported(self) -> tuple[float, ...]:
        """Usual false-alarm rates that need more scans than there are."""
        return tuple(rate for rate in USUAL_RATES if len(self.used) < needed(rate))


def calibrate(
    folder: str | Path,
    out: str | Path,
    *,
    false_alarm_rate: float = 0.01,
    model: str | Path | None = None,
    workers: int = 1,
    step: Step = lambda *_: None,
) -> Calibrated:
    """Set a model's thresholds on a folder of clean scans, and write it as a model folder of its own.

    Interrupted, it leaves ``OUT.partial`` with what was scored, and the same call goes on from there; ``out`` is there only
    when it is whole.

    Parameters
    ----------
    folder : path
        Of scans of which it is known that nobody is in them, as they come in traffic: every file in it that is no text.
    out : path
        The new model folder.
    false_alarm_rate : float
        The wanted share of clean scans that are alarmed; the usual ones are set beside it as far as the scans support them.
    model : str, Path or None
        A shipped model's name or a model folder; None is the default model.
    workers : int
        Processes.
    step : callable
        Told how many scans are done, and of how many.

    Returns
    -------
    Calibrated

    Raises
    ------
    SiteError
        If there are too few scans for the wanted rate, or ``out`` is taken, or lies among the scans.
    UnknownModelError, WeightsError, ModelError
    """
    folder, out = Path(folder), Path(out)
    if not 0.0 < false_alarm_rate <= 0.5:
        raise SiteError(f"calibrating at a false-alarm rate of {false_alarm_rate:g}; expected one above 0 and up to 0.5")
    scans = scans_of(folder)
    _check_enough(folder, len(scans), 0, false_alarm_rate)
    parent = load_model(model).card
    with workplace(folder, out) as work:
        scored = score_scans(folder, scans, parent, work / "scores.jsonl", workers=workers, step=step)
        kept, copies = distinct(scored)
        _check_enough(folder, len(kept), len(scored) - len(kept), false_alarm_rate)
        used = tuple(sorted(kept, key=lambda one: -(one.score or 0.0)))
        scores = [one.score or 0.0 for one in used]
        set_levels = levels(scores, false_alarm_rate)
        odd = set(far_above(scores))
        suspects = tuple(one for place, one in enumerate(used) if place in odd)
        rest = [score for place, score in enumerate(scores) if place not in odd]
        without = tuple(lvl for lvl in levels(rest)) if odd else ()
        failed = tuple(one for one in scored if one.score is None)
        copy_weights(parent, work / "model")
        done = Calibrated(parent, set_levels, used, suspects, without, failed, tuple(copies))
        _write(done, folder, out.name, work / "model")
        (work / "model" / "clean-scans.jsonl").write_text(scans_text(scored), encoding="utf-8")
        finish(work, out)
    return replace(done, card=ModelCard.load(out))


def _check_enough(folder: Path, usable: int, left_out: int, rate: float) -> None:
    least = max(needed(rate), FEWEST)
    if usable >= least:
        return
    other = [usual for usual in USUAL_RATES if usual > rate and usable >= max(needed(usual), FEWEST)]
    instead = f", or take --false-alarm-rate {other[0]:g}" if other else ""
    besides = f" ({left_out} more could not be used)" if left_out else ""
    raise SiteError(
        f"calibrating on {folder}: a false-alarm rate of {rate:g} needs at least {least} clean scans, there are "
        f"{usable}{besides}; add {least - usable}{instead}"
    )


def _write(done: Calibrated, folder: Path, name: str, place: Path) -> None:
    """The card, for programs and for people."""
    parent, now = done.card, datetime.now(UTC)
    table = read_card(parent)
    thresholds, known = threshold_tables(done.levels)
    data = data_hash(done.used)
    home = folder.resolve().name
    table |= {
        "name": name,
        "version": site_version(parent, now),
        "thresholds": thresholds,
        "thresholds_set_on": f"{len(done.used)} clean scans of a site, folder {home!r}, {now:%Y-%m-%d}, data {data[:12]}",
        # What was measured at the old thresholds says nothing of the new ones.
        "figures": without_thresholds(table.get("figures", {})),
        "site": {
            "what": "calibrated", "date": f"{now:%Y-%m-%d}", "folder": home, "scans": len(done.used), "data_sha256": data,
            "could_not_be_screened": len(done.failed), "copies": len(done.copies), "far_above_the_rest": len(done.suspects),
            "parent": parent_of(parent), "thresholds": known,
        },
    }  # fmt: skip
    write_card_table(table, place)
    (place / "card.md").write_text(_page(done, name, table), encoding="utf-8")


def site_version(parent: ModelCard, now: datetime) -> str:
    """The parent's version with the date on which the site's own was made."""
    return f"{parent.version.partition('+')[0]}+site.{now:%Y%m%d}"


def without_thresholds(figures: dict[str, Any]) -> dict[str, Any]:
    """Nested figures without those that were measured at thresholds of the parent's.

    Examples
    --------
    >>> without_thresholds({"scans": 9, "thresholds": {}, "person": {"auroc": 0.9, "at thresholds set before": {"0.01": 0.8}}})
    {'scans': 9, 'person': {'auroc': 0.9}}
    """
    kept = {
        key: value
        for key, value in figures.items()
        if not re.search("^thresholds|thresholds set before|card's threshold|% threshold", key)
    }
    return {key: without_thresholds(value) if isinstance(value, dict) else value for key, value in kept.items()}


def _page(done: Calibrated, name: str, table: dict[str, Any]) -> str:
    parent, site = done.card, table["site"]
    lines = [
        f"# {name} {table['version']}", "",
        f"The weights of {parent.name} {parent.version}, with thresholds of a site's own.", "",
        "**A false-alarm rate says how often a clean scan is alarmed. It says nothing of how many persons are found.",
        "No finding is not a clearance.**", "",
        "## Thresholds", "",
        f"Set on {site['date']} on {site['scans']} clean scans of the folder `{site['folder']}`",
        f"(SHA-256 over their hashes `{site['data_sha256']}`). {site['could_not_be_screened']} more could not be screened, ",
        f"{site['copies']} were copies, and {site['far_above_the_rest']} of those used score far above the rest.", "",
        *thresholds_markdown(done.levels), "",
        "They hold for scans like these: the same machine, the same settings, the same traffic. Set them anew when any of it",
        "changes.",
        "Probabilities and masses are as the parent's card has them: measured on its own data, not here.", "",
    ]  # fmt: skip
    return "\n".join(lines) + "\n" + _parents_page(parent)


def _parents_page(parent: ModelCard) -> str:
    page = parent.folder / "card.md"
    if not page.is_file():
        return ""
    text = page.read_text(encoding="utf-8").replace("\n#", "\n##")
    head = "## The model that it was made from\n\nWhat follows is its card; thresholds in it are its own, not those above.\n\n"
    return head + "##" + text if text.startswith("#") else head + text


def highest(used: Sequence[Scored], count: int = 5) -> tuple[Scored, ...]:
    """The scans on whose scores the strictest thresholds rest."""
    return tuple(used[:count])
