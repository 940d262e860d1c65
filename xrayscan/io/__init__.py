r"""Files → `Scan`: one module a format, known by the first bytes, behind one registry.

`read` reads one file, `find_scans` lists the scans of folders. What a sidecar may say stands in `xrayscan.io.sidecar`, how to
plug a reader in stands in `xrayscan.io.registry`, and what a file may claim stands in `xrayscan.io.limits`.

Examples
--------
>>> import tempfile
>>> from pathlib import Path
>>> import cv2, numpy as np
>>> with tempfile.TemporaryDirectory() as folder:
...     _ = cv2.imwrite(f"{folder}/0412.png", np.full((300, 600), 52000, np.uint16))
...     _ = Path(folder, "0412.xrayscan.toml").write_text("pixel_pitch = 0.005\nsaturation = 65535")
...     [path.name for path in find_scans(folder)]
...     scan = read(f"{folder}/0412.png")
['0412.png']
>>> scan.view
View(counts, high, 300 rows x 600 columns, uint16, pitch 5.00 x 5.00 mm)
"""

from xrayscan.io.contents import Contents
from xrayscan.io.file import MissingScanError, ScanFile
from xrayscan.io.folder import find_scans
from xrayscan.io.limits import MAX_FILE_BYTES, MAX_PIXELS
from xrayscan.io.reading import read
from xrayscan.io.registry import Reader, readers

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "Contents",
    "MissingScanError",
    "Reader",
    "ScanFile",
    "find_scans",
    "read",
    "readers",
]
