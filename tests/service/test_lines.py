"""Scans that come line by line over a WebSocket: taken, looked at, refused, and never half."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import xrayscan as xs
from tests.service.served import BEARER, TOKEN, FakeLooks, Service, served, until
from xrayscan import _resources
from xrayscan.first_look import HOP, hop_columns
from xrayscan.service import lookers, server
from xrayscan.service.guard import Guard
from xrayscan.service.lines import LinesFile
from xrayscan.service.look import ModelLooks
from xrayscan.service.metrics import Metrics
from xrayscan.service.settings import Access
from xrayscan.service.worker import ModelScreens

SAMPLE = _resources.root("datasets") / "samples" / "01-counts.tif"
COARSER = 4
PITCH = HOP / 10  # ten lines from one look to the next
SAID = {"rows": 9, "pixel_pitch": PITCH, "dtype": "uint8", "name": "lane 3/0412"}
LINE = b"score 0.7"  # what the fake worker reads of the file


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    spool = tmp_path_factory.mktemp("lines") / "spool"
    limits = {"upload_bytes": 10_000, "line_seconds": 60.0, "wait_seconds": 20.0, "streams": 1}
    with served(spool, looks=FakeLooks(), in_threads=True, **limits) as running:
        yield running


def opened(service: Service, headers: dict[str, str] = BEARER, **more: Any) -> ClientConnection:
    address = service.address.replace("http", "ws", 1)
    until(lambda: service.desk._streams < service.desk.limits.streams)
    return connect(f"{address}/v1/lines", additional_headers=headers, **more)


def block(at: int, lines: bytes | np.ndarray) -> bytes:
    return at.to_bytes(8, "little") + bytes(lines)


def told(stream: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message that has one of these members."""
    while True:
        message: dict[str, Any] = json.loads(stream.recv(timeout=120))
        if not kinds or any(kind in message for kind in kinds):
            return message


def closed(stream: ClientConnection) -> dict[str, Any]:
    stream.send('{"close": true}')
    scan: dict[str, Any] = told(stream, "scan", "type")
    return scan.get("scan", scan)


def refused(stream: ClientConnection, code: int, kind: str) -> str:
    """The problem with which a stream is ended."""
    problem = told(stream, "type")
    assert (problem["type"], problem["status"]) == (f"urn:xrayscan:problem:{kind}", code - 4000)
    with pytest.raises(ConnectionClosed, match=str(code)) as gone:
        told(stream)
    assert gone.value.rcvd is not None
    assert (gone.value.rcvd.code, gone.value.rcvd.reason) == (code, kind)
    return str(problem["detail"])


def is_empty(service: Service) -> bool:
    return not list((service.desk.spool.folder / "incoming").iterdir())


def figures(service: Service) -> str:
    with service.client() as client:
        return client.get("/metrics").text


