"""Contact sheets: ``python -m xrayscan.simulate.sheet OUT.jpg --count 60 --seed 1`` draws simulated scans side by side.

Every load kind comes before any comes twice, kinds of scenes and scanners take turns. With ``--truth`` persons are outlined in
blue, voids in orange, density anomalies in red.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from xrayscan._threads import limit_threads
from xrayscan.errors import RecipeError
from xrayscan.normalize import normalize
from xrayscan.scan import Scan
from xrayscan.simulate.delivery import DeliveryPlan
from xrayscan.simulate.loads import LOADS
from xrayscan.simulate.record import KINDS, Choices, Record, draw_record
from xrayscan.simulate.run import replay
from xrayscan.simulate.truth import Truth

__all__ = ["contact_sheet", "gray", "records"]

TILE = (480, 156)  # width and height of one scan [px]
CAPTION = 18  # [px]
COLORS = {"person": (200, 90, 0), "void": (0, 140, 240), "density": (40, 40, 220)}  # blue, green, red
PITCH = 0.01  # [m]
QUALITY = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 80]}


def records(count: int, seed: int, kinds: Sequence[str] = KINDS) -> list[Record]:
    """What the scans of a sheet are drawn from.

    Parameters
    ----------
    count, seed : int
    kinds : sequence of str
        Kinds of scenes, which take turns.

    Returns
    -------
    list of Record
    """
    loads = [name for name, kind in LOADS.items() if "box" in kind.rooms or "open" in kind.rooms]
    found = []
    for i in range(count):
        kind = kinds[i % len(kinds)]
        drawn = draw_record((seed, i), kind, pitch=PITCH)  # type: ignore[arg-type]
        if i < len(loads):
            drawn = replace(drawn, choices=Choices(loads=(loads[i],)))
        found.append(replace(drawn, delivery=DeliveryPlan("transmission"), states_pitch=True))
    return found


def gray(scan: Scan) -> np.ndarray:
    """The look of a customs export: transmission to the power 0.45, air white, shape (rows, columns) uint8."""
    depth = np.nan_to_num(normalize(scan).optical_depth[0], nan=8.0)
    picture: np.ndarray = (np.exp(-0.45 * depth.clip(0.0, 9.0)) * 255).astype(np.uint8)
    return picture


def contact_sheet(tiles: Sequence[tuple[np.ndarray, str]], across: int) -> np.ndarray:
    """Pictures of equal size with captions, row by row, shape (rows, columns, 3) uint8 in blue, green, red."""
    width, height = TILE
    down = -(-len(tiles) // across)
    sheet = np.full((down * (height + CAPTION), across * width, 3), 255, np.uint8)
    for i, (picture, caption) in enumerate(tiles):
        top, left = i // across * (height + CAPTION), i % across * width
        sheet[top : top + height, left : left + width] = picture
        place = (left + 4, top + height + 13)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.40, (0, 0, 0), 1, cv2.LINE_AA)
    return sheet


def _tile(task: tuple[Record, bool]) -> tuple[np.ndarray, str]:
    import torch

    record, outlined = task
    torch.set_num_threads(1)
    try:
        scan, truth = replay(record)
    except RecipeError:  # not every load has room for a void
        record = replace(record, kind="clean")
        scan, truth = replay(record)
    picture = cv2.cvtColor(gray(scan), cv2.COLOR_GRAY2BGR)
    scale = min((TILE[0] - 6) / picture.shape[1], (TILE[1] - 6) / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if outlined:
        _outline(small, truth)
    tile = np.full((TILE[1], TILE[0], 3), 255, np.uint8)
    top, left = (TILE[1] - small.shape[0]) // 2, (TILE[0] - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    return tile, f"{record.kind}: {truth.load}; {truth.vehicle}; {record.scanner.endpoints[0]:g} MV"


def _outline(picture: np.ndarray, truth: Truth) -> None:
    for kind, mask in truth.masks.items():
        if mask.any():
            small = cv2.resize(mask.astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_AREA)
            contours, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, contours, -1, COLORS[kind], 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw a sheet."""
    parser = argparse.ArgumentParser(description="Draws simulated scans side by side.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--across", type=int, default=4)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    if asked.out.suffix not in (".jpg", ".png") or not asked.out.parent.is_dir():
        raise RecipeError(f"drawing {asked.out}: expected a name that ends in .jpg or .png, in a folder that exists")
    tasks = [(record, asked.truth) for record in records(asked.count, asked.seed, asked.kinds)]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn"), initializer=limit_threads, initargs=(1,)) as pool:
        tiles = list(pool.map(_tile, tasks))
    _, code = cv2.imencode(asked.out.suffix, contact_sheet(tiles, asked.across), QUALITY.get(asked.out.suffix, []))
    asked.out.write_bytes(code.tobytes())


if __name__ == "__main__":
    main()
