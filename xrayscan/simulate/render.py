"""Solids → areal densities: what each ray passes through, what was hidden in it, and what was taken away for that.

One rule resolves every overlap: where two solids overlap, the later one takes the place of the earlier. Holes take the place of
the load only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch

from xrayscan.simulate.fan import Fan, Rays, Window
from xrayscan.simulate.material import basis
from xrayscan.simulate.solid import Solid
from xrayscan.simulate.trace import Spans, covered_length, spans

__all__ = ["Areal", "Hidden", "Patch", "render"]

TOUCH = 1e-5  # solids that share less than this do not overlap [m]
CROWD = 4_000_000  # intervals that are sorted together
FIXED, LOAD, HOLE, HIDDEN = range(4)


@dataclass(frozen=True, eq=False)
class Hidden:
    """Something put into the load, or taken out of it.

    Attributes
    ----------
    kind : {"person", "density", "void", "look-alike"}
    label : str
        Posture, material or kind of look-alike.
    solids : tuple of Solid
        The thing itself.
    hole : tuple of Solid
        What is taken out of the load for it; only their shapes count.
    cover : tuple of Solid
        What encloses or hides it: a crate, planks, a false wall. Belongs to the load's side, not to the thing.
    """

    kind: str
    label: str
    solids: tuple[Solid, ...] = ()
    hole: tuple[Solid, ...] = ()
    cover: tuple[Solid, ...] = ()


@dataclass(frozen=True, eq=False)
class Patch:
    """Areal densities of one hidden thing, in the part of the picture that it touches.

    Attributes
    ----------
    window : Window
    added : Tensor, shape (rows, columns) [g/cm²]
        Its own.
    removed : Tensor, shape (rows, columns) [g/cm²]
        Of the load whose place it took, with its hole and cover.
    front : Tensor, shape (rows, columns) [g/cm²]
        Of everything between the source and it, where it is.
    """

    window: Window
    added: torch.Tensor
    removed: torch.Tensor
    front: torch.Tensor


@dataclass(frozen=True, eq=False)
class Areal:
    """What the rays of one scan passed through.

    Attributes
    ----------
    water, iron : Tensor, shape (rows, columns) [g/cm²]
        The two shares of everything (see `material.basis`).
    patches : tuple of Patch
        One for each hidden thing, in the order given.
    """

    water: torch.Tensor
    iron: torch.Tensor
    patches: tuple[Patch, ...]


class _Scene:
    """Solids in order: what each is, whose it is, where it is seen, and which later ones may take its place."""

    def __init__(self, fan: Fan, fixed: Sequence[Solid], load: Sequence[Solid], hidden: Sequence[Hidden]) -> None:
        self.solids = [*fixed, *load]
        self.role = [FIXED] * len(fixed) + [LOAD] * len(load)
        self.owner = [-1] * len(self.solids)
        self.own: list[int] = []
        for i, thing in enumerate(hidden):
            for parts, role in ((thing.hole, HOLE), (thing.cover, HIDDEN), (thing.solids, HIDDEN)):
                self.solids += parts
                self.role += [role] * len(parts)
                self.owner += [i] * len(parts)
            count = len(self.solids)
            self.own += range(count - len(thing.solids), count)
        self.role_array = np.array(self.role)
        center = np.array([s.center for s in self.solids]).reshape(-1, 3)
        reach = np.array([s.reach for s in self.solids]).reshape(-1, 3)
        self.low, self.high = center - reach, center + reach
        self.edges = fan.windows(self.low, self.high)
        self.windows = [Window(*row) for row in self.edges.tolist()]
        self.later = [self._later(i) for i in range(len(self.solids))]

    def _later(self, i: int) -> list[int]:
        """The later solids that may take some of one's place, by their upright boxes."""
        meet = (self.low[i + 1 :] < self.high[i] - TOUCH) & (self.high[i + 1 :] > self.low[i] + TOUCH)
        index = i + 1 + np.flatnonzero(meet.all(1))
        roles = self.role_array[index]
        return index[(roles != HOLE) | (self.role[i] == LOAD)].tolist()

    def seen_in(self, window: Window, among: Sequence[int]) -> list[int]:
        """Those of some solids that are seen in a window."""
        index = np.asarray(among, int)
        top, left, bottom, right = self.edges[index].T
        meet = (top < window.bottom) & (bottom > window.top) & (left < window.right) & (right > window.left)
        found: list[int] = index[meet & (top < bottom) & (left < right)].tolist()
        return found

    def last_use(self) -> dict[int, list[int]]:
        """For each solid, those whose spans are not needed any more once it is done."""
        last = list(range(len(self.solids)))
        for i, others in enumerate(self.later):
            for j in others:
                last[j] = max(last[j], i)
        free: dict[int, list[int]] = {}
        for i, end in enumerate(last):
            free.setdefault(end, []).append(i)
        return free

    def clipped(self, window: Window) -> _Scene:
        """The same scene, of which no more is looked at than a window."""
        part = copy(self)
        low = np.maximum(self.edges[:, :2], [window.top, window.left])
        high = np.minimum(self.edges[:, 2:], [window.bottom, window.right])
        part.edges = np.concatenate([low, np.maximum(low, high)], axis=1)
        part.windows = [Window(*row) for row in part.edges.tolist()]
        return part


