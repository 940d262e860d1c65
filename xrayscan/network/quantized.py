"""The int8 form of an exported network: static, per channel, calibrated on scans. Needs ``xrayscan[train]``.

References
----------
B. Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018,
https://doi.org/10.1109/CVPR.2018.00286
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xrayscan._onnxruntime import onnx_runtime
from xrayscan.errors import MissingDependencyError, ModelError

try:
    import onnx
except ImportError as error:  # pragma: no cover  the runtime has no onnx
    raise MissingDependencyError("an int8 model is made with onnx; install xrayscan[train]", extra="train") from error

__all__ = ["quantize"]

ENDS = 1  # convolutions at each end that stay in float: the optical depth's own digits, and the scores'


class _Stacks:
    """Stacks one by one, as the quantizer asks for them."""

    def __init__(self, name: str, stacks: Iterable[np.ndarray]) -> None:
        self.name, self.stacks = name, iter(stacks)

    def get_next(self) -> dict[str, np.ndarray] | None:
        stack = next(self.stacks, None)
        return None if stack is None else {self.name: stack}

    def set_range(self, start_index: int, end_index: int) -> None:
        raise ModelError("calibrating an int8 model in strides is not done here")


def quantize(source: Path, target: Path, stacks: Sequence[np.ndarray], ends: int = ENDS) -> None:
    """Write the int8 form of an ONNX model.

    Weights are symmetric int8 with a scale a channel, activations uint8 with the range that they take on ``stacks``. The first
    and last convolutions and everything that is no convolution stay in float.

    Parameters
    ----------
    source, target : Path
        The model in float, and the one that is written.
    stacks : sequence of ndarray of float32, shape (1, 5, rows, columns)
        Of scans of the training, rows and columns multiples of 32; a few dozen.
    ends : int
        Convolutions at each end that stay in float.

    Raises
    ------
    ModelError
        If there is no scan to calibrate on.
    """
    onnx_runtime()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not stacks:
        raise ModelError(f"quantizing {source}: there are no scans to calibrate on; pass a few dozen of the training")
    model = onnx.load(str(source))
    held = {prop.key: prop.value for prop in model.metadata_props}
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(str(prepared)).graph.node if node.op_type == "Conv"]
        quantize_static(
            str(prepared), str(target), _Stacks(model.graph.input[0].name, stacks), quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"], per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            nodes_to_exclude=convolutions[:ends] + convolutions[len(convolutions) - ends :],
            calibrate_method=CalibrationMethod.MinMax, extra_options=_options(),
        )  # fmt: skip
    written = onnx.load(str(target))
    del written.metadata_props[:]
    onnx.helper.set_model_props(written, held)
    onnx.save(written, str(target))


def _options() -> dict[str, Any]:
    # A running mean of each scan's extremes: one bright pixel of one scan does not set the step of all.
    return {"CalibMovingAverage": True, "CalibMovingAverageConstant": 0.05}
