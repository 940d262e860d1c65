"""The page for people of an adapted model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xrayscan.evaluation.metrics import Figure
from xrayscan.training.site_folder import thresholds_markdown

if TYPE_CHECKING:
    from xrayscan.training.site_adapt import Adapted

__all__ = ["adapted_page", "verdict_text"]


def verdict_text(done: Adapted) -> str:
    """What the hold-out says, and which weights are kept therefore."""
    trial = done.trial
    said = {
        "helped": "It helped: on the hold-out more of the inserted persons are found.",
        "no difference shown": "It did not help as far as the hold-out can tell: the interval of the difference holds 0.",
        "made it worse": "It made things worse: on the hold-out fewer of the inserted persons are found.",
    }[trial.verdict]
    if done.kept == "old":
        return f"{said} The old weights are kept, with thresholds of this site."
    return said if trial.verdict == "helped" else f"{said} The new weights are kept because that was asked for."


def share(figure: Figure, signed: bool = False) -> str:
    """A share with its interval."""
    form = "+.1%" if signed else ".1%"
    return f"{figure.value:{form}} [{figure.low:{form}}, {figure.high:{form}}]"


def adapted_page(done: Adapted, table: Mapping[str, Any]) -> str:
    """``card.md``."""
    site, trial, parent = table["site"], done.trial, table["site"]["parent"]
    weights = "fine-tuned from" if done.kept == "new" else "the weights of"
    lines = [
        f"# {table['name']} {table['version']}", "",
        f"A model for one site: {weights} {parent['name']} {parent['version']} (`model.onnx`",
        f"{parent['model_onnx_sha256'][:16]}), with thresholds of its own.", "",
        f"**{verdict_text(done)}**", "",
        "**Bodies were inserted by a simulation into clean scans; nobody was X-rayed. No finding is not a clearance.**", "",
        "## Does it help?", "",
        f"On {trial.scans} hold-out scans that were never trained on, {trial.before.n} insertions that can be seen,",
        f"{trial.alarmed} of the {trial.scans} clean scans alarmed (at most 1 %). Intervals are 95 %, over scans.", "",
        "| | old weights | new weights |", "| --- | --- | --- |",
        f"| insertions found | {share(trial.before)} | {share(trial.after)} |",
        f"| AUROC | {trial.auroc_before} | {trial.auroc_after} |", "",
        f"Difference on the same scans: {share(trial.difference, signed=True)}.", "",
        "## Thresholds", "",
        *(thresholds_markdown(done.levels) if done.levels else ["None: the part of the scans kept for them is too small."]), "",
        f"Set on {table['thresholds_set_on']}. More clean scans, none of them used here, set more and",
        "better ones: `xrayscan calibrate`.", "",
        "## Made from", "",
        f"{site['scans']} clean scans of the folder `{site['folder']}` (SHA-256 over their hashes `{site['data_sha256']}`): "
        + ", ".join(f"{count} {name}" for name, count in site["parts"].items()) + ".",
        f"Tuning: {', '.join(f'{key} {value}' for key, value in site['tuning'].items())}; xrayscan {site['xrayscan']}.", "",
        "## What is not known", "",
    ]  # fmt: skip
    if done.kept == "new":
        lines += [
            "- How well the new weights do on other sites' scans: the parent's figures are not theirs.",
            "- Void and density anomalies: these scans hold none. Their scores are not calibrated.",
        ]
    lines += [
        "- Persons in places and under loads that these scans do not hold.",
        "- Whether two scans of one vehicle lie in two parts: name such scans once.",
    ]
    return "\n".join(lines) + "\n"
