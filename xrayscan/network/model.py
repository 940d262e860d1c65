"""A model that runs: ONNX Runtime by default, torch when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from xrayscan.errors import ModelError
from xrayscan.network.anomaly import AnomalyMap, ModelId
from xrayscan.network.grid import CHANNELS, from_grid, padded, to_grid
from xrayscan.scan import Radiograph

if TYPE_CHECKING:
    from xrayscan.zoo import ModelCard

__all__ = ["BACKENDS", "Model"]

BACKENDS = {"onnx": "model.onnx", "torch": "weights.safetensors"}


class Backend(Protocol):
    """What runs the network."""

    def __call__(self, stack: np.ndarray) -> np.ndarray:
        """(batch, 5, rows, columns) in, (batch, 5, rows, columns) out, both float32."""


class _Onnx:
    def __init__(self, card: ModelCard, threads: int | None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # Idle threads of one scan would otherwise spin against the next one's.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = card.file("model.onnx")
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, stack: np.ndarray) -> np.ndarray:
        answer: np.ndarray = self.session.run(None, {self.input: stack})[0]
        return answer


class _Torch:
    def __init__(self, card: ModelCard, threads: int | None) -> None:
        import torch

        from xrayscan.network.designs import Answer, load_weights

        if threads:
            torch.set_num_threads(threads)
        self.torch, self.network = torch, Answer(load_weights(card.file("weights.safetensors")))

    def __call__(self, stack: np.ndarray) -> np.ndarray:
        with self.torch.inference_mode():
            answer: np.ndarray = self.network(self.torch.from_numpy(stack)).numpy()
        return answer


class Model:
    """A model, called with a `Radiograph`.

    It holds no state between calls, and may be called from several threads at once.

    Parameters
    ----------
    card : ModelCard
    backend : {"onnx", "torch"}
    threads : int or None
        Threads within one inference; None leaves it to the backend.

    Raises
    ------
    ModelError, WeightsError, MissingDependencyError
    """

    def __init__(self, card: ModelCard, *, backend: str = "onnx", threads: int | None = None) -> None:
        if backend not in BACKENDS:
            raise ModelError(f"there is no backend {backend!r}; known are {', '.join(BACKENDS)}")
        self.card, self.backend = card, backend
        self._run: Backend = _Onnx(card, threads) if backend == "onnx" else _Torch(card, threads)
        self.id = ModelId(card.name, card.version, card.sha256[BACKENDS[backend]], card.calibration, card.mass_factor)

    def __call__(self, radiograph: Radiograph) -> AnomalyMap:
        """What does not belong, on the scan's own pixels.

        Opaque and invalid pixels score 0: nothing can be said there.

        Parameters
        ----------
        radiograph : Radiograph

        Returns
        -------
        AnomalyMap
        """
        stack = padded(to_grid(radiograph, self.card.grid))
        answer = self._run(stack[None])[0]
        if answer.shape != (len(CHANNELS), *stack.shape[1:]):
            raise ModelError(
                f"model {self.card.name} gave shape {answer.shape} for {stack.shape}; its file is not of this version"
            )
        seen = (radiograph.valid & ~radiograph.opaque).astype(np.float32)
        planes: dict[str, Any] = {}
        for name, plane in zip(("person", "void", "density", "added", "missing"), answer, strict=True):
            full = from_grid(plane, radiograph, self.card.grid)
            full *= seen
            full.setflags(write=False)
            planes[name] = full
        return AnomalyMap(**planes, model=self.id)

    def __repr__(self) -> str:
        return f"Model({self.card!r}, {self.backend})"
