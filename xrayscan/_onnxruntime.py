"""ONNX Runtime, kept from telling anybody what it runs.

From 1.29 on its official builds for Linux and macOS send events to their maker, names and hashes of models among them, and keep
an identifier of the machine on disk; those for Windows hand them to the system. A customs laboratory may not have that.
"""

from __future__ import annotations

import os
from types import ModuleType

__all__ = ["onnx_runtime"]

OPT_OUT = "ORT_DISABLE_TELEMETRY"  # looked at once, when the library is loaded


def onnx_runtime() -> ModuleType:
    """The module ``onnxruntime``, its telemetry switched off unless whoever runs the process has set ``ORT_DISABLE_TELEMETRY``.

    In a process that has loaded it before, what it sent until then is sent.

    References
    ----------
    https://github.com/microsoft/onnxruntime/pull/27379
    """
    own = OPT_OUT not in os.environ
    os.environ.setdefault(OPT_OUT, "1")
    import onnxruntime

    if own:
        onnxruntime.disable_telemetry_events()
    return onnxruntime
