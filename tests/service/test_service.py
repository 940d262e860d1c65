"""The service over real connections: what it accepts, answers, refuses and survives."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import signal
import socket
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest

from tests.service.served import BEARER, BrokenScreens, FakeScreens, Service, ThreadWorker, served, until
from xrayscan.errors import CorruptScanError
from xrayscan.report.folder import write_folder
from xrayscan.service import ServiceError, crew, guard
from xrayscan.service.desk import STARTS, Desk
from xrayscan.service.problem import RefusedError
from xrayscan.service.record import Record, now
from xrayscan.service.settings import Limits
from xrayscan.service.spool import Spool
from xrayscan.service.worker import Job, screen_one

ROUTES = [
    ("GET", "/"), ("GET", "/openapi.json"), ("GET", "/metrics"), ("GET", "/health/live"), ("GET", "/health/ready"),
    ("POST", "/v1/scans"), ("GET", f"/v1/scans/{'0' * 32}"), ("GET", f"/v1/scans/{'0' * 32}/report.json"),
    ("DELETE", f"/v1/scans/{'0' * 32}"), ("GET", "/v1/report-schema"),
]  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With two workers, and little patience with clients."""
    spool = tmp_path_factory.mktemp("service") / "spool"
    limits = {"upload_bytes": 200_000, "idle_seconds": 1.0, "wait_seconds": 20.0}
    with served(spool, workers=2, **limits) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client


def submit(client: httpx.Client, content: bytes = b"score 0.7", **query: object) -> httpx.Response:
    return client.post("/v1/scans", params=query, content=content)


def problem(answer: httpx.Response, status: int, kind: str) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.json()
    assert (told["type"], told["status"]) == (f"urn:xrayscan:problem:{kind}", status)
    return str(told["detail"])


def test_a_scan_is_accepted_screened_and_reported_in_every_form(client: httpx.Client) -> None:
    accepted = submit(client, name="lane 3/0412.tif")
    assert accepted.status_code == 202
    here = accepted.headers["location"]
    assert here == f"/v1/scans/{accepted.json()['id']}"
    state = client.get(here, params={"wait": 20}).json()
    assert (state["state"], state["priority"], state["score"], state["error"]) == ("screened", "high", 0.7, None)
    assert (state["name"], state["bytes"], state["attempts"]) == ("lane 3/0412.tif", 9, 1)
    told = client.get(f"{here}/report")
    assert told.headers["content-type"] == "application/json"
    assert told.json()["source"]["path"] == "lane 3/0412.tif"
    for media, ending in (("image/png", "png"), ("text/html", "html"), ("application/dicom", "dcm")):
        asked = client.get(f"{here}/report", headers={"accept": f"{media}, */*;q=0.1"})
        named = client.get(f"{here}/report.{ending}")
        assert asked.content == named.content
        assert asked.headers["content-type"].startswith(media)
        assert asked.headers["content-security-policy"] == "sandbox allow-scripts"
    report = pydicom.dcmread(io.BytesIO(named.content))
    assert report[0x40101031].value == "ALARM"


def test_waiting_brings_the_report_at_once(client: httpx.Client) -> None:
    answer = client.post("/v1/scans", params={"wait": 20}, content=b"score 0.7", headers={"accept": "text/html"})
    assert (answer.status_code, answer.text) == (200, "<p>report</p>")
    assert client.get(answer.headers["location"]).json()["state"] == "screened"


def test_waiting_ends_before_a_slow_scan_does(client: httpx.Client) -> None:
    answer = submit(client, b"sleep 1", wait=0.2)
    assert (answer.status_code, answer.json()["state"]) == (202, "screening")
    here = answer.headers["location"]
    detail = problem(early := client.get(f"{here}/report"), 409, "not-finished")
    assert "is screening; ask again" in detail
    assert int(early.headers["retry-after"]) >= 1
    assert client.get(f"{here}/report", params={"wait": 20}).status_code == 200


def test_a_form_brings_sidecar_and_calibration(client: httpx.Client) -> None:
    files = {
        "scan": ("..\\..\\06.RAW", b"score 0.7"),
        "sidecar": ("x.toml", b'air = "lane/06_air.npy"\nrows = 516\nacquired_at = 2026-04-12T08:30:00Z'),
        "air": ("06_air.npy", b"\x93NUMPY"),
    }
    told = client.post("/v1/scans", params={"wait": 20}, files=files).json()
    assert told["beside"] == {"air": "air.npy", "rows": 516, "acquired_at": "2026-04-12 08:30:00+00:00"}
    assert (told["file"], told["source"]["path"]) == ("scan.raw", "..\\..\\06.RAW")