class _Tracer:
    """Traces a scene's solids, each once; with a limit over a frame, takings behind it do not count."""

    def __init__(self, scene: _Scene, rays: Rays) -> None:
        self.scene, self.rays = scene, rays
        self.known: dict[int, Spans] = {}
        self.limit: torch.Tensor | None = None
        self.frame = Window(0, 0, *rays.fan.shape)

    def spans(self, index: int) -> Spans:
        """Spans of a solid over its own window."""
        if index not in self.known:
            self.known[index] = spans(self.scene.solids[index], self.rays, self.scene.windows[index])
        return self.known[index]

    def forget(self, index: int) -> None:
        """Free what is known of a solid's spans."""
        self.known.pop(index, None)

    def common(self, index: int, others: Sequence[int], window: Window) -> Spans:
        """Common parts of a solid and others, over a window within the solid's own."""
        cut = (slice(None), *window.within(self.scene.windows[index]))
        own = [(first[None], last[None]) for first, last in zip(*(t[cut] for t in self.spans(index)), strict=True)]
        found = []
        for other in self.scene.seen_in(window, others):
            shared = window.shared(self.scene.windows[other])
            here, there = shared.within(window), (slice(None), *shared.within(self.scene.windows[other]))
            enter, leave = (t[there] for t in self.spans(other))
            for first, last in own:
                begin = torch.maximum(enter, first[:, here[0], here[1]])
                end = torch.minimum(leave, last[:, here[0], here[1]])
                if (end > begin).any():
                    found.append((here, begin, end))
        both = torch.zeros((2, sum(len(begin) for _, begin, _ in found), *window.shape), device=self.rays.device)
        place = 0
        for here, begin, end in found:
            both[0, place : place + len(begin), here[0], here[1]] = begin
            both[1, place : place + len(begin), here[0], here[1]] = torch.maximum(begin, end)
            place += len(begin)
        return both[0], both[1]

    def taken(self, index: int, others: Sequence[int], window: Window) -> torch.Tensor:
        """Length of a solid that others take, over a window within its own [m], shape (rows, columns)."""
        others = self.scene.seen_in(window, others)
        rows, columns = window.shape
        if len(others) > 3 and len(others) * rows * columns > CROWD and max(rows, columns) > 8:
            return self._halves(index, others, window)
        enter, leave = self.common(index, others, window)
        if self.limit is not None:
            end = self.limit[window.within(self.frame)]
            enter, leave = torch.minimum(enter, end), torch.minimum(leave, end)
        return covered_length(enter, leave)

    def _halves(self, index: int, others: Sequence[int], window: Window) -> torch.Tensor:
        """`taken`, in two halves of the window, where fewer others are seen."""
        rows, columns = window.shape
        if rows > columns:
            middle = window.top + rows // 2
            one, two = (window.top, window.left, middle, window.right), (middle, window.left, window.bottom, window.right)
        else:
            middle = window.left + columns // 2
            one, two = (window.top, window.left, window.bottom, middle), (window.top, middle, window.bottom, window.right)
        halves = [self.taken(index, others, Window(*part)) for part in (one, two)]
        return torch.cat(halves, 0 if rows > columns else 1)

    def joint(self, others: Sequence[int], within: Window) -> Window:
        """The smallest window that holds what others can touch of one."""
        edges = self.scene.edges[np.asarray(others, int)]
        top, left = np.maximum(edges[:, 0], within.top), np.maximum(edges[:, 1], within.left)
        bottom, right = np.minimum(edges[:, 2], within.bottom), np.minimum(edges[:, 3], within.right)
        seen = (top < bottom) & (left < right)
        if not seen.any():
            return Window(within.top, within.left, within.top, within.left)
        return Window(int(top[seen].min()), int(left[seen].min()), int(bottom[seen].max()), int(right[seen].max()))


def _hull(windows: Sequence[Window]) -> Window:
    """The smallest window that holds others."""
    seen = [w for w in windows if not w.empty]
    if not seen:
        return Window(0, 0, 0, 0)
    low = min(w.top for w in seen), min(w.left for w in seen)
    return Window(*low, max(w.bottom for w in seen), max(w.right for w in seen))


