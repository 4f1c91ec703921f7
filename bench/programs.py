"""Programs that are measured, and what they are measured with: started, reached, compared by turns.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

HOST, FQDN, CIPHER = "127.0.0.1", "naf.example.com", "TLS_AES_128_GCM_SHA256"
DEVICES, ROUNDS = 200, 3
SECONDS = int(os.environ.get("AKMA_BENCH_SECONDS", "3"))
NO_LIMITS = (
    "--connections-max 30000 --connections-per-device 30000 --handshakes-per-source 30000 "
    "--idle-timeout 3600"
).split()
LONG_LIVED = ["--refresh-lifetime", "300"]
TICKS = os.sysconf("SC_CLK_TCK")

Load = dict[str, float]
Words = list[str | Path]


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Bench:
    """What is measured with: programs, keys, and the application behind every relay."""

    def __init__(self, build: Path, folder: Path, stack: contextlib.ExitStack) -> None:
        self.build, self.folder, self.stack = build, folder, stack
        rows = [(f"ue{n}", secrets.token_hex(32), secrets.token_hex(32)) for n in range(DEVICES)]
        self.devices = self.table("devices", rows)
        self.ks_nafs = self.table("ks-nafs", [(name, ks_naf, "") for name, ks_naf, _ in rows])
        self.kas = self.table("kas", [(name, "", ka) for name, _, ka in rows])
        self.secrets = self.file(
            "secrets", "".join(f"3GPP-bootstrapping.{row[0]}:{row[1]}\n" for row in rows)
        )
        self.wrap = self.file("wrap", f"1:{secrets.token_hex(32)}\n")
        self.application = self.start(free_port(), build / "bench/echo", f"{HOST}:{{port}}").address

    def file(self, name: str, text: str) -> Path:
        """A file of mode 0600."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def table(self, name: str, rows: list[tuple[str, str, str]]) -> Path:
        """A devices file."""
        lines = [",".join(row) for row in [("identity", "ks-naf", "ka"), *rows]]
        return self.file(name, "\n".join(lines) + "\n")

    def start(self, port: int, *words: str | Path, scheme: str = "") -> "Program":
        """A server, until the end."""
        text = [str(word).replace("{port}", str(port)) for word in words]
        return self.stack.enter_context(Program(port, text, scheme))

    def server(self, *options: str | Path, scheme: str = "") -> tuple["Program", list[str]]:
        """e2e-as in one process, and what a load needs to reach it; scheme: "udp:" for DTLS."""
        host = f"{scheme}{HOST}"
        naf, as_program = f"{host}:{free_port()}", self.build / "e2e/e2e-as"
        words: Words = [as_program, "--accept", naf, "--e2e-accept", f"{host}:{{port}}"]
        words += ["--naf-fqdn", FQDN, "--devices", self.devices, *NO_LIMITS, *LONG_LIVED, *options]
        program = self.start(free_port(), *words, scheme=scheme)
        return program, self.flow(naf, program.address)

    def apart(self) -> list[str]:
        """NAF and third party in a process each, and what a load needs to reach them."""
        naf, link = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}"
        as_program = self.build / "e2e/e2e-as"
        words: Words = [as_program, "--naf-accept", link, "--e2e-accept", f"{HOST}:{{port}}"]
        words += ["--devices", self.kas, *self.certificate(f"IP:{HOST}"), *NO_LIMITS, *LONG_LIVED]
        third_party = self.start(free_port(), *words)
        words = [as_program, "--accept", naf, "--third-party", link, "--naf-fqdn", FQDN]
        words += ["--devices", self.ks_nafs, *self.certificate(f"DNS:{FQDN}"), *NO_LIMITS]
        self.start(int(naf.split(":")[1]), *words)
        return self.flow(naf, third_party.address)

    def flow(self, naf: str, endpoint: str) -> list[str]:
        """What a load needs to make flows."""
        to = ["--way", "flow", "--connect", naf, "--e2e-connect", endpoint]
        return [*to, "--devices", str(self.devices)]

    def certificate(self, name: str) -> Words:
        """A certificate for the link between NAF and third party, as options; the first call makes the CA."""
        ca, ca_key = self.folder / "ca.pem", self.folder / "ca.key"
        new = "openssl req -config /etc/ssl/openssl.cnf -x509 -newkey ec -nodes".split()
        new += ["-pkeyopt", "ec_paramgen_curve:P-256"]
        if not ca.exists():
            quietly(*new, "-subj", "/CN=CA", "-keyout", ca_key, "-out", ca)
        certificate, key = (self.folder / f"{name.split(':')[0]}.{end}" for end in ("pem", "key"))
        uses = [f"subjectAltName={name}", "extendedKeyUsage=clientAuth,serverAuth"]
        uses += ["basicConstraints=critical,CA:FALSE"]
        extensions = [word for use in uses for word in ("-addext", use)]
        issuer: Words = ["-CA", ca, "-CAkey", ca_key, "-subj", "/CN=link"]
        quietly(*new, *issuer, *extensions, "-keyout", key, "-out", certificate)
        return ["--cert", certificate, "--key", key, "--ca", ca]

    def listen(self, to: list[str]) -> "Program":
        """e2e-ue in front of local programs, to where flow() says."""
        words: Words = [self.build / "e2e/e2e-ue", "--listen", f"{HOST}:{{port}}", *to[2:]]
        return self.start(free_port(), *words, "--identity", "ue0", "--naf-fqdn", FQDN)

    def stunnel(self, name: str, target: str, client: str = "no") -> "Program":
        """stunnel with the same PSKs and cipher."""
        identity = "PSKidentity = 3GPP-bootstrapping.ue0\n" if client == "yes" else ""
        port = free_port()
        config = self.file(
            f"stunnel-{name}",
            f"foreground = yes\npid =\ndebug = 3\n[relay]\nclient = {client}\naccept = {HOST}:{port}\n"
            f"connect = {target}\nsslVersionMin = TLSv1.3\nciphersuites = {CIPHER}\nciphers = PSK\n"
            f"PSKsecrets = {self.secrets}\n{identity}",
        )
        return self.start(port, "stunnel4", config)

    def load(self, *words: str) -> Load:
        """One measurement."""
        result = subprocess.run(
            [self.build / "bench/load", "--seconds", str(SECONDS), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS + 60,
        )
        figures: Load = json.loads(result.stdout)
        if figures["failed"] > 0.01 * figures["visits"]:
            raise RuntimeError(result.stderr)
        return figures


def quietly(*words: str | Path) -> None:
    """A command that has to work."""
    subprocess.run(words, check=True, capture_output=True)


class Program:
    """A server under way."""

    def __init__(self, port: int, words: list[str], scheme: str = "") -> None:
        self.address = f"{scheme}{HOST}:{port}"
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end and self.process.poll() is None:
            if scheme and f":{port:04X} " in Path("/proc/net/udp").read_text():
                return
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{words} does not listen on {port}")

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def resident(self) -> int:
        """Octets."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