def test_a_sidecar_may_be_json(client: httpx.Client) -> None:
    files = {"scan": ("06.bin", b"score 0.7"), "sidecar": ("whatever", b'\n{"rows": 5}')}
    assert client.post("/v1/scans", params={"wait": 20}, files=files).json()["beside"] == {"rows": 5}


def test_a_view_can_be_named(client: httpx.Client) -> None:
    assert submit(client, wait=20, view=1).json()["view"] == 1
    assert "view: Input should be" in problem(submit(client, view=-1), 422, "invalid")


def test_a_scan_that_fails_says_why_and_none_of_our_paths(service: Service, client: httpx.Client) -> None:
    answer = submit(client, b"corrupt", wait=20, name="a\r\nb.tif")
    detail = problem(answer, 409, "not-screened")
    assert detail == "reading a\\r\\nb.tif: no score in it; scan again"
    assert answer.json()["scan"]["error"]["kind"] == "CorruptScanError"
    here = answer.headers["location"]
    problem(client.get(f"{here}/report.png"), 409, "not-screened")
    assert client.get(here).json()["links"]["report"] is None
    assert str(service.desk.spool.folder) not in client.get(here).text


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b"die", "WorkerDied", "ended 2 times (exit status 9), most often for want of memory"),
        (b"memory", "MemoryError", "there is not enough memory to screen it"),
        (b"fault", "ZeroDivisionError", "division by zero; this is a fault of xrayscan"),
    ],
)
def test_what_a_scan_does_to_its_worker_costs_only_that_scan(
    client: httpx.Client, content: bytes, kind: str, detail: str
) -> None:
    answer = submit(client, content, wait=20)
    assert detail in problem(answer, 409, "not-screened")
    assert answer.json()["scan"]["error"]["kind"] == kind
    assert submit(client, wait=20).status_code == 200


def test_a_scan_whose_worker_died_once_is_screened(client: httpx.Client, tmp_path: Path) -> None:
    told = client.get(submit(client, f"once {tmp_path / 'flag'}".encode()).headers["location"], params={"wait": 20}).json()
    assert (told["state"], told["attempts"]) == ("screened", 2)


def test_an_idle_worker_that_is_killed_is_replaced(service: Service, client: httpx.Client) -> None:
    until(lambda: len(service.desk.processes) == 2)
    before = set(service.desk.processes)
    for process in before:
        os.kill(process, signal.SIGKILL)
    assert submit(client, wait=20).status_code == 200
    until(lambda: len(service.desk.processes) == 2 and not before & set(service.desk.processes))
    assert 'xrayscan_workers_replaced_total{why="died"}' in client.get("/metrics").text


def test_a_worker_that_the_system_cannot_start_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, ask, hired = ThreadWorker.__init__, ThreadWorker.ask, 0

    def scarce(worker: ThreadWorker, *given: Any) -> None:
        nonlocal hired
        hired += 1
        if hired == 1:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        make(worker, *given)

    with served(tmp_path, in_threads=True) as service, service.client() as client:
        monkeypatch.setattr(ThreadWorker, "__init__", scarce)
        monkeypatch.setattr(ThreadWorker, "ask", lambda *given: ask(*given) if hired else crew.Ended("died", "signal 9"))
        told = client.get(submit(client).headers["location"], params={"wait": 20}).json()
    assert (told["state"], told["attempts"], hired) == ("screened", 2, 2)


def test_whoever_has_no_token_gets_nothing(service: Service) -> None:
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": BEARER["authorization"][7:]}):
        with httpx.Client(base_url=service.address, headers=header) as client:
            for method, path in ROUTES:
                answer = client.request(method, path, content=b"score 0.7" if method == "POST" else None)
                assert "Authorization: Bearer TOKEN" in problem(answer, 401, "unauthorized")
                assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("size", [200, 4 << 20])
