"""A model that runs: radiographs in, what does not belong there out; long scans in tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from xrayscan.errors import ModelError, StoppedError
from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
from xrayscan.network.grid import CHANNELS, MULTIPLE, from_grid, padded_shape, planes, window
from xrayscan.network.novelty import NOVELTY, Novelty, summary
from xrayscan.network.runtime import BACKENDS, Answered, open_backend
from xrayscan.network.tiles import TILE_PIXELS, Span, tiles
from xrayscan.scan import Radiograph

if TYPE_CHECKING:
    from xrayscan.stop import Stop
    from xrayscan.zoo import ModelCard

__all__ = ["BACKENDS", "Model"]

AMOUNTS = ("added", "missing")
Planes = tuple[np.ndarray, ...]


@dataclass
class _Found:
    """The answer to one scan on the padded grid; its planes are taken out one by one, so that not all are held twice."""

    planes: list[np.ndarray]
    features: np.ndarray | None
    answered: np.ndarray | None = None  # 1 where it is, if it is not everywhere


class Model:
    """A model, called with a `Radiograph`.

    It holds no state between calls, and may be called from several threads at once. A scan larger than a tile is answered in
    tiles, and gets the answer that it would get as a whole, in bounded memory; a network that looks over the whole scan
    (``reach`` is None) is always shown the whole.

    Parameters
    ----------
    card : ModelCard
    backend : {"onnx", "onnx-int8", "torch"}
    threads : int or None
        Threads within one inference; None leaves it to the backend.
    device : {"auto", "cpu", "cuda"}
        "auto" is CUDA where the installed runtime has it and a device answers, else the processor; ``model.device`` says which.
    tile_pixels : int
        Pixels of the grid that the network is shown at once.

    Raises
    ------
    ModelError, WeightsError, MissingDependencyError
    """

    def __init__(
        self, card: ModelCard, *, backend: str = "onnx", threads: int | None = None, device: str = "auto",
        tile_pixels: int = TILE_PIXELS,
    ) -> None:  # fmt: skip
        self._run = open_backend(card, backend, device, threads)
        self.card, self.backend, self.threads, self.tile_pixels = card, backend, threads, tile_pixels
        self.device, self.reach = self._run.device, self._run.reach
        self.known = Novelty.load(card.file(NOVELTY)) if NOVELTY in card.sha256 else None
        self.id = ModelId(
            card.name, card.version, card.sha256[BACKENDS[backend]], card.calibration, card.mass_factor, card.score_area
        )

    def __call__(self, radiograph: Radiograph, *, stop: Stop | None = None) -> AnomalyMap:
        """What does not belong, on the scan's own pixels.

        Opaque and invalid pixels score 0: nothing can be said there.

        Parameters
        ----------
        radiograph : Radiograph
        stop : Stop or None
            When it is due, the tile in hand is given up, and the map says where the network has not answered.

        Returns
        -------
        AnomalyMap
        """
        if not isinstance(radiograph, Radiograph):
            raise TypeError(
                f"model {self.card.name} was given a {type(radiograph).__name__}; pass a Radiograph: xs.normalize(scan), or "
                "screen files and scans with xs.Screener"
            )
        given = planes(radiograph, self.card.grid, tells_display=self.card.tells_display)
        shape = padded_shape(given[0].shape)
        cut = list(tiles(shape, self.reach, self.tile_pixels))
        if len(cut) == 1 and stop is None:
            return self._anomaly(radiograph, given, self._answers([given], shape)[0])
        return self._anomaly(radiograph, given, self._tiled(given, shape, cut, stop))

    def map(self, radiographs: Iterable[Radiograph], *, batch: int = 8) -> Iterator[AnomalyMap]:
        """The answers to several scans of any sizes, in their order, as one by one.

        Those of ``batch`` consecutive scans that are of one size on the network's grid go through the network together, which
        a GPU likes and a processor does not mind.

        Parameters
        ----------
        radiographs : iterable of Radiograph
            Taken ``batch`` at a time.
        batch : int

        Yields
        ------
        AnomalyMap

        Raises
        ------
        ModelError
            If ``batch`` is less than 1.
        """
        if batch < 1:
            raise ModelError(f"mapping a model over scans: batch is {batch}; expected at least 1")
        coming = iter(radiographs)
        while some := list(islice(coming, batch)):
            yield from self._together(some)

    def features(self, radiograph: Radiograph) -> np.ndarray | None:
        """What the network feels in a scan, as `xrayscan.network.novelty` knows scans by it.

        Returns
        -------
        ndarray of float32, shape (features,), or None
            None of a model that does not tell.
        """
        given = planes(radiograph, self.card.grid, tells_display=self.card.tells_display)
        shape = padded_shape(given[0].shape)
        return self._summary(given, self._tiled(given, shape, list(tiles(shape, self.reach, self.tile_pixels))))

    def _together(self, radiographs: Sequence[Radiograph]) -> Iterator[AnomalyMap]:
        given = [planes(radiograph, self.card.grid, tells_display=self.card.tells_display) for radiograph in radiographs]
        shapes = [padded_shape(one[0].shape) for one in given]
        answers: dict[int, _Found] = {}
        for place, (radiograph, shape) in enumerate(zip(radiographs, shapes, strict=True)):
            if shape[0] * shape[1] > self.tile_pixels:
                yield self(radiograph)
                continue
            if place not in answers:
                most = max(1, self.tile_pixels // (shape[0] * shape[1]))
                alike = [k for k in range(place, len(given)) if shapes[k] == shape][:most]
                answers |= dict(zip(alike, self._answers([given[k] for k in alike], shape), strict=True))
            yield self._anomaly(radiograph, given[place], answers.pop(place))

    def _answers(self, given: Sequence[Planes], shape: tuple[int, int]) -> list[_Found]:
        """Of several scans of one size, each shown whole."""
        rows, columns = slice(0, shape[0]), slice(0, shape[1])
        shown = [window(one, rows, columns) for one in given]
        found = self._checked(shown[0][None] if len(shown) == 1 else np.stack(shown))
        felt = [None] * len(given) if found.features is None else list(found.features)
        return [_Found(list(answer), one) for answer, one in zip(found.planes, felt, strict=True)]

    def _tiled(
        self, given: Planes, shape: tuple[int, int], cut: Sequence[tuple[Span, Span]], stop: Stop | None = None
    ) -> _Found:
        """Of one scan, tile by tile; from where it is to stop on, nothing."""
        out = [np.zeros(shape, np.float32) for _ in KINDS + AMOUNTS]
        felt: np.ndarray | None = None
        answered = np.zeros(shape, np.float32)
        for rows, columns in cut:
            stack = window(given, slice(rows.start, rows.stop), slice(columns.start, columns.stop))
            try:
                found = self._checked(stack[None], stop)
            except StoppedError:
                return _Found(out, None, answered)
            answered[rows.kept, columns.kept] = 1.0
            for plane, answer in zip(out, found.planes[0], strict=True):
                plane[rows.kept, columns.kept] = answer[rows.inner, columns.inner]
            if found.features is not None:
                if felt is None:
                    felt = np.empty((found.features.shape[1], *(size // MULTIPLE for size in shape)), np.float32)
                felt[:, _cells(rows.kept), _cells(columns.kept)] = found.features[0][
                    :, _cells(rows.inner), _cells(columns.inner)
                ]
        return _Found(out, felt)

    def _checked(self, stack: np.ndarray, stop: Stop | None = None) -> Answered:
        found = self._run(stack) if stop is None else self._run(stack, stop)
        if found.planes.shape != stack.shape:
            raise ModelError(
                f"model {self.card.name} gave shape {found.planes.shape} for {stack.shape}; its file is not of this version"
            )
        return found

    def _anomaly(self, radiograph: Radiograph, given: Planes, found: _Found) -> AnomalyMap:
        felt = self._summary(given, found)
        novelty = None if self.known is None or felt is None else self.known(felt)
        seen = radiograph.valid & ~radiograph.opaque
        full: dict[str, Any] = {}
        for name in KINDS + AMOUNTS:
            full[name] = from_grid(found.planes.pop(0), radiograph, self.card.grid)
            full[name] *= seen
            full[name].setflags(write=False)
        part = found.answered
        answered = None if part is None else from_grid(part, radiograph, self.card.grid) >= 1.0
        return AnomalyMap(**full, model=self.id, novelty=novelty, answered=answered)

    def _summary(self, given: Planes, found: _Found) -> np.ndarray | None:
        return None if found.features is None else summary(found.features, given[CHANNELS.index("valid")])

    def __repr__(self) -> str:
        return f"Model({self.card!r}, {self.backend} on {self.device})"


def _cells(pixels: slice) -> slice:
    return slice(pixels.start // MULTIPLE, pixels.stop // MULTIPLE)
