"""Do simulated exports look like real ones? ``python benchmarks/looks.py REAL_FOLDER --count 100 --out looks.png``.

Compares 8-bit pictures of a folder with simulated display exports, at the same number of rows: gray histogram, gradients, and
power spectra along both axes. Prints the figures and draws the curves; copies no picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

ROWS = 400  # every picture is brought to this height [px]
SPECTRUM = 64  # length of the pieces whose spectra are averaged [px]
GRADIENTS = np.geomspace(0.25, 128, 28)  # edges of gradient classes [gray levels]


def prepared(picture: np.ndarray) -> np.ndarray:
    """Gray, air white, a fixed height."""
    gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    border = np.concatenate([gray[: len(gray) // 20].ravel(), gray[:, :8].ravel(), gray[:, -8:].ravel()])
    gray = 255 - gray if np.median(border) < 100 else gray
    scale = ROWS / gray.shape[0]
    small: np.ndarray = cv2.resize(gray, (max(1, round(gray.shape[1] * scale)), ROWS), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def histogram(gray: np.ndarray) -> np.ndarray:
    """Shares of 32 gray classes, air left out."""
    counts = np.histogram(gray[gray < 250], 32, (0, 256))[0].astype(float)
    return counts / max(counts.sum(), 1.0)


def gradients(gray: np.ndarray) -> np.ndarray:
    """Shares of gradient classes, of neighboring pixels in a row and in a column, air left out; shape (2, classes)."""
    found = []
    for axis in (1, 0):
        steps, seen = np.abs(np.diff(gray, axis=axis)), np.minimum(np.delete(gray, 0, axis), np.delete(gray, -1, axis)) < 250
        counts = np.histogram(steps[seen], GRADIENTS)[0].astype(float)
        found.append(counts / max(seen.sum(), 1))
    return np.array(found)


def spectra(gray: np.ndarray) -> np.ndarray:
    """Mean power spectra of pieces of rows and of columns that show no air, shape (2, SPECTRUM / 2) [gray levels squared]."""
    window = np.hanning(SPECTRUM)
    found = []
    for picture in (gray, gray.T):
        pieces = picture[:, : picture.shape[1] // SPECTRUM * SPECTRUM].reshape(-1, SPECTRUM)
        pieces = pieces[(pieces < 245).all(1)]
        if len(pieces) == 0:
            found.append(np.full(SPECTRUM // 2, np.nan))
            continue
        waves = np.abs(np.fft.rfft((pieces - pieces.mean(1, keepdims=True)) * window, axis=1)) ** 2 / window.sum() ** 2
        found.append(np.median(waves, axis=0)[1:])
    return np.array(found)


def simulated(task: tuple[int, int]) -> np.ndarray:
    """One simulated export, prepared."""
    import torch

    from xrayscan.simulate import simulate
    from xrayscan.simulate.record import Choices

    torch.set_num_threads(1)
    vehicles = ("20 ft dry", "40 ft dry", "40 ft high cube", "double 20 ft", "20 ft reefer", "40 ft reefer")
    kind = ("clean", "look-alike")[task[1] % 2]
    scan, _ = simulate(task, kind, delivery="display", choices=Choices(vehicles=vehicles))  # type: ignore[arg-type]
    return prepared(scan.view.pixels[0])


def curves(pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Each picture's statistics, by name, first axis the picture."""
    steps, waves = np.array([gradients(p) for p in pictures]), np.array([spectra(p) for p in pictures])
    return {
        "gray level": np.array([histogram(p) for p in pictures]),
        "gradient along the travel": steps[:, 0],
        "gradient along the array": steps[:, 1],
        "spectrum along the travel": np.log10(waves[:, 0] + 1e-4),
        "spectrum along the array": np.log10(waves[:, 1] + 1e-4),
    }


def drawn(real: dict[str, np.ndarray], made: dict[str, np.ndarray]) -> np.ndarray:
    """Medians and quartiles of both sets, one panel a statistic."""
    panels = []
    for name in real:
        panel = np.full((300, 420, 3), 255, np.uint8)
        bands = [np.nanpercentile(values[name], (25, 50, 75), axis=0) for values in (real, made)]
        low, high = min(np.nanmin(b) for b in bands), max(np.nanmax(b) for b in bands)
        for band, color in zip(bands, ((60, 60, 60), (200, 90, 0)), strict=True):
            for line, width in zip(band, (1, 2, 1), strict=True):
                x = np.linspace(30, 410, len(line))
                y = 270 - (line - low) / max(high - low, 1e-9) * 230
                cv2.polylines(panel, [np.stack([x, y], 1).round().astype(np.int32)], False, color, width, cv2.LINE_AA)
        cv2.putText(
            panel, f"{name} [{low:.2g}, {high:.2g}]", (12, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA
        )
        panels.append(panel)
    legend = np.full((300, 420, 3), 255, np.uint8)
    for k, (text, color) in enumerate((("real archive pictures", (60, 60, 60)), ("simulated exports", (200, 90, 0)))):
        cv2.putText(legend, text, (40, 120 + 40 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.6, color, 2, cv2.LINE_AA)
    panels.append(legend)
    return np.concatenate([np.concatenate(panels[:3], 1), np.concatenate(panels[3:], 1)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print distances and draw the curves."""
    parser = argparse.ArgumentParser(description="Compares simulated exports with a folder of real ones.")
    parser.add_argument("real", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--out", type=Path, default=Path("looks.png"))
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    files = sorted(p for p in asked.real.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp"))
    real = [prepared(cv2.imread(str(p), cv2.IMREAD_UNCHANGED)) for p in files]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        made = list(pool.map(simulated, [(asked.seed, i) for i in range(asked.count)]))
    one, other = curves(real), curves(made)
    halves = curves(real[::2]), curves(real[1::2])
    print(f"{len(real)} real pictures, {len(made)} simulated; difference of the medians, and of two halves of the real ones")
    for name in one:
        apart = np.nanmean(np.abs(np.nanmedian(one[name], 0) - np.nanmedian(other[name], 0)))
        own = np.nanmean(np.abs(np.nanmedian(halves[0][name], 0) - np.nanmedian(halves[1][name], 0)))
        print(f"  {name:28s} {apart:.4f}   {own:.4f}")
    cv2.imwrite(str(asked.out), drawn(one, other))


if __name__ == "__main__":
    main()
