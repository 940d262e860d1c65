"""The HTTP service under load and under fault: 32 clients that also vanish, stall, send halves, garbage and too much.

    python benchmarks/service.py [--minutes 10] [--clients 32] [--workers 1] [--rest 1.0]

Starts ``xrayscan serve`` as a process of its own with the shipped model, a token and a small queue, sends it the shipped
samples, and kills one of its worker processes now and then. Every client counts what was accepted; at the end each accepted
scan must have exactly one report, or one reason why there is none. Ends with the figures, and with status 1 if a scan was lost,
reported twice, or met an error that nothing was meant to raise. Needs Linux, for its process table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "datasets" / "samples"
MOST = 4_000_000  # bytes of an upload
FAULTS = ("vanish", "half", "garbage", "oversize", "slow", "no token", "vanish while waiting")
KILL_EVERY = 15.0  # [s]


class Load:
    """What all clients share."""

    def __init__(self, address: str, token: str, rest: float) -> None:
        self.address, self.token, self.rest = address, token, rest
        self.bearer = {"authorization": f"Bearer {token}"}
        self.host, self.port = address.removeprefix("http://").rsplit(":", 1)
        self.lock = threading.Lock()
        self.accepted: dict[str, float] = {}  # id → seconds from request to report, NaN if nobody waited
        self.counts: Counter[str] = Counter()
        self.surprises: list[str] = []
        self.stop = threading.Event()

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1


def client(load: Load, seed: int) -> None:
    """One client: sends scans, and misbehaves in a third of its requests."""
    chance = random.Random(seed)
    with httpx.Client(base_url=load.address, headers=load.bearer, timeout=180) as line:
        while not load.stop.is_set():
            fault = chance.choice(FAULTS) if chance.random() < 1 / 3 else ""
            try:
                pause = misbehave(load, line, fault, chance) if fault else send(load, line, chance)
            except (httpx.TransportError, OSError) as error:
                load.count("connections broken")
                if not fault:
                    load.surprises.append(f"{type(error).__name__}: {error}")
                pause = 0.5
            load.stop.wait(pause + chance.expovariate(1 / load.rest))


def send(load: Load, line: httpx.Client, chance: random.Random) -> float:
    """One scan, waited for; how long to stay away after that [s]."""
    began = time.perf_counter()
    accept = {"accept": chance.choice(("*/*", "image/png", "text/html", "application/dicom"))}
    answer = line.post("/v1/scans", params={"wait": 60}, **upload(chance), headers=accept)
    if answer.status_code == 429:
        load.count("refused for want of room (429)")
        return float(answer.headers["retry-after"])
    here = answer.headers.get("location", "")
    while answer.status_code == 202 or kind(answer) == "not-finished":
        answer = line.get(f"{here}/report", params={"wait": 60}, headers=accept)
    if answer.status_code != 200 and kind(answer) != "not-screened":
        load.surprises.append(f"{answer.status_code}: {answer.text[:200]}")
        return 0.0
    with load.lock:
        load.accepted[here.rsplit("/", 1)[1]] = time.perf_counter() - began
        load.counts["reports waited for"] += 1
    return 0.0


def kind(answer: httpx.Response) -> str:
    """Which problem it is; empty if it is none."""
    is_problem = answer.headers["content-type"].endswith("problem+json")
    return str(answer.json()["type"]).rsplit(":", 1)[1] if is_problem else ""


def upload(chance: random.Random) -> dict[str, object]:
    """A sample, as a body or as a form with its sidecar and calibration."""
    if chance.random() < 0.5:
        name = chance.choice(("04-export.png", "07-export.jpg", "10-inverted.jpg"))
        return {"content": (SAMPLES / name).read_bytes()}
    name = chance.choice(("11-van.tif", "06-raw-lines.raw"))
    stem = name.rsplit(".", 1)[0]
    parts = {"scan": name, "sidecar": f"{stem}.toml", "air": f"{stem}_air.npy", "dark": f"{stem}_dark.npy"}
    return {"files": {part: (file, (SAMPLES / file).read_bytes()) for part, file in parts.items()}}


def misbehave(load: Load, line: httpx.Client, fault: str, chance: random.Random) -> float:
    """One request that is wrong in one way."""
    load.count(f"fault: {fault}")
    scan = (SAMPLES / "07-export.jpg").read_bytes()
    if fault in ("garbage", "oversize", "no token"):
        content = {"garbage": chance.randbytes(5000), "oversize": bytes(MOST + 1), "no token": scan}[fault]
        header = {"authorization": "Bearer guess"} if fault == "no token" else {}
        answer = line.post("/v1/scans", content=content, headers=header)
        expected = {"garbage": (202, 429), "oversize": (413,), "no token": (401,)}[fault]
        if answer.status_code not in expected:
            load.surprises.append(f"{fault}: {answer.status_code} {answer.text[:200]}")
        elif answer.status_code == 202:
            with load.lock:
                load.accepted[answer.json()["id"]] = float("nan")
        return 0.0
    head = f"POST /v1/scans?wait=30 HTTP/1.1\r\nhost: x\r\ncontent-length: {len(scan)}\r\n"
    head += f"authorization: Bearer {load.token}\r\n\r\n"
    with socket.create_connection((load.host, int(load.port)), timeout=60) as raw:
        if fault == "vanish":
            raw.sendall(head.encode()[: chance.randrange(len(head))])
        elif fault == "half":
            raw.sendall(head.encode() + scan[: chance.randrange(len(scan))])
        elif fault == "slow":
            raw.sendall(head.encode())
            for start in range(0, 20):
                raw.sendall(scan[start : start + 1])
                load.stop.wait(0.2)
        else:  # the scan is sent, and nobody is there for its report
            raw.sendall(head.encode() + scan)
            load.stop.wait(0.5)
    return 0.0


def memory(process: int) -> float:
    """Resident memory of a process [MB]."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def children(process: int) -> list[int]:
    """Worker processes of the service."""
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def harass(load: Load, process: int, samples: list[tuple[float, float]]) -> None:
    """Kill a worker now and then, and look at the service's memory."""
    began = killed = time.monotonic()
    while not load.stop.wait(1.0):
        samples.append((time.monotonic() - began, memory(process)))
        if time.monotonic() - killed > KILL_EVERY:
            for child in children(process)[:1]:
                os.kill(child, signal.SIGKILL)
                load.count("workers killed")
            killed = time.monotonic()


