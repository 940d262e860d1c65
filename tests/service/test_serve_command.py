"""``xrayscan serve`` as a process: real scans through the real model, TLS, an orderly end, and what it refuses to start."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import jsonschema
import pytest
from typer.testing import CliRunner

from tests.service.served import BEARER, TOKEN, served
from xrayscan.batch.lock import locked
from xrayscan.cli.main import app
from xrayscan.report import read_tdr, schema
from xrayscan.service import ServiceError
from xrayscan.service.settings import Access, Binding

SAMPLES = Path(__file__).parents[2] / "datasets" / "samples"


def form(stem: str, suffix: str) -> dict[str, tuple[str, bytes]]:
    names = {"scan": f"{stem}{suffix}", "sidecar": f"{stem}.toml", "air": f"{stem}_air.npy", "dark": f"{stem}_dark.npy"}
    return {part: (name, (SAMPLES / name).read_bytes()) for part, name in names.items()}


def bundle() -> bytes:
    """Two views, one of them by itself a sound scan."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("manifest.toml", 'xrayscan = 1\nviews = ["side.jpg", "top.jpg"]\npixel_pitch = 0.01')
        for name in ("side.jpg", "top.jpg"):
            archive.write(SAMPLES / "07-export.jpg", name)
    return stream.getvalue()


def test_real_scans_come_back_as_reports_and_the_end_is_orderly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xrayscan", "serve", "--spool", str(tmp_path / "spool"), "--port", "0", "--workers", "1"]
    process = subprocess.Popen(command, env={**os.environ, "XRAYSCAN_TOKEN": TOKEN}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert address is not None, told
        with httpx.Client(base_url=address[0], headers=BEARER, timeout=120) as client:
            answer = client.post("/v1/scans", params={"wait": 60}, files=form("06-raw-lines", ".raw"))
            jsonschema.validate(answer.json(), schema())
            assert answer.json()["source"]["path"] == "06-raw-lines.raw"
            assert answer.json()["scan"]["rows"] == 516
            here = answer.headers["location"]
            (tmp_path / "report.dcs").write_bytes(client.get(f"{here}/report.dcm").content)
            assert read_tdr(tmp_path / "report.dcs").tdr_type == "MACHINE"
            assert client.get(f"{here}/report.png").content.startswith(b"\x89PNG")
            several = client.post("/v1/scans", params={"wait": 60}, content=bundle())
            assert "it has 2 views; submit it once for each, with view=0 to view=1" in several.json()["detail"]
            one = client.post("/v1/scans", params={"wait": 60, "view": 1, "name": "top"}, content=bundle())
            assert one.json()["source"]["path"] == "top"
            assert str(tmp_path) not in one.text + several.text
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert TOKEN not in told + rest


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run([*new, "-keyout", str(key), "-out", str(certificate), *name], check=True, capture_output=True)
    other = tmp_path / "other.pem"
    subprocess.run([*new, "-keyout", str(other), "-out", str(tmp_path / "its.pem"), *name], check=True, capture_output=True)
    with pytest.raises(ServiceError, match=r"setting up TLS: .*cert\.pem and .*other\.pem are no certificate and its key"):
        Binding(port=0, certificate=certificate, key=other).check(Access())
    binding = Binding(port=0, certificate=certificate, key=key)
    binding.check(Access())
    with served(tmp_path / "spool", in_threads=True, binding=binding) as service:
        trusted = ssl.create_default_context(cafile=str(certificate))
        with service.client(verify=trusted) as client:
            assert client.post("/v1/scans", params={"wait": 20}, content=b"score 0.7").status_code == 200
        with service.client() as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.get("/health/live")
        plain = service.address.replace("https", "http")
        with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
            httpx.get(f"{plain}/health/live")


@pytest.mark.parametrize(
    ("arguments", "wording"),
    [
        (["--host", "0.0.0.0"], "other machines could submit scans and read reports without a token"),
        (["--tls-cert", "none.pem"], "give both --tls-cert and --tls-key"),
        (["--token-file", "none"], "reading the token file none: No such file or directory; name a text file"),
        (["--max-mb", "inf"], "expected a finite number above 0"),
        (["--keep-gb", "nan"], "expected a finite number above 0"),
        (["--max-mb", "0"], "upload_bytes is 0; give a number above 0"),
        (["--host", "203.0.113.7"], "other machines could submit"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], wording: str
) -> None:
    monkeypatch.delenv("XRAYSCAN_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["serve", "--spool", str(tmp_path / "spool"), "--port", "0", *arguments])
    assert done.exit_code == 2
    assert wording in done.output


def test_a_spool_is_used_by_one_service(tmp_path: Path) -> None:
    with locked(tmp_path):
        done = CliRunner().invoke(app, ["serve", "--spool", str(tmp_path), "--port", "0"])
    assert done.exit_code == 2
    assert "another run" in done.output


def test_the_library_does_without_the_extra() -> None:
    code = (
        "import sys\n"
        "for name in ('fastapi', 'uvicorn', 'prometheus_client', 'python_multipart', 'starlette'): sys.modules[name] = None\n"
        "import xrayscan, xrayscan.service, xrayscan.cli.main\n"
        "try: xrayscan.service.serve\n"
        "except xrayscan.XrayscanError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "which is not installed; run: pip install 'xrayscan[serve]'" in done.stdout