class TestAScan:
    @pytest.mark.parametrize("width", [1, 7, 1000])
    def test_of_blocks_of_any_width_is_the_same_file(self, service: Service, width: int) -> None:
        lines = np.random.default_rng(1).integers(0, 256, (50, 9), np.uint8)
        lines[0] = list(LINE)
        with service.client() as client, opened(service) as stream:
            uploaded = client.post("/v1/scans", content=lines.tobytes()).json()
            stream.send(json.dumps(SAID))
            for at in range(0, 50, width):
                stream.send(block(at, lines[at : at + width]))
            scan = closed(stream)
            assert (scan["sha256"], scan["bytes"], scan["name"]) == (uploaded["sha256"], 450, "lane 3/0412")
            report = client.get(f"{scan['links']['self']}/report", params={"wait": 20}).json()
        assert report["file"] == "scan.raw"
        layout = {"order": "columns", "interleave": "lines", "byte_order": "little", "columns": 50, "lost_columns": []}
        assert report["beside"] == {
            "rows": 9, "pixel_pitch": PITCH, "dtype": "uint8", "quantity": "counts", "energies": ["high"], **layout,
        }  # fmt: skip

    def test_is_told_what_is_seen_meanwhile(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            for at in range(0, 30, 10):
                stream.send(block(at, 10 * LINE))
                message = told(stream)
                assert (message["early"][0]["shape"], message["columns"]) == ([1, 9, at + 10], at + 10)
            assert closed(stream)["id"] == message["early"][0]["scan"]

    def test_with_a_key_is_taken_once(self, service: Service) -> None:
        ids = []
        for _ in range(2):
            with opened(service) as stream:
                stream.send(json.dumps({**SAID, "idempotency_key": "lane3-0412"}))
                stream.send(block(0, LINE))
                ids.append(closed(stream)["id"])
        assert ids[0] == ids[1]
        with opened(service) as stream:
            stream.send(json.dumps({**SAID, "idempotency_key": "lane3-0412"}))
            stream.send(block(0, 2 * LINE))
            stream.send('{"close": true}')
            assert f"is that of scan {ids[0]}; give every other scan a new one" in refused(stream, 4409, "key-reused")

    def test_with_a_key_that_is_no_text_of_any_language_is_taken_too(self, service: Service) -> None:
        ids = []
        for key in (r"\ud800", r"\ud800", r"\ud801"):
            with opened(service) as stream:
                stream.send(json.dumps(SAID)[:-1] + f', "idempotency_key": "{key}"}}')
                stream.send(block(0, LINE))
                ids.append(closed(stream)["id"])
        assert ids[0] == ids[1] != ids[2]

    def test_whose_sender_vanishes_was_none(self, service: Service) -> None:
        before = len(list((service.desk.spool.folder / "scans").iterdir()))
        for leave in (ClientConnection.close, lambda stream: stream.socket.shutdown(socket.SHUT_RDWR)):
            with opened(service) as stream:
                stream.send(json.dumps(SAID))
                stream.send(block(0, 10 * LINE))
                told(stream, "early")
                leave(stream)
            until(lambda: is_empty(service))
        assert len(list((service.desk.spool.folder / "scans").iterdir())) == before
        assert "xrayscan_clients_vanished_total 2.0" in figures(service)


class TestGaps:
    def test_are_refused_and_may_be_repaired(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 4 * LINE))
            stream.send(block(6, 2 * LINE))
            problem = told(stream, "type")
            assert (problem["type"], problem["expected"], problem["actual"]) == ("urn:xrayscan:problem:gap", 4, 6)
            assert "pushing 2 columns at 6, 4 have arrived: columns 4 to 6 did not arrive; push every" in problem["detail"]
            assert "of those before 8 some were refused and did not come again; send them" in closed(stream)["detail"]
            stream.send(block(3, LINE))
            assert "columns 3 to 4 arrived twice" in told(stream, "type")["detail"]
            stream.send(block(4, LINE[:5]))
            assert "pushing 5 bytes at 4: that is no whole number of lines of 9 bytes" in told(stream, "type")["detail"]
            stream.send(block(4, 4 * LINE))
            assert closed(stream)["bytes"] == 8 * 9

    def test_that_are_masked_are_told_to_the_reader(self, service: Service) -> None:
        with service.client() as client, opened(service) as stream:
            stream.send(json.dumps({**SAID, "gaps": "mask"}))
            stream.send(block(0, 4 * LINE))
            stream.send(block(6, 2 * LINE))
            stream.send(block(7, LINE.upper() + LINE))  # the first of them is there
            stream.send(block(1000, LINE))
            assert "no gap so wide is believed: check the counter" in told(stream, "type")["detail"]
            assert "of those before 10 some were refused and did not come again" in closed(stream)["detail"]
            stream.send(block(11, b""))
            stream.send(block(11, b"1"))
            assert "no whole number of lines" in told(stream, "type")["detail"]
            stream.send(block(14, LINE))
            scan = closed(stream)
            beside = client.get(f"{scan['links']['self']}/report", params={"wait": 20}).json()["beside"]
        assert (beside["lost_columns"], beside["columns"], scan["bytes"]) == ([[4, 6], [9, 14]], 15, 15 * 9)


