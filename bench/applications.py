"""Real applications through the flow's programs, beside stunnel and spiped both ways.

nginx serves files to wrk, and `python3 -m http.server`, which answers in two writes, pages to curl; each relay has its client's
side and its server's side between them. The application is the same for all, and so are the clients.

SPDX-License-Identifier: Apache-2.0
"""

import re
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import HOST, SECONDS, Bench, Words, free_port
from report import table

ROUNDS = 5
FIRST_OCTETS, PAGES = 100, 30  # connections of one measurement
LARGE, SMALL = 256 * 1024, 128  # octets
OURS, OTHERS = "e2e", ("stunnel", "spiped")

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    server {{ listen {address}; root {root}; }}
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
}}
"""

# wrk says durations in microseconds here
WRK_SCRIPT = """
done = function(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.status + summary.errors.timeout
  io.write(string.format("result %d %d %d %d %d\\n", summary.requests, summary.bytes, summary.duration,
                         latency:percentile(99), failed))
end
"""


@dataclass(frozen=True)
class Row:
    """What is measured and compared, and what the ratio to another program must be."""

    name: str
    unit: str
    other: str
    limit: float
    aim: float | None = None
    at_most: bool = False


ROWS = (
    Row("files", "files of 256 KiB, 4 connections: MB/s", "stunnel", 1.0, 1.3),
    Row("files, 99th", "... 99th percentile, ms", "stunnel", 1.0, at_most=True),
    Row("small", "small requests, 16 connections: requests/s", "stunnel", 1.2, 1.6),
    Row("small", "small requests, 16 connections: requests/s", "spiped", 1.0),
    Row("small, 99th", "... 99th percentile, ms", "stunnel", 1.0, at_most=True),
    Row("new", "a connection for each request, 16 at once: connections/s", "stunnel", 1.3, 1.6),
    Row("new, 99th", "... 99th percentile, ms", "stunnel", 1.0, at_most=True),
    Row(
        "first octet",
        "time to the first octet of a new connection, ms",
        "stunnel",
        1.0,
        at_most=True,
    ),
    Row("page", "a page in two writes, ms", "stunnel", 1.5, at_most=True),
)


def ratio(row: Row, results: dict[str, Any]) -> float:
    """The median of the rounds' ratios, each of two measurements that follow one another."""
    ours, theirs = results[row.name][OURS], results[row.name][row.other]
    return float(statistics.median(a / b for a, b in zip(ours, theirs)))


def is_met(row: Row, value: float) -> bool:
    """Is the limit kept?"""
    return value <= row.limit if row.at_most else value >= row.limit


def verdict(row: Row, value: float) -> str:
    """How the ratio compares with the limit and the aim."""
    if not is_met(row, value):
        return "**missed**"
    return "ok, aim reached" if row.aim is not None and value >= row.aim else "ok"


def wrk(bench: Bench, address: str, file: str, connections: int, *words: str) -> dict[str, float]:
    """Requests, octets and the 99th percentile, of one run."""
    script = bench.file("wrk.lua", WRK_SCRIPT)
    command: Words = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", script, *words]
    command.append(f"http://{address}/{file}")
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS + 60)
    found = re.search(r"^result (\d+) (\d+) (\d+) (\d+) (\d+)$", run.stdout, re.M)
    if not found:
        raise RuntimeError(run.stdout + run.stderr)
    requests, octets, duration, p99, failed = (int(group) for group in found.groups())
    if failed > requests / 100:
        raise RuntimeError(f"{address}: {failed} of {requests} requests failed")
    seconds = duration / 1e6
    return {"requests": requests / seconds, "megabytes": octets / seconds / 1e6, "p99": p99 / 1e3}


def first_octet(address: str) -> float:
    """Milliseconds from connecting to the first octet of an answer: the median of some, one after the other."""
    host, port = address.split(":")
    request = f"GET /small HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
    times = []
    for _ in range(FIRST_OCTETS):
        began = time.monotonic()
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(request)
            if not connection.recv(1):
                raise RuntimeError(f"{address}: closed without an answer")
            times.append(time.monotonic() - began)
    return 1000 * statistics.median(times)


