"""What a lane takes in memory, taken before the first column comes: a made-up stretch is screened, and looked at meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from xrayscan.arriving import scan_like
from xrayscan.first_look import FirstLook
from xrayscan.network import Model
from xrayscan.scan import Scan

__all__ = ["made_up", "rehearsed"]

BLANK = 1000  # counts of air in a scan that is made up, where the open beam is not known
BLOCKS = 16  # of a made-up load, one over the other


def made_up(like: Scan, columns: int) -> Scan:
    """So many columns of what might pass a lane: a load of uneven blocks on the ground, as in mere air much is left out.

    Parameters
    ----------
    like : Scan
        Of one column: what it is like but for its pixels.
    columns : int
    """
    energies, rows, _ = like.view.pixels.shape
    air = like.calibration.air
    pixels = np.full((energies, rows, columns), BLANK, np.uint16)
    if air is not None:
        pixels[:] = air.reshape(energies, rows, 1).clip(0, 65535)
    load = pixels[:, rows // 5 :, columns // 20 : columns - columns // 20]
    blocks = np.random.default_rng(0).uniform(0.02, 0.5, (BLOCKS, 8 * BLOCKS)).astype(np.float32)
    load[:] = load * cv2.resize(blocks, load.shape[:0:-1], interpolation=cv2.INTER_NEAREST)
    return scan_like(like, pixels, np.zeros(columns, bool))


def rehearsed(scan: Scan, screen: Callable[[Scan], object], light: Model) -> None:
    """Screen a stretch as one of a lane is: in a thread of its own, with first looks beside it all the while.

    Parameters
    ----------
    scan : Scan
    screen : callable
        Screens it.
    light : Model
        That first looks are taken with.

    Raises
    ------
    CalibrationError
        If it can not be normalized.
    """
    assert scan.view.pixel_pitch is not None  # lines are scanned at a stated pitch
    pitch, columns = scan.view.pixel_pitch[1], scan.view.pixels.shape[2]

    def held(start: int, stop: int) -> Scan:
        return scan_like(scan, scan.view.pixels[:, :, start:stop].copy(), np.zeros(stop - start, bool))

    # A lane holds beside it what arrives, and a stretch that waits for its turn.
    beside = [scan.view.pixels.copy() for _ in range(2)]
    with ThreadPoolExecutor(1, thread_name_prefix="xrayscan-rehearsal") as pool:
        stretch = pool.submit(screen, scan)
        looks = FirstLook(light, held, pitch)
        while not stretch.done():
            if not looks.is_due(columns):
                looks = FirstLook(light, held, pitch)
            looks.look()
    del beside
    stretch.result()