def test_who_has_no_token_hears_it_though_the_body_comes_late(service: Service, size: int) -> None:
    body = bytes(size)
    with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1])), timeout=20) as line:
        line.sendall(b"POST /v1/scans HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + body[:10])
        time.sleep(0.2)
        line.sendall(body[10:100])
        time.sleep(0.1)  # for a reset to come back
        line.sendall(body[100:])
        assert line.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_who_has_no_token_and_sends_no_body_hears_it_all_the_same(service: Service) -> None:
    for more in (b"content-length: 100\r\n", b"content-length: 100\r\nexpect: 100-continue\r\n"):
        with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1])), timeout=20) as line:
            line.sendall(b"POST /v1/scans HTTP/1.1\r\nhost: x\r\n" + more + b"\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_deleted_scans_are_gone(service: Service, client: httpx.Client) -> None:
    here = submit(client, wait=20).headers["location"]
    assert client.delete(here).status_code == 204
    assert not service.desk.spool.report(here.rsplit("/", 1)[1]).parent.exists()
    for answer in (client.get(here), client.get(f"{here}/report"), client.delete(here)):
        assert "it never was, was deleted, or is older" in problem(answer, 404, "not-found")


def test_a_scan_that_is_screened_cannot_be_deleted_then(client: httpx.Client) -> None:
    answer = submit(client, b"sleep 1", wait=0.3)
    assert "delete it when it is done" in problem(client.delete(answer.headers["location"]), 409, "being-screened")


def test_a_key_makes_repeating_safe(client: httpx.Client) -> None:
    key = {"idempotency-key": "lane3-0412"}
    first = client.post("/v1/scans", content=b"score 0.7", headers=key).json()["id"]
    assert client.post("/v1/scans", content=b"score 0.7", headers=key).json()["id"] == first
    client.get(f"/v1/scans/{first}", params={"wait": 20})
    problem(client.post("/v1/scans", headers=key), 400, "malformed")
    assert client.post("/v1/scans", content=b"score 0.7", headers=key).json()["state"] == "screened"
    other = client.post("/v1/scans", content=b"score 0.71", headers=key)
    assert f"is that of scan {first}; give every other scan a new one" in problem(other, 409, "key-reused")
    client.delete(f"/v1/scans/{first}")
    assert client.post("/v1/scans", content=b"score 0.7", headers=key).json()["id"] != first


FORM = "multipart/form-data; boundary=b"
SCAN = b"--b\r\nContent-Disposition: form-data; name=scan\r\n\r\n1\r\n"


@pytest.mark.parametrize(
    ("content_type", "content", "status", "kind", "detail"),
    [
        ("image/tiff", b"", 400, "malformed", "the body is empty"),
        ("text/csv", b"1,2", 415, "unknown-form", "the request says 'text/csv'"),
        ("multipart/form-data", b"x", 400, "malformed", "names no boundary"),
        (FORM, b"x", 400, "malformed", "the form cannot be read"),
        (FORM, SCAN[:-3], 400, "malformed", "ends before"),
        (FORM, b"--b--\r\n", 400, "malformed", "has no part 'scan'"),
        (FORM, SCAN.replace(b"scan", b'"../x"') + b"--b--", 422, "invalid", "a part '../x'"),
        (FORM, 2 * SCAN + b"--b--", 422, "invalid", "two parts"),
        ("image/tiff", bytes(200_001), 413, "too-large", "an upload may have 200000 bytes"),
    ],
)
def test_what_is_no_upload_is_refused(
    service: Service, client: httpx.Client, content_type: str, content: bytes, status: int, kind: str, detail: str
) -> None:
    answer = client.post("/v1/scans", content=content, headers={"content-type": content_type})
    assert detail in problem(answer, status, kind)
    assert not list((service.desk.spool.folder / "incoming").iterdir())


def test_a_body_without_a_length_is_cut_off_at_the_limit(client: httpx.Client) -> None:
    problem(client.post("/v1/scans", content=iter([])), 400, "malformed")
    answer = client.post("/v1/scans", content=(bytes(50_000) for _ in range(5)))
    assert "may have 200000 bytes" in problem(answer, 413, "too-large")


def test_addresses_methods_and_forms_that_are_not_there(client: httpx.Client) -> None:
    assert "/openapi.json describes" in problem(client.get("/v1/nothing"), 404, "not-found")
    refused = client.put("/v1/scans")
    problem(refused, 405, "wrong-method")
    assert refused.headers["allow"] == "POST"
    assert client.put(f"/v1/scans/{'0' * 32}").headers["allow"] == "DELETE, GET"
    problem(client.get("/v1/scans/../../etc/passwd"), 404, "not-found")
    problem(client.get("/v1/scans/short"), 422, "invalid")
    here = submit(client, wait=20).headers["location"]
    assert "name one of them in Accept" in problem(
        client.get(f"{here}/report", headers={"accept": "audio/*"}), 406, "not-acceptable"
    )
    assert client.get("/v1/report-schema").json()["$id"].startswith("urn:xrayscan:report:")


def test_clients_that_vanish_or_stall_leave_nothing_behind(service: Service, client: httpx.Client) -> None:
    head = b"POST /v1/scans HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\nauthorization: " + BEARER["authorization"].encode()
    for stalls in (False, True):
        with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1]))) as line:
            line.sendall(head + b"\r\n\r\nscore")
            until(lambda: list((service.desk.spool.folder / "incoming").iterdir()))
            if stalls:
                line.settimeout(20)
                assert b"408 Request Timeout" in line.recv(200)
        until(lambda: not list((service.desk.spool.folder / "incoming").iterdir()))
    figures = client.get("/metrics").text
    assert "xrayscan_clients_vanished_total 1.0" in figures
    assert 'xrayscan_requests_refused_total{kind="too-slow"} 1.0' in figures
    assert "xrayscan_faults_total 0.0" in figures


