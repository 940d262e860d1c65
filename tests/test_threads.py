"""A worker process keeps to its threads: those of OpenCV and of every library of linear algebra that is loaded."""

import json
import subprocess
import sys

CODE = """
import json
import cv2
from threadpoolctl import threadpool_info
from xrayscan._threads import limit_threads
limit_threads(1)
print(json.dumps([cv2.getNumThreads(), *(pool["num_threads"] for pool in threadpool_info())]))
"""


def test_every_library_is_limited():
    # In a process of its own: limits hold for all of it.
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    counts = json.loads(done.stdout)
    assert len(counts) > 1  # OpenCV, and at least numpy's linear algebra
    assert set(counts) == {1}