class TestRefused:
    @pytest.mark.parametrize(
        ("first", "wording"),
        [
            ("garbage", "the first message is no JSON"),
            ("[" * 9000, "the first message is no JSON"),
            ('{"rows": NaN}', "NaN is no number"),
            ("[]", "is a list; expected an object"),
            ({"rows": None}, "does not say rows; it needs rows, pixel_pitch, dtype"),
            ({"row": 5}, "has a key 'row'; perhaps 'rows' is meant"),
            ({"lost_columns": []}, "has a key 'lost_columns'; expected"),
            ({"rows": "9"}, "rows is 9; expected a whole number"),
            ({"rows": 2_000_000}, "is longer than 1048576 bytes; check rows"),
            ({"dtype": ">u2"}, "dtype is '>u2'; expected one of uint8"),
            ({"dtype": ["uint8"]}, "expected one of uint8"),
            ({"energies": 3}, "expected a list of 1 to 16 names"),
            ({"energies": ["low", "high"]}, 'send ["high", "low"]'),
            ({"energies": [1, 2]}, "its sidecar says energies"),
            ({"pixel_pitch": 5.0}, "give meters at the load, not millimeters"),
            ({"pixel_pitch": "5 mm"}, "its sidecar says pixel_pitch = '5 mm'; expected"),
            ({"quantity": "lines"}, "expected one of counts, transmission, display"),
            ({"air": "../../etc/passwd"}, "lines come without files: send its numbers as a list"),
            ({"air": [1, 2, 3]}, "air has shape (3,), scan has 1 energies, 9 detector rows"),
            ({"air": [10**400] * 9}, "expected the name of a .npy file, a number, or a list with one number"),
            ({"bad_pixels": [9]}, "names row 9; the scan has rows 0 to 8"),
            ({"gaps": "fill"}, "gaps is 'fill'; expected one of error, mask"),
            ({"name": 5}, "name and idempotency_key are texts of 1 to 200 characters"),
            ({"manifest": {"driver": "x"}}, "there is no key 'driver'"),
        ],
    )  # fmt: skip
    def test_what_describes_no_scan(self, service: Service, first: str | dict[str, Any], wording: str) -> None:
        with opened(service) as stream:
            stream.send(first if isinstance(first, str) else json.dumps({**SAID, **first}))
            assert wording in refused(stream, 4422, "invalid")
        until(lambda: is_empty(service))

    @pytest.mark.parametrize(
        ("messages", "wording"),
        [
            ([b"12345678"], "the first message is binary; send what the scan is first"),
            ([json.dumps(SAID), b"1234"], "a message of 4 bytes came; expected the count of lines"),
            ([json.dumps(SAID), '{"close": false}'], 'a text message came that is no {"close": true}'),
            ([json.dumps(SAID), '{"close": true}'], "the scan is closed and has no line; send lines first"),
        ],
    )
    def test_what_is_no_stream(self, service: Service, messages: list[str | bytes], wording: str) -> None:
        with opened(service) as stream:
            for message in messages:
                stream.send(message)
            assert wording in refused(stream, 4400, "malformed")
        until(lambda: is_empty(service))

    def test_too_much(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 1111 * LINE))
            stream.send(block(1111, LINE))
            assert "an upload may have 10000 bytes" in refused(stream, 4413, "too-large")
        with opened(service) as stream:
            stream.send(json.dumps({**SAID, "gaps": "mask", "pixel_pitch": 0.001}))
            stream.send(block(20_000, LINE))
            refused(stream, 4413, "too-large")

    def test_too_slow(self, tmp_path: Path) -> None:
        with served(tmp_path, in_threads=True, line_seconds=0.3) as service, opened(service) as stream:
            stream.send(json.dumps(SAID))
            assert "a stream may take 900 s, and 0.3 s without a message" in refused(stream, 4408, "too-slow")

    def test_a_message_that_is_too_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "_MESSAGE_BYTES", 1000)
        with served(tmp_path, in_threads=True) as service, opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 1000 * LINE))
            with pytest.raises(ConnectionClosed, match="1009"):
                told(stream)
            until(lambda: is_empty(service))
            assert "xrayscan_faults_total 0.0" in figures(service)

    def test_a_disk_without_room(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(file: LinesFile) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(LinesFile, "write", full)
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 10 * LINE))
            assert "its operator must free some" in refused(stream, 4507, "disk-full")

    def test_one_stream_more(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            with pytest.raises(InvalidStatus, match="HTTP 429") as caught:
                connect(f"{service.address.replace('http', 'ws', 1)}/v1/lines", additional_headers=BEARER)
            answer = caught.value.response
            assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
            assert int(answer.headers["retry-after"]) >= 1
            assert "1 streams of lines go on, which are all at a time; connect again later" in str(answer.body)


class TestTheDoor:
    @pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
    def test_without_a_token_is_shut(self, service: Service, header: dict[str, str]) -> None:
        with pytest.raises(InvalidStatus, match="HTTP 401") as caught:
            opened(service, header)
        assert (caught.value.response.status_code, service.desk._streams) == (401, 0)
        assert "Authorization: Bearer TOKEN" in str(caught.value.response.body)
        assert caught.value.response.headers["www-authenticate"].startswith("Bearer")

    def test_is_shut_for_pages_of_others(self, tmp_path: Path) -> None:
        with served(tmp_path, in_threads=True, tokens=()) as service:
            with pytest.raises(InvalidStatus, match="HTTP 403") as caught:
                opened(service, {"origin": "https://evil.example"})
            assert caught.value.response.status_code == 403
            assert "programs of its own machine only" in str(caught.value.response.body)
            with opened(service, {}) as stream:
                stream.send(json.dumps(SAID))
                stream.send(block(0, LINE))
                assert closed(stream)["bytes"] == 9

    def test_leads_to_lines_only(self, service: Service) -> None:
        with pytest.raises(InvalidStatus, match="HTTP 404") as caught:
            connect(f"{service.address.replace('http', 'ws', 1)}/v1/scans", additional_headers=BEARER)
        assert caught.value.response.status_code == 404
        assert "lines of a scan go to /v1/lines" in str(caught.value.response.body)
        with service.client() as client:
            answer = client.get("/v1/lines")
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")

    def test_is_not_held_open_by_a_head_that_is_none(self, service: Service) -> None:
        with socket.create_connection(("127.0.0.1", int(service.address.rsplit(":", 1)[1])), timeout=20) as line:
            line.sendall(b"GET /v1/lines HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n")
            line.sendall(b"x: " + bytes(9000).replace(b"\0", b"x") + b"\r\n\r\n")
            assert b"431" in line.recv(100)
            while line.recv(1000):
                pass

    def test_of_another_kind_does_not_exist(self) -> None:
        async def nobody(*_: Any) -> Any:
            raise AssertionError

        guard = Guard(nobody, Access.of([TOKEN]), Metrics())
        with pytest.raises(ValueError, match="a connection of kind 'webtransport' came; expected http or websocket"):
            asyncio.run(guard({"type": "webtransport"}, nobody, nobody))

    def test_whose_client_is_gone_before_it_is_let_in_is_no_fault(self, caplog: pytest.LogCaptureFixture) -> None:
        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            raise AssertionError("nobody is there")

        async def gone(_message: Any) -> None:
            raise ConnectionResetError

        metrics = Metrics()
        headers = [(b"authorization", BEARER["authorization"].encode())]
        asyncio.run(Guard(app, Access.of([TOKEN]), metrics)({"type": "websocket", "headers": headers}, gone, gone))
        assert (metrics.vanished._value.get(), metrics.faults._value.get()) == (1.0, 0.0)
        assert not [one for one in caplog.records if one.levelno >= logging.WARNING]

    def test_writes_nothing_of_its_clients_into_the_log(self, service: Service, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG), opened(service, {**BEARER, "cookie": "secret"}) as stream:
            stream.send(json.dumps({**SAID, "name": "secret"}))
            stream.send(block(0, LINE))
            closed(stream)
            until(lambda: service.desk._streams == 0)
        ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("websockets.client"))
        assert "GET /v1/lines: 1000" in ours
        assert "secret" not in ours
        assert TOKEN not in ours