def test_a_client_that_does_not_take_its_answer_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_SEND_SECONDS", 0.3)
    with served(tmp_path, in_threads=True) as service, service.client() as client:
        here = submit(client, wait=20).headers["location"]
        (service.desk.spool.report(here.rsplit("/", 1)[1]) / "report.html").write_bytes(bytes(30_000_000))
        with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1]))) as line:
            line.sendall(f"GET {here}/report.html HTTP/1.1\r\nhost: x\r\n".encode())
            line.sendall(b"authorization: " + BEARER["authorization"].encode() + b"\r\n\r\n")
            until(lambda: "xrayscan_clients_vanished_total 1.0" in client.get("/metrics").text)
        figures = client.get("/metrics").text
    assert "xrayscan_faults_total 0.0" in figures


def test_the_queue_is_bounded_and_every_accepted_scan_gets_a_report(tmp_path: Path) -> None:
    with served(tmp_path, in_threads=True, queue=3, wait_seconds=20.0) as service, service.client() as client:
        answers = [submit(client, b"sleep 0.2") for _ in range(8)]
        accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
        refused = [answer for answer in answers if answer.status_code != 202]
        assert refused
        for answer in refused:
            assert "send this one again later" in problem(answer, 429, "busy")
            assert 1 <= int(answer.headers["retry-after"]) <= 120
        states = [client.get(f"/v1/scans/{scan}", params={"wait": 20}).json()["state"] for scan in accepted]
        assert states == ["screened"] * len(accepted)
        figures = client.get("/metrics").text
        assert f'xrayscan_scans_finished_total{{state="screened"}} {len(accepted)}.0' in figures


def test_a_waiting_scan_can_be_taken_out_of_the_queue(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(tmp_path / "spool", FakeScreens(log), in_threads=True) as service, service.client() as client:
        first, second = submit(client, b"sleep 0.5"), submit(client, b"score 0.7")
        assert client.delete(second.headers["location"]).status_code == 204
        client.get(first.headers["location"], params={"wait": 20})
        submit(client, wait=20)
    assert second.json()["id"] not in log.read_text()


def test_old_and_many_reports_are_removed(tmp_path: Path) -> None:
    with served(tmp_path, in_threads=True, keep_scans=2, keep_seconds=3.0) as service, service.client() as client:
        places = [submit(client, wait=20).headers["location"] for _ in range(3)]
        assert [client.get(place).status_code for place in places] == [404, 200, 200]
        until(lambda: client.get(places[2]).status_code == 404, 10)
        assert sorted(path.name for path in (tmp_path / "scans").iterdir()) == []


@pytest.mark.parametrize("limits", [{"keep_scans": 1}, {"keep_seconds": 2.0}])
def test_an_old_scan_that_cannot_be_removed_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limits: dict[str, Any]
) -> None:
    remove, asked = Spool.remove, []

    def refuse(spool: Spool, scan: str) -> None:
        asked.append(scan)
        if scan == asked[0]:
            raise OSError(errno.EACCES, "Permission denied")
        remove(spool, scan)

    monkeypatch.setattr(Spool, "remove", refuse)
    with served(tmp_path, in_threads=True, **limits) as service, service.client() as client:
        places = [submit(client, wait=10).headers["location"] for _ in range(3)]
        until(lambda: client.get(places[1]).status_code == 404, 10)
        assert client.get(places[0]).status_code == 200
    told = f"scan {asked[0]} is old and cannot be removed ([Errno 13] Permission denied); see to the spool"
    assert caplog.text.count(told) == 1


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with served(tmp_path, in_threads=True, free_bytes=1 << 60) as service, service.client() as client:
        assert "its operator must free some" in problem(submit(client), 507, "disk-full")


