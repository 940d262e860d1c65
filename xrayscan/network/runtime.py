"""What runs the network: ONNX Runtime by default, torch when asked; on the GPU where there is one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from xrayscan._onnxruntime import onnx_runtime
from xrayscan.errors import MissingDependencyError, ModelError

if TYPE_CHECKING:
    from xrayscan.stop import Stop
    from xrayscan.zoo import ModelCard

__all__ = ["BACKENDS", "DEVICES", "REACH", "Answered", "Backend", "open_backend"]

BACKENDS = {"onnx": "model.onnx", "onnx-int8": "model-int8.onnx", "torch": "weights.safetensors"}
"""Backend → the file of a model's folder that it runs."""

DEVICES = ("auto", "cpu", "cuda")

RUNNING = "running the network"
REACH = "xrayscan.reach_px"  # metadata of an ONNX file: how far its network looks [px]; absent where it looks everywhere


@dataclass(frozen=True)
class Answered:
    """What the network says of a batch.

    Attributes
    ----------
    planes : ndarray of float32, shape (batch, 5, rows, columns)
        Scores of person, void and density, areal density added and missing [g/cm²].
    features : ndarray of float32, shape (batch, features, rows / 32, columns / 32), or None
        What it saw in each of its coarsest cells; None of a model that does not tell.
    """

    planes: np.ndarray
    features: np.ndarray | None


class Backend(Protocol):
    """What runs the network.

    Attributes
    ----------
    device : str
        "cpu" or "cuda": where it runs.
    reach : int or None
        How far the network looks [px]; None where it looks everywhere, or its file does not say.
    """

    device: str
    reach: int | None

    def __call__(self, stack: np.ndarray, stop: Stop | None = None) -> Answered:
        """Of float32 of shape (batch, 5, rows, columns), rows and columns multiples of 32.

        Raises
        ------
        StoppedError
            If ``stop`` was due before it was done; torch does not look while it runs.
        """


def open_backend(card: ModelCard, backend: str, device: str = "auto", threads: int | None = None) -> Backend:
    """A model's network, ready to run.

    Parameters
    ----------
    card : ModelCard
    backend : str
        One of `BACKENDS`.
    device : {"auto", "cpu", "cuda"}
        "auto" is CUDA where the installed runtime has it and a device answers, else the processor.
    threads : int or None
        Threads within one inference; None leaves it to the runtime.

    Raises
    ------
    ModelError
        If there is no such backend or device, the model was not made for it, or CUDA is asked for and is not there.
    WeightsError
        If the file is missing or is not the one that the card names.
    MissingDependencyError
    """
    if backend not in BACKENDS:
        raise ModelError(f"there is no backend {backend!r}; known are {', '.join(BACKENDS)}")
    if device not in DEVICES:
        raise ModelError(f"there is no device {device!r}; known are {', '.join(DEVICES)}")
    if BACKENDS[backend] not in card.sha256:
        made = ", ".join(name for name, file in BACKENDS.items() if file in card.sha256)
        raise ModelError(f"model {card.name} holds no {BACKENDS[backend]}, which the backend {backend!r} runs; it has {made}")
    if backend == "torch":
        return _Torch(card, device, threads)
    return _Onnx(card, BACKENDS[backend], device, threads)


class _Onnx:
    def __init__(self, card: ModelCard, file: str, device: str, threads: int | None) -> None:
        onnxruntime = onnx_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # Scans are of many widths: a plan of the memory for each would be kept, and the arena grow by it.
        options.enable_mem_pattern = False
        # Idle threads of one scan would otherwise spin against the next one's.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(card.file(file)), options, providers=_providers(onnxruntime.get_available_providers(), device)
        )
        # Where the runtime was built for CUDA and no device answers, it falls back by itself.
        self.device = "cuda" if "CUDAExecutionProvider" in self.session.get_providers() else "cpu"
        if device == "cuda" and self.device == "cpu":
            raise ModelError("the device 'cuda' was asked for, and ONNX Runtime found none that works; take device='cpu'")
        self.run_options = onnxruntime.RunOptions
        self.input = self.session.get_inputs()[0].name
        self.outputs = [output.name for output in self.session.get_outputs()][:2]
        told = self.session.get_modelmeta().custom_metadata_map.get(REACH, "")
        self.reach = int(told) if told else None

    def __call__(self, stack: np.ndarray, stop: Stop | None = None) -> Answered:
        if stop is None:
            return self._answered(self.session.run(self.outputs, {self.input: stack}))
        stop.check(RUNNING)
        run = self.run_options()

        def end() -> None:
            run.terminate = True

        with stop.acting(end):
            try:
                return self._answered(self.session.run(self.outputs, {self.input: stack}, run))
            except Exception:  # the runtime's own kind; of any other failure nothing is due
                stop.check(RUNNING)
                raise

    def _answered(self, answers: list[np.ndarray]) -> Answered:
        return Answered(answers[0], answers[1] if len(answers) > 1 else None)


def _providers(available: list[str], device: str) -> list[str | tuple[str, dict[str, str]]]:
    """Execution providers in the order in which they are tried.

    Examples
    --------
    >>> _providers(["CPUExecutionProvider"], "auto")
    ['CPUExecutionProvider']
    >>> [name for name, _ in _providers(["CUDAExecutionProvider", "CPUExecutionProvider"], "auto")[:1]]
    ['CUDAExecutionProvider']
    """
    if device == "cpu" or (device == "auto" and "CUDAExecutionProvider" not in available):
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in available:
        raise ModelError(
            "the device 'cuda' was asked for, and the installed ONNX Runtime is for the processor alone; "
            "install onnxruntime-gpu in its place"
        )
    # TF32 rounds to 10 bits, and scores would differ from the processor's in the third digit. An exhaustive search for the
    # fastest convolution would be made anew for every size of scan.
    cuda = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    return [("CUDAExecutionProvider", cuda), "CPUExecutionProvider"]


class _Torch:
    def __init__(self, card: ModelCard, device: str, threads: int | None) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingDependencyError("the torch backend needs torch; install xrayscan[train]", extra="train") from error

        from xrayscan.network.designs import load_weights
        from xrayscan.network.exported import Exported, reach_of

        if device == "cuda" and not torch.cuda.is_available():
            raise ModelError("the device 'cuda' was asked for, and torch finds none; take device='cpu'")
        if threads:
            torch.set_num_threads(threads)
        self.device = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        network = load_weights(card.file("weights.safetensors"))
        self.reach = reach_of(network)
        self.torch, self.network = torch, Exported(network).eval().to(self.device)
        self._one_at_a_time = threading.Lock()  # a forward pass keeps its stages' features until it is done

    def __call__(self, stack: np.ndarray, stop: Stop | None = None) -> Answered:
        if stop is not None:
            stop.check(RUNNING)
        with self._one_at_a_time, self.torch.inference_mode(), self.torch.backends.cudnn.flags(allow_tf32=False):
            planes, features = self.network(self.torch.from_numpy(stack).to(self.device))
        return Answered(planes.cpu().numpy(), features.cpu().numpy())
