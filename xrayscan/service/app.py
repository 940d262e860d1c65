"""The HTTP interface, with its OpenAPI description."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO

from fastapi import FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

import xrayscan
from xrayscan.report import schema
from xrayscan.service.description import SCHEMAS, SUMMARY, UPLOAD, report_contents, status_of
from xrayscan.service.desk import Desk, not_found
from xrayscan.service.forms import FORMS, Form, chosen
from xrayscan.service.guard import Guard
from xrayscan.service.metrics import CONTENT_TYPE
from xrayscan.service.problem import RefusedError, documented, too_large
from xrayscan.service.record import Record
from xrayscan.service.settings import Access
from xrayscan.service.stream import add_lines
from xrayscan.service.upload import clean_name, receive

__all__ = ["create_app"]

_LONGEST_WAIT = 3600
_PIECE = 1 << 16
_SANDBOX = "sandbox allow-scripts"  # the page's own policy says the rest; it can reach nothing of this service

ScanId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="As it was given when the scan was accepted.")]
Wait = Annotated[
    float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for the report; the service has a limit of its own.")
]
Name = Annotated[str | None, Query(max_length=200, description="What the report calls the scan.")]
View = Annotated[int | None, Query(ge=0, le=63, description="Which view is screened, of a scan that has several.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A second request with the same key is answered with the scan of the first: safe to repeat.",
    ),
]

_ALWAYS = ("unauthorized", "foreign-origin", "fault")
_SCAN: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/Scan"}}}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "The scan's address."}}


def create_app(desk: Desk, access: Access) -> FastAPI:
    """The service as an ASGI application.

    Parameters
    ----------
    desk : Desk
        At work while the application is served.
    access : Access
    """
    app = FastAPI(
        title="xrayscan", version=xrayscan.__version__, description=SUMMARY, docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    app.add_middleware(Guard, access=access, metrics=desk.metrics)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    _add_scans(app, desk)
    add_lines(app, desk)
    _add_reports(app, desk)
    _add_operation(app, desk)
    _describe(app)
    return app


def _add_scans(app: FastAPI, desk: Desk) -> None:
    @app.post(
        "/v1/scans", status_code=202, tags=["scans"], summary="Submit a scan", openapi_extra=dict(UPLOAD),
        response_class=Response,
        responses={
            200: {"description": "The report, where it was waited for", "content": report_contents(), "headers": _LOCATION},
            202: {"description": "The scan is accepted and on the disk", "content": _SCAN, "headers": _LOCATION},
            **documented(
                *_ALWAYS, "malformed", "not-acceptable", "too-slow", "key-in-use", "key-reused", "too-large",
                "unknown-form", "invalid",
                "not-screened", "busy", "stopping", "disk-full",
            ),
        },
    )  # fmt: skip
    async def submit(
        request: Request, wait: Wait = 0, name: Name = None, view: View = None, idempotency_key: Key = None
    ) -> Response:
        """Accept a scan. With `wait` the report comes at once if it is done in time, in the form that `Accept` asks for."""
        form = chosen(request.headers.get("accept")) if wait else None
        claimed = _claimed(request, desk.limits.upload_bytes)
        key = hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else ""
        with desk.once(key) as known:
            scan = await _accepted(request, desk, (name, view, key, known), claimed)
        if form is not None:
            await desk.wait(scan, min(wait, desk.limits.wait_seconds))
        record = await desk.record(scan)
        if form is not None and record.is_finished:
            return await _report(desk, record, form)
        return JSONResponse(status_of(record), 202, headers=_headers(record))

    @app.get(
        "/v1/scans/{scan}", tags=["scans"], summary="The state of a scan", response_class=Response,
        responses={200: {"description": "The scan", "content": _SCAN}, **documented(*_ALWAYS, "not-found", "invalid")},
    )  # fmt: skip
    async def state(scan: ScanId, wait: Wait = 0) -> Response:
        """With `wait` the answer comes when the scan is finished, or when the time is over."""
        await desk.wait(scan, min(wait, desk.limits.wait_seconds))
        return JSONResponse(status_of(await desk.record(scan)), headers={"cache-control": "no-store"})

    @app.delete(
        "/v1/scans/{scan}", status_code=204, tags=["scans"], summary="Delete a scan and its report", response_class=Response,
        responses={204: {"description": "It is gone"}, **documented(*_ALWAYS, "not-found", "being-screened", "invalid")},
    )  # fmt: skip
    async def delete(scan: ScanId) -> Response:
        """A scan that waits is taken out of the queue; one that is just being screened is not deleted."""
        await desk.delete(scan)
        return Response(status_code=204)


def _add_reports(app: FastAPI, desk: Desk) -> None:
    problems = documented(*_ALWAYS, "not-found", "not-acceptable", "not-finished", "invalid", "not-screened")

    async def report_of(scan: str, wait: float, form: Form) -> Response:
        await desk.wait(scan, min(wait, desk.limits.wait_seconds))
        return await _report(desk, await desk.record(scan), form)

    @app.get(
        "/v1/scans/{scan}/report", tags=["reports"], summary="The report of a scan, in the form that Accept asks for",
        response_class=Response,
        responses={200: {"description": "The report", "content": report_contents()}, **problems},
    )  # fmt: skip
    async def report(request: Request, scan: ScanId, wait: Wait = 0) -> Response:
        """JSON where `Accept` takes anything."""
        return await report_of(scan, wait, chosen(request.headers.get("accept")))

    for ending, form in FORMS.items():

        def add(ending: str, form: Form) -> None:
            @app.get(
                f"/v1/scans/{{scan}}/report.{ending}", tags=["reports"], summary=f"The report of a scan: {form.what}",
                response_class=Response, operation_id=f"report_{ending}",
                responses={
                    200: {"description": "The report", "content": {form.media: report_contents()[form.media]}},
                    **{status: said for status, said in problems.items() if status != 406},
                },
            )  # fmt: skip
            async def report_as(scan: ScanId, wait: Wait = 0) -> Response:
                return await report_of(scan, wait, form)

        add(ending, form)

    @app.get(
        "/v1/report-schema", tags=["reports"], summary="The JSON Schema of report.json", response_class=Response,
        responses={
            200: {"description": "JSON Schema 2020-12", "content": {"application/schema+json": {"schema": {"type": "object"}}}},
            **documented(*_ALWAYS),
        },
    )  # fmt: skip
    async def report_schema() -> Response:
        return JSONResponse(schema(), media_type="application/schema+json")


def _add_operation(app: FastAPI, desk: Desk) -> None:
    said = {"application/json": {"schema": {"type": "object", "properties": {"status": {"type": "string"}}}}}

    @app.get(
        "/health/live", tags=["operation"], summary="Whether the service answers", response_class=Response,
        responses={200: {"description": "It does", "content": said}, **documented(*_ALWAYS)},
    )  # fmt: skip
    async def live() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get(
        "/health/ready", tags=["operation"], summary="Whether scans are taken and screened now", response_class=Response,
        responses={200: {"description": "They are", "content": said}, **documented(*_ALWAYS, "stopping")},
    )  # fmt: skip
    async def ready() -> Response:
        if not desk.is_ready:
            raise RefusedError("stopping", "the service stops, or no worker process is ready; send scans later", retry_after=5)
        return JSONResponse({"status": "ready"})

    @app.get(
        "/metrics", tags=["operation"], summary="Figures for Prometheus", response_class=Response,
        responses={
            200: {"description": "In its text format", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **documented(*_ALWAYS),
        },
    )  # fmt: skip
    async def metrics() -> Response:
        return Response(await asyncio.to_thread(desk.metrics.text), media_type=CONTENT_TYPE)


def _claimed(request: Request, most: int) -> int:
    """How many bytes a request may bring: as many as it says, or as are taken if it does not say.

    Raises
    ------
    RefusedError
        If it brings none, or more than are taken.
    """
    if "transfer-encoding" in request.headers:
        return most  # a Content-Length beside it holds for nothing (RFC 9112, 6.3)
    length = request.headers.get("content-length", "")
    claimed = int(length) if length.isascii() and length.isdigit() else 0
    if not claimed:
        raise RefusedError("malformed", "the body is empty; send the bytes of a scan")
    if claimed > most:
        raise too_large(most)
    return claimed


async def _accepted(request: Request, desk: Desk, asked: tuple[str | None, int | None, str, str | None], claimed: int) -> str:
    """The id of the scan that a request brings: asked for by name, view and key, which may be of a scan that is known."""
    name, view, key, known = asked
    async with desk.place(claimed) as folder:
        content_type = request.headers.get("content-type", "")
        upload = await receive(request.stream(), content_type, folder / "input", name, desk.limits)
        return (await desk.submit(folder.name, upload, view, key, known)).id


async def _report(desk: Desk, record: Record, form: Form) -> Response:
    """A finished report, read from the disk while it is sent."""
    if record.state == "failed":
        more = {"scan": status_of(record)}
        raise RefusedError("not-screened", record.error, headers=_headers(record), more=more)
    if not record.is_finished:
        detail = f"scan {record.id} is {record.state}; ask again, or with ?wait=SECONDS"
        raise RefusedError("not-finished", detail, retry_after=desk.retry_after, headers=_headers(record))
    try:
        file = await asyncio.to_thread((desk.spool.report(record.id) / form.file).open, "rb")
    except FileNotFoundError as error:  # it was deleted just now
        raise not_found(record.id) from error
    headers = {
        **_headers(record),
        "content-length": str(os.fstat(file.fileno()).st_size),
        "content-disposition": f'inline; filename="{record.id}{os.path.splitext(form.file)[1]}"',
        "content-security-policy": _SANDBOX,
    }
    return _FileResponse(file, media_type=form.media, headers=headers)


class _FileResponse(StreamingResponse):
    """A file that is closed whatever becomes of its answer, even if nothing of it was taken."""

    def __init__(self, file: BinaryIO, **more: Any) -> None:
        super().__init__(_pieces(file), **more)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _headers(record: Record) -> dict[str, str]:
    return {"location": f"/v1/scans/{record.id}", "cache-control": "no-store"}


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    raise RefusedError("invalid", clean_name("; ".join(said)) or "a parameter makes no sense; see /openapi.json")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {404: "not-found", 405: "wrong-method", 400: "malformed"}
    details = {
        404: "there is nothing at this address; /openapi.json describes what there is",
        405: "this address does not take that method; /openapi.json describes what it takes",
    }
    kind, headers = (
        kinds.get(error.status_code, "fault"),
        {name.lower(): value for name, value in (error.headers or {}).items()},
    )
    if error.status_code == 405:  # the router tells the methods of one route, and an address may have several
        headers["allow"] = ", ".join(sorted(_methods(request)))
    raise RefusedError(kind, details.get(error.status_code, clean_name(str(error.detail))), headers=headers)


def _methods(request: Request) -> set[str]:
    """The methods that an address takes."""
    matching = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    return {method for route in matching for method in getattr(route, "methods", None) or ()}


def _describe(app: FastAPI) -> None:
    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            told = get_openapi(title=app.title, version=app.version, description=SUMMARY, routes=app.routes)
            told["components"] = {
                "schemas": dict(SCHEMAS),
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            }
            told["security"] = [{"token": []}]
            app.openapi_schema = told
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