def test_an_upload_that_finds_no_folder_is_refused_and_gives_its_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(spool: Spool) -> Path:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with served(tmp_path, in_threads=True, uploads=1) as service, service.client() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "incoming", refuse)
            assert "its operator must free some" in problem(submit(client), 507, "disk-full")
        assert submit(client).status_code == 202
    assert "an upload has no place in the spool: [Errno 122] Disk quota exceeded" in caplog.text


def test_room_on_the_disk_is_promised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spool, "free", lambda spool: 2500)
    desk = Desk(Spool(tmp_path), FakeScreens(), Limits(free_bytes=500, upload_bytes=1000), 1)

    async def upload(claimed: int, ends: BaseException | None = None) -> None:
        async with desk.place(claimed):
            await asyncio.sleep(0.5)  # until the others were let in, or not
            if ends:
                raise ends

    async def uploads() -> None:
        for ends in (None, ZeroDivisionError(), asyncio.CancelledError(), None):
            results = await asyncio.gather(upload(1000), upload(1000, ends), upload(1), return_exceptions=True)
            assert [type(one) for one in results] == [type(None), type(ends), RefusedError]
        async with desk.stream():
            await upload(1000)
            with pytest.raises(RefusedError, match="the disk of the service has no room for this scan"):
                await upload(1001)

    asyncio.run(uploads())


@pytest.mark.parametrize(
    "head", ["content-length: 1000", "transfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
)
def test_an_upload_that_goes_on_has_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    monkeypatch.setattr(Spool, "free", lambda spool: 2000)
    with served(tmp_path, in_threads=True, free_bytes=500, upload_bytes=1000) as service, service.client() as client:
        with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1]))) as line:
            bearer = f"authorization: {BEARER['authorization']}"
            line.sendall(f"POST /v1/scans HTTP/1.1\r\nhost: x\r\n{head}\r\n{bearer}\r\n\r\n".encode())
            until(lambda: list((tmp_path / "incoming").iterdir()))
            assert submit(client, b"score 0.7".ljust(500)).status_code == 202
            problem(submit(client, b"score 0.7".ljust(501)), 507, "disk-full")
        until(lambda: submit(client, b"score 0.7".ljust(501)).status_code == 202)


def test_a_disk_that_refuses_for_a_while_costs_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "_AGAIN", 0.05)
    write, refused = Spool.write, Counter[str]()

    def refuse(spool: Spool, record: Record) -> None:
        refused[record.state] += 1
        if refused[record.state] <= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(spool, record)

    monkeypatch.setattr(Spool, "write", refuse)
    log = tmp_path / "log"
    with served(tmp_path / "spool", FakeScreens(log), in_threads=True) as service, service.client() as client:
        here = submit(client, wait=20).headers["location"]
        told = client.get(here).json()
    assert (told["state"], told["attempts"], refused) == ("screened", 1, {"screening": 4, "screened": 4})
    assert len(log.read_text().split()) == 1


def test_stopping_finishes_the_scan_in_hand_and_leaves_the_others_for_the_next_start(tmp_path: Path) -> None:
    waiting: list[httpx.Response] = []

    def wait(service: Service, here: str) -> None:
        with service.client() as client:
            waiting.append(client.get(here, params={"wait": 60}))

    with served(tmp_path, in_threads=True, wait_seconds=60.0) as service, service.client() as client:
        places = [submit(client, b"sleep 1").headers["location"] for _ in range(3)]
        until(lambda: client.get(places[0]).json()["state"] != "waiting")
        waiter = threading.Thread(target=wait, args=(service, places[2]))
        waiter.start()
        until(lambda: len(service.server.server_state.connections) == 2 and service.server.server_state.tasks)
    waiter.join()
    assert waiting[0].json()["state"] == "waiting"  # it was told, and not cut off
    with served(tmp_path, in_threads=True, wait_seconds=60.0) as service, service.client() as client:
        told = [client.get(place, params={"wait": 20}).json() for place in places]
    assert [(one["state"], one["attempts"]) for one in told] == [("screened", 1)] * 3


