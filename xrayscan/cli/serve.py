"""``xrayscan serve``: the HTTP service for hosts that are not Python."""

from __future__ import annotations

from pathlib import Path

import typer

from xrayscan.cli.console import clear_errors, results
from xrayscan.cli.outcome import DISCLAIMER

__all__ = ["serve"]

_MB, _GB = 1_000_000, 1_000_000_000


def serve(  # noqa: PLR0913  one argument an option
    spool: Path = typer.Option(..., help="Folder that accepted scans and reports live in; they outlive a kill.", metavar="DIR"),
    host: str = typer.Option("127.0.0.1", help="Address to listen on; others than this machine's own need a token."),
    port: int = typer.Option(8646, min=0, max=65535, help="0 takes a free one."),
    token_file: Path | None = typer.Option(None, help="Text file with one token a line; or set XRAYSCAN_TOKEN."),
    tls_cert: Path | None = typer.Option(None, help="Certificate chain, PEM.", metavar="FILE"),
    tls_key: Path | None = typer.Option(None, help="Its key, PEM.", metavar="FILE"),
    model: str | None = typer.Option(None, help="A shipped model's name, or a model folder.", metavar="NAME|DIR"),
    false_alarm_rate: float = typer.Option(0.01, help="Share of clean scans that may be alarmed, as the model's card has it."),
    workers: int | None = typer.Option(None, min=1, help="Processes; by default one for two cores, at most 8."),
    queue: int = typer.Option(64, min=1, help="Scans that are sent, wait or are screened at a time; more get 429."),
    streams: int = typer.Option(2, min=1, help="Scans that come line by line at a time; each loads a model. More get 429."),
    max_mb: float = typer.Option(1000.0, help="Largest upload [MB]."),
    screening_seconds: float = typer.Option(120.0, help="For one scan in its process [s]."),
    keep_hours: float = typer.Option(24.0, help="Reports are removed when they are older [h]."),
    keep_gb: float = typer.Option(20.0, help="The oldest reports are removed when they are more together [GB]."),
    drain_seconds: float = typer.Option(30.0, help="For scans in hand when the service stops [s]."),
    debug: bool = typer.Option(False, "--debug", help="Show the log, and tracebacks of errors."),
) -> None:  # fmt: skip
    """Screen scans that other programs send over HTTP; its OpenAPI description is at /openapi.json. Needs xrayscan[serve].

    SIGTERM and Ctrl-C end it in order: scans in hand are finished, all other accepted scans are screened after the next start.

    Exit status: 0 stopped in order, 2 wrong use.
    """
    with clear_errors(debug):
        from xrayscan.batch.workers import cores
        from xrayscan.service import serve as run
        from xrayscan.service.look import ModelLooks
        from xrayscan.service.settings import Access, Binding, Limits
        from xrayscan.service.worker import ModelScreens

        count = workers or max(1, min(8, cores() // 2))
        limits = Limits(
            upload_bytes=_bytes("--max-mb", max_mb * _MB),
            queue=queue,
            streams=streams,
            screening_seconds=screening_seconds,
            keep_seconds=keep_hours * 3600,
            keep_bytes=_bytes("--keep-gb", keep_gb * _GB),
            drain_seconds=drain_seconds,
        )

        def started(address: str) -> None:
            results.print(f"xrayscan serves {address} with {count} worker processes; its description: {address}/openapi.json")
            results.print(DISCLAIMER, style="bold")

        run(
            spool,
            ModelScreens(model, false_alarm_rate, threads=max(1, cores() // count)),
            access=Access.found(token_file),
            binding=Binding(host, port, tls_cert, tls_key),
            limits=limits,
            workers=count,
            looks=ModelLooks(model),
            started=started,
        )


def _bytes(option: str, value: float) -> int:
    """Whole bytes; what is no number or has no end is refused."""
    if not -1.0 < value < 2**63:
        raise typer.BadParameter(f"expected a finite number above 0, got {value:g} bytes", param_hint=option)
    return int(value)