def render(
    fan: Fan,
    fixed: Sequence[Solid],
    load: Sequence[Solid] = (),
    hidden: Sequence[Hidden] = (),
    device: str | torch.device = "cpu",
) -> Areal:
    """What every ray of a scan passes through.

    Parameters
    ----------
    fan : Fan
    fixed : sequence of Solid
        Container and vehicle; no hole is cut into them.
    load : sequence of Solid
    hidden : sequence of Hidden
    device : str or torch.device
        Where to compute.

    Returns
    -------
    Areal

    Examples
    --------
    >>> from xrayscan.simulate.solid import box
    >>> fan = Fan.vertical((5.0, 1.0), 2.0, 0.0, (20, 10), (0.1, 0.1))
    >>> areal = render(fan, [box((0, -0.5, 0), (1, 0.5, 2), "steel", 1.0), box((0, -0.4, 0), (1, 0.4, 2), "water", 0.5)])
    >>> round(areal.iron[10, 5].item()), round(areal.water[10, 5].item())
    (20, 40)
    """
    with _one_thread():
        return _rendered(fan, _Scene(fan, fixed, load, hidden), Rays(fan, device), len(hidden))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Thousands of small solids are drawn one after the other: threads would wait for each other longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _rendered(fan: Fan, scene: _Scene, rays: Rays, hidden: int) -> Areal:
    tracer = _Tracer(scene, rays)
    last_use = scene.last_use()
    water, iron = (torch.zeros(fan.shape, device=rays.device) for _ in range(2))
    drafts = [_Draft(scene, i, rays) for i in range(hidden)]
    for i, solid in enumerate(scene.solids):
        window = scene.windows[i]
        if not window.empty and scene.role[i] != HOLE and solid.density > 0.0:
            enter, leave = tracer.spans(i)
            length = (leave - enter).sum(0)
            scale = rays.path[window.slices[0]] * solid.density
            if scene.later[i]:
                _carve(tracer, i, length, drafts, scale)
            areal = length.mul_(scale)
            for total, share in zip((water, iron), basis(solid.material), strict=True):
                if abs(share) > 1e-9:
                    total[window.slices].add_(areal, alpha=share)
            if i in scene.own:
                drafts[scene.owner[i]].add("added", window, areal)
        for used in last_use.get(i, ()):
            tracer.forget(used)
    for draft in drafts:
        _add_front(draft)
    return Areal(water.clamp_(min=0.0), iron, tuple(draft.patch() for draft in drafts))


def _carve(tracer: _Tracer, i: int, length: torch.Tensor, drafts: list[_Draft], scale: torch.Tensor) -> None:
    """Take from a solid's length [m] what later ones take, noting what each hidden thing takes of the load."""
    scene, own = tracer.scene, tracer.scene.windows[i]
    others = scene.later[i]
    before = [j for j in others if scene.owner[j] in (-1, scene.owner[i])]
    if before:
        window = tracer.joint(before, own)
        length[window.within(own)] -= tracer.taken(i, before, window)
    for owner in sorted({scene.owner[j] for j in others} - {-1, scene.owner[i]}):
        new = [j for j in others if scene.owner[j] == owner]
        window = tracer.joint(new, own)
        if window.empty:
            continue
        lost = tracer.taken(i, [*before, *new], window)
        if before:
            lost -= tracer.taken(i, before, window)
        before += new
        length[window.within(own)] -= lost
        if scene.role[i] == LOAD:
            rows, _ = window.within(own)
            drafts[owner].add("removed", window, lost * scale[rows])


class _Draft:
    """A hidden thing's areal densities [g/cm²], while they are being added up."""

    def __init__(self, scene: _Scene, owner: int, rays: Rays) -> None:
        self.scene, self.rays = scene, rays
        self.own = [i for i in scene.own if scene.owner[i] == owner]
        self.window = _hull([scene.windows[i] for i, o in enumerate(scene.owner) if o == owner])
        shape = self.window.shape
        self.maps = {name: torch.zeros(shape, device=rays.device) for name in ("added", "removed", "front")}

    def add(self, name: str, window: Window, areal: torch.Tensor) -> None:
        """Add to one of the maps."""
        self.maps[name][window.within(self.window)] += areal

    def patch(self) -> Patch:
        """What was added up."""
        return Patch(self.window, **self.maps)


def _add_front(draft: _Draft) -> None:
    """Add up what lies between the source and a hidden thing."""
    if not draft.own:
        return
    scene, rays = draft.scene.clipped(draft.window), draft.rays
    tracer = _Tracer(scene, rays)
    near = torch.full(draft.window.shape, torch.inf, device=rays.device)
    for i in draft.own:
        if not scene.windows[i].empty:
            enter, leave = tracer.spans(i)
            first = torch.where(leave > enter, enter, torch.inf).amin(0)
            place = scene.windows[i].within(draft.window)
            near[place] = torch.minimum(near[place], first)
    tracer.limit = limit = torch.where(torch.isfinite(near), near, 0.0)
    tracer.frame = draft.window
    for i in scene.seen_in(draft.window, range(len(scene.solids))):
        solid, window = scene.solids[i], scene.windows[i]
        if scene.role[i] == HOLE or solid.density == 0.0 or i in draft.own:
            continue
        enter, leave = tracer.spans(i)
        end = limit[window.within(draft.window)]
        length = (torch.minimum(leave, end) - enter).clamp_(min=0.0).sum(0)
        if scene.later[i] and length.any():
            length -= tracer.taken(i, scene.later[i], window)
        draft.add("front", window, length * rays.path[window.slices[0]] * solid.density)
