"""A model adapted to a site: fine-tuned with bodies inserted into the site's own clean scans. Needs ``xrayscan[train]``.

The scans are split in three first. One part is trained on; one sets thresholds and probabilities; one, the hold-out, is never
trained on and says whether it helped.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xrayscan
from xrayscan.evaluation.records import records
from xrayscan.network import Model
from xrayscan.network.designs import load_weights
from xrayscan.training.calibration import mass_factor, probabilities
from xrayscan.training.loop import Progress
from xrayscan.training.recipe import Network
from xrayscan.training.ship import export
from xrayscan.training.site import site_version
from xrayscan.training.site_errors import SiteError
from xrayscan.training.site_folder import (
    copy_weights,
    finish,
    parent_of,
    read_card,
    scans_text,
    threshold_tables,
    workplace,
    write_card_table,
)
from xrayscan.training.site_page import adapted_page
from xrayscan.training.site_parts import prepare, split
from xrayscan.training.site_scores import Scored, Step, data_hash, distinct, scans_of, score_scans
from xrayscan.training.site_thresholds import Level, levels
from xrayscan.training.site_trial import Trial, compare, held_out
from xrayscan.training.site_tune import Tuning, tune
from xrayscan.zoo import ModelCard, load_model

__all__ = ["FEWEST", "Adapted", "Running", "adapt"]

FEWEST = 30
"""Clean scans without which no model is adapted: ten for each part."""


@dataclass(frozen=True)
class Running:
    """What an adaptation runs on, and whom it tells how far it is.

    Attributes
    ----------
    workers : int
        Processes that score and insert.
    device : str
        "cpu" or "cuda": where the network learns.
    note : callable
        Told what is being done.
    step : callable
        Told how many scans are done, and of how many.
    progress : callable
        Told the step of the training, the number of steps and the loss.
    """

    workers: int = 1
    device: str = "cpu"
    note: Callable[[str], None] = lambda _: None
    step: Step = lambda *_: None
    progress: Progress = lambda *_: None


@dataclass(frozen=True)
class Adapted:
    """What came of an adaptation.

    Attributes
    ----------
    card : ModelCard
        Of the new model folder.
    trial : Trial
        Old against new weights on the hold-out.
    kept : {"new", "old"}
        Which weights are in the folder.
    levels : tuple of Level
        Thresholds: of new weights on the part kept for them, of old weights on all scans.
    parts : mapping of str to int
        Scans in each part.
    short : mapping of str to str
        Scan → why it holds fewer insertions than were asked for.
    failed, copies : tuple of Scored
        What could not be screened, and what is another's copy.
    """

    card: ModelCard
    trial: Trial
    kept: str
    levels: tuple[Level, ...]
    parts: Mapping[str, int]
    short: Mapping[str, str]
    failed: tuple[Scored, ...]
    copies: tuple[Scored, ...]


def adapt(
    folder: str | Path,
    out: str | Path,
    *,
    model: str | Path | None = None,
    tuning: Tuning | None = None,
    simulated: str | Path | None = None,
    keep_anyway: bool = False,
    running: Running | None = None,
) -> Adapted:
    """Adapt a model to a folder of clean scans, say on a hold-out whether it helped, and write a model folder.

    New weights are kept only if they found more of the hold-out's insertions than the old ones, with an interval of the
    difference that leaves out 0. Else the folder gets the old weights, with thresholds set on these scans. Interrupted, it
    leaves ``OUT.partial``, and the same call goes on from there.

    Parameters
    ----------
    folder : path
        Of scans of which it is known that nobody is in them.
    out : path
        The new model folder.
    model : str, Path or None
        A shipped model's name or a model folder with ``weights.safetensors``; None is the default model.
    tuning : Tuning or None
    simulated : path or None
        Packed simulated scans (a split that ``xrayscan train`` keeps in its cache), which keep the old skill.
    keep_anyway : bool
        Take the new weights whatever the hold-out says; the card says it.
    running : Running or None

    Returns
    -------
    Adapted

    Raises
    ------
    SiteError
        If there are too few scans, ``out`` is taken, or ``OUT.partial`` is of another adaptation.
    UnknownModelError, WeightsError, ModelError
    """
    folder, out = Path(folder), Path(out)
    mixed = None if simulated is None else Path(simulated)
    if mixed is not None and not any(mixed.glob("*.npz")):
        raise SiteError(f"mixing in the packed simulated scans of {mixed}: there are none; give a folder that holds NNNNNN.npz")
    scans = scans_of(folder)
    parent = load_model(model).card
    parent.file("weights.safetensors")
    with workplace(folder, out) as work:
        site = _Site(folder, work, parent, tuning or Tuning(), running or Running())
        scored = site.score(scans, parent, "scores.jsonl")
        used, copies = distinct(scored)
        if len(used) < FEWEST:
            raise SiteError(
                f"adapting on {folder}: it needs at least {FEWEST} clean scans, there are {len(used)} that can be used of "
                f"{len(scans)}; add {FEWEST - len(used)}"
            )
        site.check_same(used, mixed)
        files = dict(zip((one.sha256 for one in scored), scans, strict=True))
        parts, short = site.prepare(used, files)
        trial = site.tune_and_try(mixed)
        kept = "new" if keep_anyway or trial.verdict == "helped" else "old"
        resting = site.rest(kept, used, parts["threshold"], files)
        found = levels([one.score or 0.0 for one in resting])
        counts = {name: len(part) for name, part in parts.items()}
        failed = tuple(one for one in scored if one.score is None)
        done = Adapted(parent, trial, kept, found, counts, short, failed, tuple(copies))
        site.write(done, out.name, used, scored)
        finish(work, out)
    return replace(done, card=ModelCard.load(out))


@dataclass(frozen=True)
class _Site:
    """One adaptation: where it works, and what it works with."""

    folder: Path
    work: Path
    parent: ModelCard
    tuning: Tuning
    running: Running

    def score(self, scans: Sequence[Path], card: ModelCard, journal: str) -> list[Scored]:
        self.running.note(f"scoring {len(scans)} clean scans")
        return score_scans(self.folder, scans, card, self.work / journal, workers=self.running.workers, step=self.running.step)

    def check_same(self, used: Sequence[Scored], simulated: Path | None) -> None:
        """That what is in the working folder belongs to this adaptation."""
        path = self.work / "plan.json"
        plan = {
            "scans": data_hash(used), "model": dict(self.parent.sha256), "xrayscan": xrayscan.__version__,
            "simulated": "" if simulated is None else f"{simulated.resolve()}, {len(list(simulated.glob('*.npz')))} scans",
            **json.loads(json.dumps(asdict(self.tuning))),
        }  # fmt: skip
        if path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            odd = [key for key in plan if held.get(key) != plan[key]]
            if odd:
                raise SiteError(
                    f"going on in {self.work}: it is of another adaptation, which differs in {', '.join(odd)}; repeat the "
                    "command as it was, or remove that folder to begin anew"
                )
        path.write_text(json.dumps(plan), encoding="utf-8")

    def prepare(
        self, used: Sequence[Scored], files: Mapping[str, Path]
    ) -> tuple[dict[str, tuple[Scored, ...]], dict[str, str]]:
        parts = split(used, self.tuning.seed)
        self.running.note(f"inserting bodies, {self.tuning.insertions} times into each of {len(used)} scans")
        short = prepare(
            parts, files, self.work, grid=self.parent.grid, tuning=self.tuning, workers=self.running.workers,
            step=self.running.step,
        )  # fmt: skip
        names = {one.sha256: one.path for one in used}
        return parts, {names[mark]: reason for mark, reason in short.items()}

    def tune_and_try(self, simulated: Path | None) -> Trial:
        """Fine-tune, export to ``WORK/new``, and try old and new on the hold-out."""
        tuning, weights = self.tuning, self.parent.file("weights.safetensors")
        self.running.note(f"fine-tuning for {tuning.steps} steps")
        seen = Network(grid=self.parent.grid, tells_display=self.parent.tells_display)
        network = tune(
            load_weights(weights), tuning, self.work, seen=seen,
            simulated=simulated, device=self.running.device, progress=self.running.progress,
        )  # fmt: skip
        self.running.note("exporting to ONNX and checking parity")
        shutil.rmtree(self.work / "new", ignore_errors=True)
        export(network, _design_of(weights), self.work / "new")
        self.running.note("trying old and new weights on the hold-out")
        before, after = (
            held_out(self.work / "holdout", Model(card), self.running.step) for card in (self.parent, self.new_card())
        )
        return compare(before, after, tuning.seed)

    def new_card(self) -> ModelCard:
        """The parent's card with the new weights, nothing calibrated yet."""
        from hashlib import sha256

        place = self.work / "new"
        hashes = {name: sha256((place / name).read_bytes()).hexdigest() for name in ("model.onnx", "weights.safetensors")}
        return replace(self.parent, folder=place, sha256=hashes, calibration={}, mass_factor={})

    def rest(self, kept: str, used: Sequence[Scored], part: Sequence[Scored], files: Mapping[str, Path]) -> tuple[Scored, ...]:
        """The scans that thresholds are set on: none that the weights were trained on."""
        if kept == "old":
            return tuple(used)
        scored = self.score([files[one.sha256] for one in part], self.new_card(), "new-scores.jsonl")
        return tuple(one for one in scored if one.score is not None)

    def write(self, done: Adapted, name: str, used: Sequence[Scored], scored: Sequence[Scored]) -> None:
        """``WORK/model``: weights and card."""
        place, now = self.work / "model", datetime.now(UTC)
        table = read_card(self.parent)
        table |= {"name": name, "version": site_version(self.parent, now)}
        copy_weights(self.parent, place)
        if done.kept == "new":
            table |= self.of_new_weights(f"{now:%Y-%m-%d}")
            for held in place.iterdir():
                held.unlink()
            for file in table["sha256"]:
                shutil.copyfile(self.work / "new" / file, place / file)
        thresholds, known = threshold_tables(done.levels)
        n, home = done.levels[0].expected.n if done.levels else 0, self.folder.resolve().name
        data = data_hash(used)
        table |= {
            "thresholds": thresholds,
            "thresholds_set_on": f"{n} clean scans of a site, folder {home!r}, {now:%Y-%m-%d}, data {data[:12]}",
            "figures": {"hold-out of the site": done.trial.to_dict()},
            "site": {
                "what": "adapted" if done.kept == "new" else "calibrated; an adaptation did not help",
                "date": f"{now:%Y-%m-%d}", "folder": home, "scans": len(used), "data_sha256": data,
                "could_not_be_screened": len(done.failed), "copies": len(done.copies), "xrayscan": xrayscan.__version__,
                "parent": parent_of(self.parent), "parts": dict(done.parts), "tuning": asdict(self.tuning),
                "thresholds": known, "hold_out": done.trial.to_dict(),
            },
        }  # fmt: skip
        write_card_table(table, place)
        (place / "card.md").write_text(adapted_page(done, table), encoding="utf-8")
        (place / "clean-scans.jsonl").write_text(scans_text(scored), encoding="utf-8")

    def of_new_weights(self, date: str) -> dict[str, Any]:
        """What the card says of new weights: hashes, and persons' probabilities and masses where there are enough findings."""
        card = self.new_card()
        self.running.note("setting probabilities on the threshold part")
        rows = list(records(self.work / "threshold", Model(card)))
        # Nothing is known of voids and density anomalies in these scans: a curve for them would be a guess.
        curves = {kind: list(pair) for kind, pair in probabilities(rows).items() if kind == "person"}
        masses = {kind: list(pair) for kind, pair in mass_factor(rows).items() if kind == "person"}
        bodies = sum(row.kind == "person" for row in rows)
        return {
            "created": date, "sha256": dict(card.sha256), "calibration": curves, "mass_factor": masses,
            "probabilities_set_on": f"{len(rows)} scans of a site, {bodies} of them with inserted bodies, {date}",
        }  # fmt: skip


def _design_of(weights: Path) -> str:
    """The design that weights name; the first that were shipped name none, as in `load_weights`."""
    import safetensors

    with safetensors.safe_open(str(weights), "pt") as held:
        return str((held.metadata() or {}).get("design", "unet-large"))