class TestFirstLooks:
    @pytest.mark.parametrize("name", ["die", "fault"])
    def test_that_fail_are_told_once_and_cost_no_scan(self, service: Service, name: str) -> None:
        with opened(service) as stream:
            stream.send(json.dumps({**SAID, "name": name}))
            stream.send(block(0, 10 * LINE))
            why = r"ended (exit status 9)" if name == "die" else "ZeroDivisionError: division by zero"
            assert why in told(stream)["notice"]
            stream.send(block(10, 30 * LINE))
            stream.send('{"close": true}')
            assert told(stream)["scan"]["bytes"] == 40 * 9
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 10 * LINE))
            assert told(stream)["early"]

    def test_whose_process_is_killed_go_on_in_the_next_stream(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps(SAID))
            stream.send(block(0, 10 * LINE))
            os.kill(told(stream)["early"][0]["pid"], signal.SIGKILL)
            stream.send(block(10, 10 * LINE))
            assert "ended (signal 9); the stream goes on, and the report has the last word" in told(stream)["notice"]

    def test_that_are_slow_are_given_up(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lookers, "LOOK_SECONDS", 0.2)
        with opened(service) as stream:
            stream.send(json.dumps({**SAID, "name": "hang"}))
            stream.send(block(0, 10 * LINE))
            assert "one took longer than 0.2 s" in told(stream)["notice"]

    def test_leave_out_hops_rather_than_fall_behind(self, service: Service) -> None:
        with opened(service) as stream:
            stream.send(json.dumps({**SAID, "name": "sleep 0.3"}))
            for at in range(0, 100, 10):
                stream.send(block(at, 10 * LINE))
            first = told(stream)["columns"]
            stream.send(block(100, 10 * LINE))
            assert (first, told(stream)["columns"]) == (10, 110)


