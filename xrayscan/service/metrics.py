"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """The figures of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.accepted = Counter("xrayscan_scans_accepted", "Scans accepted", registry=registry)
        self.finished = Counter(
            "xrayscan_scans_finished", "Scans with a report, or a reason why not", ["state"], registry=registry
        )
        self.refused = Counter("xrayscan_requests_refused", "Requests answered with a problem", ["kind"], registry=registry)
        self.vanished = Counter("xrayscan_clients_vanished", "Requests whose client went away", registry=registry)
        self.replaced = Counter(
            "xrayscan_workers_replaced", "Worker processes that had to be replaced", ["why"], registry=registry
        )
        self.removed = Counter("xrayscan_scans_removed", "Finished scans removed", ["why"], registry=registry)
        self.faults = Counter("xrayscan_faults", "Errors that nothing was meant to raise", registry=registry)
        self.requests = Histogram(
            "xrayscan_request_seconds",
            "From request to last byte",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.screening = Histogram("xrayscan_screening_seconds", "A scan in its process", buckets=_SECONDS, registry=registry)
        self.turnaround = Histogram("xrayscan_turnaround_seconds", "Accepted to finished", buckets=_SECONDS, registry=registry)
        for state in ("screened", "failed"):
            self.finished.labels(state)
        for why in ("died", "timeout"):
            self.replaced.labels(why)

    def watch(self, name: str, what: str, value: Callable[[], float]) -> None:
        """A figure that is asked for when it is read."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
