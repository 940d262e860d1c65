"""Small packed scans, of a load and of somebody before it, for what is put into crops."""

import numpy as np

from xrayscan.simulate.packed import BITS

SHAPE = (60, 80)
BODY = (10, 20, 40, 36)  # top, left, bottom, right in its own scan


def scan(depth=0.5, bits=0, shape=SHAPE):
    array = np.zeros((7, *shape), np.float32)
    array[:2], array[2], array[4] = depth, 1.0, bits
    return array


def person():
    array = scan(0.2)
    top, left, bottom, right = BODY
    array[5, top:bottom, left:right], array[4, top:bottom, left:right] = 20.0, BITS["person"]
    return array