def test_scans_that_hang_are_ended_and_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with served(tmp_path, screening_seconds=1.0, drain_seconds=0.1) as service, service.client() as client:
        detail = problem(submit(client, b"hang", wait=20), 409, "not-screened")
        assert detail.startswith("it was not screened within 1 s; it may be damaged")
        here = submit(client, b"hang").headers["location"]
        until(lambda: client.get(here).json()["state"] == "screening")
    path = tmp_path / here.removeprefix("/v1/") / "record.json"
    told = json.loads(path.read_text())
    assert (told["state"], told["attempts"]) == ("waiting", 0)


def test_a_scan_that_ended_the_service_again_and_again_is_failed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    folder = spool.incoming()
    spool.accept(Record(folder.name, "a", "scan", None, 1, "", now(), attempts=STARTS, state="screening"))
    with served(tmp_path, in_threads=True) as service, service.client() as client:
        told = client.get(f"/v1/scans/{folder.name}", params={"wait": 20}).json()
    assert (told["state"], told["error"]["kind"]) == ("failed", "WorkerDied")
    assert "ended 5 times (the service ended)" in told["error"]["detail"]


def test_a_restart_of_the_service_is_no_death_of_a_worker(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    folder = spool.incoming()
    (folder / "input" / "scan").write_bytes(f"once {tmp_path / 'flag'}".encode())
    spool.accept(Record(folder.name, "a", "scan", None, 9, "", now(), attempts=1, state="screening", started_at=now()))
    with served(tmp_path / "spool") as service, service.client() as client:
        told = client.get(f"/v1/scans/{folder.name}", params={"wait": 20}).json()
    assert (told["state"], told["attempts"]) == ("screened", 3)


def test_an_error_does_not_name_where_the_spool_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsaved:
        def save(self, folder: Path) -> Path:
            return write_folder(folder, {"report.json": b"{}"})

    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    for spool in (Path("spool"), tmp_path / "link" / "spool", tmp_path / "spool2"):
        folder = spool / "scans" / ("a" * 32)
        (folder / "report").mkdir(parents=True)
        (folder / "report" / "foreign").touch()
        outcome = screen_one(lambda *_: Unsaved(), Job("a" * 32, folder / "input" / "scan", folder / "report", "0412.tif"))
        assert "saving the report in aaaa" in outcome.error
        assert str(tmp_path) not in outcome.error


def test_a_scan_that_was_in_hand_waits_again_after_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, scans, goes, ask = Spool(tmp_path), [], threading.Event(), ThreadWorker.ask
    monkeypatch.setattr(ThreadWorker, "ask", lambda *given: goes.wait(20) and ask(*given))
    for _ in range(2):
        folder = spool.incoming()
        (folder / "input" / "scan").write_bytes(b"score 0.7")
        record = Record(folder.name, "a", "scan", None, 9, "", now(), attempts=1, state="screening", started_at=now())
        spool.accept(record)
        scans.append(f"/v1/scans/{record.id}")
    with served(tmp_path, in_threads=True) as service, service.client() as client:
        told = client.get(scans[1]).json()
        assert (told["state"], told["started_at"], told["attempts"]) == ("waiting", None, 1)
        assert client.delete(scans[1]).status_code == 204
        goes.set()
        told = client.get(scans[0], params={"wait": 20}).json()
    assert (told["state"], told["attempts"]) == ("screened", 2)


def test_without_a_token_only_this_machine_and_no_web_page_may_come(tmp_path: Path) -> None:
    with served(tmp_path, in_threads=True, tokens=()) as service, httpx.Client(base_url=service.address) as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
        foreign = [{"origin": "https://evil.example"}, {"host": "evil.example"}]
        malformed = [{"origin": "http://["}, {"host": "["}]
        for header in foreign + malformed:
            problem(client.get("/health/ready", headers=header), 403, "foreign-origin")
        assert "xrayscan_faults_total 0.0" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("dies", "kind", "wording"),
    [(False, CorruptScanError, "its weights are damaged"), (True, ServiceError, r"it ended at once \(exit status 3\)")],
)
def test_a_model_that_cannot_be_loaded_is_told_at_the_start(tmp_path: Path, dies: bool, kind: type, wording: str) -> None:
    with pytest.raises(kind, match=wording), served(tmp_path, BrokenScreens(dies)):
        pass


def test_a_bundle_is_one_body(client: httpx.Client) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("manifest.toml", "xrayscan = 1")
    answer = client.post(
        "/v1/scans", params={"wait": 20}, content=stream.getvalue(), headers={"content-type": "application/zip"}
    )
    assert "no score in it" in problem(answer, 409, "not-screened")  # it reached the worker as it is