def test_the_end_of_the_service_is_told(tmp_path: Path) -> None:
    with served(tmp_path, in_threads=True) as service, opened(service) as stream:
        stream.send(json.dumps(SAID))
        stream.send(block(0, LINE))
        until(lambda: not is_empty(service))
        service.server.should_exit = True
        assert "the service stops; this scan is not accepted: send it again" in told(stream)["notice"]
        with pytest.raises(ConnectionClosed, match="1012"):
            told(stream)
    assert not list((tmp_path / "scans").iterdir())
    assert is_empty(service)


def test_the_documented_client_works(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    code = found[1].replace("ws://127.0.0.1:8646", service.address.replace("http", "ws", 1))
    feed = [(at, np.full((850, 2), 50_000, np.uint16)) for at in (0, 2)]
    until(lambda: service.desk._streams == 0)
    exec(code, {"air": np.full(850, 60_000.0), "dark": np.zeros(850), "feed": feed, "token": TOKEN})
    told = capsys.readouterr().out.splitlines()
    assert "'name': 'lane3/0412'" in told[0]
    assert re.fullmatch(r"report: /v1/scans/[0-9a-f]{32}/report.html", told[-1])


def binned() -> xs.Scan:
    """One of the samples with persons, of coarser pixels."""
    scan = xs.read(SAMPLE)
    pixels = scan.view.pixels[0]
    rows, columns = (size // COARSER * COARSER for size in pixels.shape)
    small = pixels[:rows, :columns].reshape(rows // COARSER, COARSER, columns // COARSER, COARSER).mean(axis=(1, 3))
    air, dark = (line[0, :rows].reshape(-1, COARSER).mean(axis=1) for line in (scan.calibration.air, scan.calibration.dark))
    pitch = tuple(COARSER * size for size in scan.view.pixel_pitch)
    return xs.Scan.from_array(small.round().astype(np.uint16), pixel_pitch=pitch, air=air, dark=dark)


def test_a_real_scan_is_reported_as_if_it_had_come_whole(tmp_path: Path) -> None:
    """And what is seen early is what LineScanner sees."""
    scan = binned()
    lines, pitch = np.ascontiguousarray(scan.view.pixels[0].T, "<u2"), scan.view.pixel_pitch
    said = {"rows": lines.shape[1], "pixel_pitch": list(pitch), "dtype": "uint16", "name": "06.raw", "quantity": "counts"}
    said |= {name: getattr(scan.calibration, name)[0].tolist() for name in ("air", "dark")}
    sidecar = {**said, "columns": len(lines), "order": "columns", "energies": ["high"]}
    files = {"scan": ("06.raw", lines.tobytes()), "sidecar": ("06.json", json.dumps(without_name(sidecar)).encode())}
    hop, early = hop_columns(pitch[1]), []
    serving = served(tmp_path, ModelScreens(false_alarm_rate=0.05), looks=ModelLooks(), line_seconds=120.0)
    with serving as service, service.client() as client:
        with opened(service) as stream:
            stream.send(json.dumps(said))
            for at in range(0, len(lines), hop):
                stream.send(block(at, lines[at : at + hop]))
                if at + hop <= len(lines):
                    early += told(stream, "early")["early"]
            there = closed(stream)["links"]["self"]
        whole = client.post("/v1/scans", params={"wait": 60}, files=files).json()
        streamed = client.get(f"{there}/report", params={"wait": 60}).json()
    assert streamed["findings"]
    assert streamed["findings"] == whole["findings"]
    assert abs(streamed["score"] - whole["score"]) <= 1e-6
    assert streamed["source"] == whole["source"]
    calibration = {name: getattr(scan.calibration, name) for name in ("air", "dark")}
    with xs.LineScanner(xs.Screener(), rows=lines.shape[1], pixel_pitch=pitch, **calibration) as scanner:
        seen = scanner.push(scan.view.pixels)
    assert [(one["id"], one["kind"], one["box"]["left"]) for one in early] == [(f.id, f.kind, f.box.left) for f in seen]
    assert early


def without_name(said: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key != "name"}