def settle(load: Load, spool: Path) -> dict[str, str]:
    """Id → state of every scan that the service accepted, when all are finished."""
    end = time.monotonic() + 600
    with httpx.Client(base_url=load.address, headers=load.bearer, timeout=60) as line:
        while True:
            states = {path.name: line.get(f"/v1/scans/{path.name}").json()["state"] for path in (spool / "scans").iterdir()}
            if all(state in ("screened", "failed") for state in states.values()) or time.monotonic() > end:
                return states
            time.sleep(1.0)


def figures(text: str) -> dict[str, float]:
    """The metrics of the service."""
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text, re.MULTILINE)}


def start(spool: Path, token: str, workers: int, log: Path) -> tuple[subprocess.Popen[str], str]:
    """The service, and its address."""
    command = [sys.executable, "-m", "xrayscan", "serve", "--spool", str(spool), "--port", "0", "--workers", str(workers)]
    command += ["--queue", "24", "--max-mb", str(MOST / 1e6), "--keep-hours", "24", "--debug"]
    environment = {**os.environ, "XRAYSCAN_TOKEN": token}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log.open("w"), text=True, cwd=ROOT)
    line = process.stdout.readline()
    found = re.search(r"http://[0-9.:]+", line)
    if found is None:
        raise SystemExit(f"the service did not start: {line}{log.read_text()}")
    return process, found[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rest", type=float, default=1.0, help="mean pause of a client between two requests [s]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spool, log, token = Path(folder) / "spool", Path(folder) / "log", secrets.token_urlsafe(32)
        process, address = start(spool, token, options.workers, log)
        load, samples = Load(address, token, options.rest), []
        threads = [threading.Thread(target=client, args=(load, seed)) for seed in range(options.clients)]
        threads.append(threading.Thread(target=harass, args=(load, process.pid, samples)))
        for thread in threads:
            thread.start()
        time.sleep(60 * options.minutes)
        load.stop.set()
        for thread in threads:
            thread.join()
        states = settle(load, spool)
        told = figures(httpx.get(f"{address}/metrics", headers=load.bearer, timeout=60).text)
        last = memory(process.pid)
        process.send_signal(signal.SIGTERM)
        status = process.wait(120)
        faults = [line for line in log.read_text().splitlines() if "Traceback" in line or "ERROR" in line]
        records = [json.loads((path / "record.json").read_text()) for path in (spool / "scans").iterdir()]
    report(load, states, told, (samples, last), (status, faults), records)


def report(load: Load, states: dict, told: dict, memories: tuple, ended: tuple, records: list) -> None:
    """Print the figures; leave with 1 if one of them must not be."""
    samples, last = memories
    status, faults = ended
    finished = sum(value for name, value in told.items() if name.startswith("xrayscan_scans_finished_total"))
    accepted = told["xrayscan_scans_accepted_total"]
    lost = set(load.accepted) - set(states)
    open_ = [scan for scan, state in states.items() if state not in ("screened", "failed")]
    seconds = sorted(value for value in load.accepted.values() if value == value)
    kinds = Counter(record["error_kind"] for record in records if record["state"] == "failed")
    once = accepted == finished == len(states)
    for what, count in sorted(load.counts.items()):
        print(f"{what:32s} {count:6d}")
    print(f"accepted {accepted:.0f}, finished {finished:.0f}, each once: {once}; lost {len(lost)}, open {len(open_)}")
    print(f"screened {sum(s == 'screened' for s in states.values())}, failed {sum(kinds.values())}: {dict(kinds)}")
    if len(seconds) > 1:
        p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
        print(f"from request to report: median {statistics.median(seconds):.1f} s, p99 {p99:.1f} s, most {seconds[-1]:.1f} s")
    warm = [size for at, size in samples if at > 10.0] or [last]
    print(f"memory of the service: {warm[0]:.0f} MB after 10 s, {max(warm):.0f} MB at most, {last:.0f} MB at the end")
    counted = told["xrayscan_faults_total"]
    print(f"unhandled errors: {counted:.0f} counted, {len(faults)} in the log, {len(load.surprises)} seen by clients")
    print(f"exit status of the service: {status}")
    for line in (*faults[:5], *load.surprises[:5]):
        print("  ", line)
    sound = accepted == finished == len(states) and not (
        lost or open_ or faults or load.surprises or told["xrayscan_faults_total"]
    )
    sys.exit(0 if sound and status == 0 else 1)


if __name__ == "__main__":
    main()
