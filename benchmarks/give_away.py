"""Does anything but the person give the class away? ``python benchmarks/give_away.py --count 800``.

Two simple classifiers, a linear one and one with Gaussian kernels, are trained by cross-validation to tell scenes with persons
from all others: on statistics of whole scans, and of scans with every site masked out where something was, or in a clean scene
could have been, hidden. An area under the ROC curve of 0.5 is chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

FOLDS = 10
PITCH = 0.02  # [m]


def statistics(depth: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """What a whole scan looks like: size, quantiles of optical depth and of its gradients, shares, moments."""
    depth = np.nan_to_num(depth, nan=8.0)
    down, along = np.abs(np.diff(depth, axis=0)), np.abs(np.diff(depth, axis=1))
    values = depth[kept] if kept.any() else np.zeros(1)
    quantiles = np.linspace(0.02, 0.98, 13)
    both = [down[kept[1:] & kept[:-1]], along[kept[:, 1:] & kept[:, :-1]]]
    parts = [np.quantile(values, quantiles), *(np.quantile(v, quantiles[4:]) if v.size else np.zeros(9) for v in both)]
    shares = [(values > level).mean() for level in (0.05, 0.3, 1.0, 2.0, 4.0)]
    return np.concatenate([*parts, shares, [values.mean(), values.std(), kept.shape[0], kept.shape[1]]])


def example(task: tuple[int, int, str]) -> tuple[np.ndarray, np.ndarray, str]:
    """Statistics of one scan, whole and with its sites masked out, and its kind."""
    import torch

    from xrayscan.normalize import normalize
    from xrayscan.simulate import simulate

    torch.set_num_threads(1)
    seed, index, kind = task
    scan, truth = simulate((seed, index), kind, delivery="transmission", pitch=PITCH)  # type: ignore[arg-type]
    radiograph = normalize(scan)
    depth = radiograph.optical_depth[0]
    masked = np.ones(depth.shape, bool)
    for site in truth.sites:
        masked[max(site.top - 3, 0) : site.bottom + 3, max(site.left - 3, 0) : site.right + 3] = False
    return statistics(depth, np.ones(depth.shape, bool)), statistics(depth, masked), kind


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve, by ranks."""
    ranks = np.empty(score.size)
    ranks[score.argsort()] = np.arange(1, score.size + 1)
    hits = int(positive.sum())
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (score.size - hits)))


def cross_validated(features: np.ndarray, positive: np.ndarray, *, kernel: bool) -> np.ndarray:
    """Scores of each scan by a ridge classifier that has not seen it."""
    rng = np.random.default_rng(0)
    x = (features - features.mean(0)) / (features.std(0) + 1e-9)
    fold = rng.permutation(np.arange(len(x)) % FOLDS)
    scores = np.empty(len(x))
    for k in range(FOLDS):
        known, asked = fold != k, fold == k
        y = positive[known] - positive[known].mean()
        if kernel:
            width = x.shape[1]
            gram, cross = (np.exp(-((a[:, None] - x[known][None]) ** 2).sum(-1) / (2 * width)) for a in (x[known], x[asked]))
            scores[asked] = cross @ np.linalg.solve(gram + np.eye(len(gram)), y)
        else:
            weight = np.linalg.solve(x[known].T @ x[known] + 10.0 * np.eye(x.shape[1]), x[known].T @ y)
            scores[asked] = x[asked] @ weight
    return scores


def interval(score: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """95 % interval of the area, resampling scans."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(1000):
        pick = rng.integers(0, score.size, score.size)
        if 0 < positive[pick].sum() < score.size:
            draws.append(auroc(score[pick], positive[pick]))
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def measure(count: int, seed: int, workers: int) -> dict[str, tuple[float, float, float]]:
    """Area under the curve with its interval, of each classifier on each kind of statistics."""
    others = ("clean", "look-alike", "clean", "look-alike", "void", "density")
    tasks = [(seed, i, "person" if i % 2 else others[i // 2 % len(others)]) for i in range(count)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        made = list(pool.map(example, tasks, chunksize=4))
    positive = np.array([kind == "person" for *_, kind in made])
    found = {}
    for name, column in (("whole scans", 0), ("sites masked out", 1)):
        features = np.array([row[column] for row in made])
        for kind, kernel in (("linear", False), ("kernel", True)):
            score = cross_validated(features, positive, kernel=kernel)
            found[f"{name}, {kind}"] = (auroc(score, positive), *interval(score, positive))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the areas."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=800)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    for name, (area, low, high) in measure(asked.count, asked.seed, asked.workers).items():
        print(f"{name:28s} AUROC {area:.3f} [{low:.3f}, {high:.3f}], {asked.count} scans")


if __name__ == "__main__":
    main()