def page(address: str) -> float:
    """Milliseconds for a page by curl: the median of some, one after the other."""
    command = ["curl", "-sf", "-o", "/dev/null", "-w", "%{time_total}", f"http://{address}/small"]
    times = [
        float(
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        )
        for _ in range(PAGES)
    ]
    return 1000 * statistics.median(times)


def files(folder: Path) -> Path:
    """What is served."""
    root = folder / "root"
    root.mkdir()
    (root / "large").write_bytes(secrets.token_bytes(LARGE))
    (root / "small").write_text("x" * SMALL)
    return root


def start_nginx(bench: Bench, root: Path) -> str:
    """nginx, and where it listens."""
    address = f"{HOST}:{free_port()}"
    text = NGINX.format(folder=bench.folder, address=address, root=root)
    config = bench.file("nginx.conf", text)
    words: Words = ["nginx", "-e", "/dev/null", "-p", bench.folder, "-c", config]
    bench.start(int(address.split(":")[1]), *words)
    return address


def start_python(bench: Bench, root: Path) -> str:
    """python3 -m http.server, and where it listens."""
    words: Words = [sys.executable, "-m", "http.server", "--bind", HOST, "--directory", root]
    return bench.start(free_port(), *words, "{port}").address


def spiped(bench: Bench, target: str) -> str:
    """spiped both ways, in front of target; and where it takes what is in clear."""
    key = bench.file("spiped.key", secrets.token_hex(32))
    ends: list[str] = []
    for way in ("-d", "-e"):
        to = "[{}]:{}".format(*(ends[-1] if ends else target).split(":"))
        words: Words = ["spiped", way, "-F", "-n", "0", "-k", key, "-t", to, "-s"]
        ends.append(bench.start(free_port(), *words, f"[{HOST}]:{{port}}").address)
    return ends[-1]


def relays(bench: Bench, target: str) -> dict[str, str]:
    """Every relay, both its sides, in front of one application: where each takes what is in clear."""
    behind = target.split(":")[1]
    server = bench.stunnel(f"server-{behind}", target)
    return {
        OURS: bench.listen(bench.server("--forward", target)[1]).address,
        "stunnel": bench.stunnel(f"client-{behind}", server.address, "yes").address,
        "spiped": spiped(bench, target),
    }


def measure(bench: Bench) -> dict[str, Any]:
    """All, by turns."""
    root = files(bench.folder)
    served, pages = (relays(bench, start(bench, root)) for start in (start_nginx, start_python))
    loads: dict[str, Callable[[str], dict[str, float]]] = {
        "files": lambda address: wrk(bench, address, "large", 4),
        "small": lambda address: wrk(bench, address, "small", 16),
        "new": lambda address: wrk(bench, address, "small", 16, "-H", "Connection: close"),
    }
    results: dict[str, dict[str, list[float]]] = {
        row.name: {name: [] for name in served} for row in ROWS
    }
    for _ in range(ROUNDS):
        for load, run in loads.items():
            for name, address in served.items():
                figures = run(address)
                results[load][name].append(figures["megabytes" if load == "files" else "requests"])
                results[f"{load}, 99th"][name].append(figures["p99"])
        for name in served:
            results["first octet"][name].append(first_octet(served[name]))
            results["page"][name].append(page(pages[name]))
    return results


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def tables(results: dict[str, Any]) -> str:
    """The section in Markdown."""
    lines = []
    for row in ROWS:
        value = ratio(row, results)
        middle = [figure(statistics.median(results[row.name][name])) for name in (OURS, *OTHERS)]
        limit = f"{row.other}: {'at most' if row.at_most else 'at least'} {row.limit:g}"
        aim = "" if row.aim is None else f"{row.aim:g}"
        lines.append([row.unit, *middle, f"{value:.2f}", limit, aim, verdict(row, value)])
    header = ["measured", "here", *OTHERS, "ratio", "limit", "aim", ""]
    return table("Real applications, both ways", header, lines)


def met(results: dict[str, Any]) -> bool:
    """Are the limits kept?"""
    return all(is_met(row, ratio(row, results)) for row in ROWS)


SECTION = (measure, tables, met)
