"""akma setup: what it writes, what it never writes over, and how it renews certificates.

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import hashlib
import re
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tool import AKMA, ENVIRONMENT, akma

ALL = ["--naf-fqdn", "naf.example.com"]
APART = [*ALL, "--third-party", "keys.example.com"]
WHOLE = [*APART, "--endpoint", "192.0.2.7", "--redis", "--forward", "127.0.0.1:8080"]
DAY = datetime.timedelta(days=1)


def set_up(folder: Path, *options: str) -> tuple[int, str]:
    """Run it: exit status, and all that it says."""
    result = akma("setup", folder, *options)
    return result.returncode, (result.stdout + result.stderr).decode()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of it."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def certificate(path: Path) -> x509.Certificate:
    """A file's certificate."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def key_of(path: Path) -> ec.EllipticCurvePrivateKey:
    """A file's private key."""
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def is_pair(stem: Path) -> bool:
    """Is a file of a key that of the certificate beside it?"""
    public = certificate(stem.with_suffix(".pem")).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.public_numbers() == key_of(stem.with_suffix(".key")).public_key().public_numbers()


def verify(site: Path, name: str) -> None:
    """OpenSSL's own judgement of a certificate under the CA, for both sides of TLS."""
    for purpose in ("sslserver", "sslclient"):
        words: list[str | Path] = [
            "-CAfile",
            site / "ca.pem",
            "-x509_strict",
            "-purpose",
            purpose,
            site / name,
        ]
        subprocess.run(["openssl", "verify", *words], check=True, capture_output=True, timeout=30)


def alternatives(path: Path) -> list[str]:
    """The names of a certificate."""
    extension = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


@pytest.mark.parametrize(
    ("options", "folders"),
    [
        (ALL, {"all", "ue"}),
        ([*ALL, "--redis"], {"all", "ue", "redis"}),
        ([*ALL, "--redis", "--endpoint", "gate"], {"all", "ue", "redis", "endpoint"}),
        (APART, {"naf", "third-party", "ue"}),
        (WHOLE, {"naf", "third-party", "endpoint", "redis", "ue"}),
    ],
)
def test_what_each_deployment_has(tmp_path: Path, options: list[str], folders: set[str]) -> None:
    """Guards against a deployment in which a host lacks its folder or has another host's secrets."""
    site = tmp_path / "site"
    status, text = set_up(site, *options)
    assert status == 0, text
    assert {file.name for file in site.iterdir() if file.is_dir()} == folders
    made = contents(site)
    for name, octets in made.items():
        secret = name.endswith((".key", ".password", "devices.csv", "users.acl"))
        assert stat.S_IMODE((site / name).stat().st_mode) == (0o600 if secret else 0o644), name
        for other in re.findall(rf"{re.escape(str(site))}/([\w./-]+\w)", octets.decode()):
            if name.endswith(".conf"):
                assert other in made and other.startswith(
                    name.split("/", maxsplit=1)[0] + "/"
                ), name
    passwords = [octets for name, octets in made.items() if name.endswith(".password")]
    assert (
        len(passwords)
        == len(set(passwords))
        == (0 if "redis" not in folders else 2 + ("endpoint" in folders))
    )
    for folder in {"all", "third-party", "endpoint"} & folders if "redis" in folders else ():
        lines = dict(
            line.split(" ", 1)
            for line in (site / folder / f"{folder}.conf").read_text().splitlines()
            if line and line[0] != "#"
        )
        [rights] = re.findall(
            rf"^user {lines['store-user']} .*#([0-9a-f]{{64}})",
            made["redis/users.acl"].decode(),
            re.M,
        )
        password = Path(lines["store-password-file"]).read_bytes().rstrip(b"\n")
        assert (
            rights == hashlib.sha256(password).hexdigest()
        ), "its user of the Redis has its password"
        assert (lines["store-user"] == "akma-endpoint") == (folder == "endpoint")
    readme = made["README.md"].decode()
    assert all(f"| `{folder}` |" in readme for folder in folders - {"ue"})
    assert not re.search(rb"[0-9a-f]{32}|PRIVATE", made["README.md"])


def test_certificates(tmp_path: Path) -> None:
    """Guards against a certificate that may issue others, lacks a name or use of its side, or ends too soon."""
    site = tmp_path / "site"
    assert set_up(site, *WHOLE)[0] == 0
    assert is_pair(site / "ca")
    names = {
        "naf/naf": ["naf.example.com"],
        "third-party/third-party": ["keys.example.com"],
        "redis/server": ["keys.example.com", "127.0.0.1"],
    }
    for stem, wanted in names.items():
        made = certificate(site / f"{stem}.pem")
        verify(site, f"{stem}.pem")
        assert is_pair(site / stem)
        assert alternatives(site / f"{stem}.pem") == wanted
        uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert set(uses) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
        limits = made.extensions.get_extension_for_class(x509.BasicConstraints)
        assert limits.critical and not limits.value.ca, "its holder could issue others"
        assert DAY * 396 < made.not_valid_after - datetime.datetime.utcnow() < DAY * 398
    copies = {octets for name, octets in contents(site).items() if name.endswith("ca.pem")}
    assert len(copies) == 1
    address = tmp_path / "address"
    assert set_up(address, *ALL, "--third-party", "2001:db8::1")[0] == 0
    assert alternatives(address / "third-party/third-party.pem") == ["2001:db8::1"]
    assert "third-party [2001:db8::1]:4435\n" in (address / "naf/naf.conf").read_text()


def aged(path: Path, authority: Path, days: int) -> None:
    """Put in a certificate's place one like it, with its key, that has so many days left of 397."""
    old = certificate(path)
    now = datetime.datetime.utcnow()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "aged")]))
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(1)
        .not_valid_before(now - DAY * (397 - days))
        .not_valid_after(now + DAY * days)
    )
    made = builder.sign(key_of(authority), hashes.SHA256())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize(("days", "what"), [(140, "kept"), (120, "renewed"), (-3, "renewed")])
def test_renewal(tmp_path: Path, days: int, what: str) -> None:
    """Guards against a renewal too late or too early, of the wrong certificate, or with another key."""
    site = tmp_path / "site"
    assert set_up(site, *APART)[0] == 0
    aged(site / "naf/naf.pem", site / "ca.key", days)
    before = contents(site)
    status, text = set_up(site)
    assert status == 0 and f"naf/naf.pem: {what}, valid until " in text
    assert "third-party/third-party.pem: kept" in text and "ca.pem: kept" in text
    after = contents(site)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == ({"naf/naf.pem"} if what == "renewed" else set()) and len(after) == len(
        before
    )
    if what == "renewed":
        made = certificate(site / "naf/naf.pem")
        verify(site, "naf/naf.pem")
        assert is_pair(site / "naf/naf")
        assert made.not_valid_after - datetime.datetime.utcnow() > DAY * 390


def test_the_ca_is_renewed(tmp_path: Path) -> None:
    """Guards against a renewed CA that has another key, or reaches only some folders."""
    site = tmp_path / "site"
    assert set_up(site, *WHOLE)[0] == 0
    aged(site / "ca.pem", site / "ca.key", 30)
    status, text = set_up(site, *WHOLE)
    assert status == 0 and "ca.pem: renewed" in text and "naf/naf.pem: kept" in text
    copies = {octets for name, octets in contents(site).items() if name.endswith("ca.pem")}
    assert len(copies) == 1
    verify(site, "naf/naf.pem")


def test_a_renewal_that_was_broken_off(tmp_path: Path) -> None:
    """Guards against a folder that keeps the old CA after a renewal that failed there once."""
    site = tmp_path / "site"
    assert set_up(site, *WHOLE)[0] == 0
    aged(site / "ca.pem", site / "ca.key", 30)
    (site / "third-party/ca.pem").unlink()
    (site / "third-party/ca.pem").mkdir()
    assert set_up(site)[0] != 0
    (site / "third-party/ca.pem").rmdir()
    status, text = set_up(site)
    assert status == 0 and "ca.pem: renewed" in text
    assert len({octets for name, octets in contents(site).items() if name.endswith("ca.pem")}) == 1


@pytest.mark.parametrize("forward", ["[::1]:8080", "nginx:http", "unix:/run/app.socket"])
def test_places(tmp_path: Path, forward: str) -> None:
    """Guards against an IPv6 address, a service's name or a socket's path being refused by akma setup."""
    options = [*ALL, "--third-party", "2001:db8::7", "--forward", forward]
    assert set_up(tmp_path / "site", *options)[0] == 0


def change_option(site: Path) -> list[str]:
    """Another third party than that of the first run."""
    assert set_up(site, *APART)[0] == 0
    return [*ALL, "--third-party", "other.example.com"]


def change_forward(site: Path) -> list[str]:
    """Another application."""
    assert set_up(site, *WHOLE)[0] == 0
    return [*WHOLE[:-1], "127.0.0.1:8081"]


def change_endpoint(site: Path) -> list[str]:
    """Another host of the endpoint."""
    assert set_up(site, *WHOLE)[0] == 0
    return ["--endpoint", "gate.example.com"]


def add_redis(site: Path) -> list[str]:
    """A Redis besides."""
    assert set_up(site, *ALL)[0] == 0
    return ["--redis"]


def foreign_folder(site: Path) -> list[str]:
    """A folder that somebody else has filled."""
    site.mkdir()
    (site / "precious").write_text("octets\n")
    return ALL


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        *(
            (change, "was set up with other options (setup.conf)")
            for change in (change_option, change_forward, change_endpoint, add_redis)
        ),
        (foreign_folder, "exists, and akma setup did not make it: nothing in it is overwritten"),
        (lambda site: [], "--naf-fqdn NAME is missing"),
        (lambda site: [*ALL, "--endpoint", "gate"], "with the third party: --redis is missing"),
        (lambda site: ["--naf-fqdn", "a b"], "must be a host's name"),
        (lambda site: ["--naf-fqdn", "naf:4433"], "must be a host's name, without a port"),
        (lambda site: ["--naf-fqdn", "192.0.2.1"], "must be a host's name"),
        (lambda site: ["--naf-fqdn", "naf.example.com."], "must be a host's name"),
        (lambda site: ["--naf-fqdn", "a..b"], "must be a host's name"),
        (lambda site: ["--naf-fqdn", "-naf"], "must be a host's name"),
        (lambda site: ["--naf-fqdn", "a" * 64 + ".com"], "must be a host's name"),
        (lambda site: [*ALL, "--third-party", "192.0.2.256"], "must be a host's name or address"),
        (lambda site: [*ALL, "--third-party", "x\nca /etc/passwd"], "must be a host's name"),
        (lambda site: [*ALL, "--third-party", "keys:4435"], "without a port"),
        (lambda site: [*ALL, "--endpoint", "gate:4434", "--redis"], "without a port"),
        (lambda site: [*ALL, "--forward", "8080"], "must be HOST:PORT or unix:PATH"),
        (lambda site: [*ALL, "--forward", "x:65536"], "must be HOST:PORT or unix:PATH"),
        (lambda site: [*ALL, "--forward", ":8080"], "must be HOST:PORT or unix:PATH"),
        (lambda site: [*ALL, "--forward", "::1:8080"], "must be HOST:PORT or unix:PATH"),
        (lambda site: [*ALL, "--forward", "unix:"], "must be HOST:PORT or unix:PATH"),
        (lambda site: [*ALL, "--forward", "x:1\nkeylog /tmp/x"], "must be HOST:PORT or unix:PATH"),
    ],
)
def test_refusals(tmp_path: Path, prepare: Callable[[Path], list[str]], said: str) -> None:
    """Guards against a setup over other options or a foreign folder, and a name that would break out of its line
    in a file.
    """
    site = tmp_path / "site"
    options = prepare(site)
    before = contents(tmp_path)
    status, text = set_up(site, *options)
    assert status != 0 and said in text, text
    assert contents(tmp_path) == before


def test_all_or_nothing(tmp_path: Path) -> None:
    """Guards against a setup that fails at a name no certificate can have and leaves half a deployment behind."""
    status, text = set_up(tmp_path / "site", *ALL, "--third-party", "a" * 64 + ".example.com")
    assert status != 0 and "--third-party: must be a host's name or address" in text
    assert not list(tmp_path.iterdir())
    # The CA and its key are written before a file that is longer than may be.
    limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"', str(AKMA), "setup"]
    command = [*limited, str(tmp_path / "site"), *ALL]
    failed = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and "File too large" in failed.stderr, failed.stderr
    assert not list(tmp_path.iterdir())
    assert set_up(tmp_path / "no/such/site", *ALL)[0] != 0
    assert set_up(tmp_path / "a b", *ALL)[0] != 0
    assert akma("setup", *ALL).returncode == 2


def test_a_key_that_others_read(tmp_path: Path) -> None:
    """Guards against a CA key that everyone can read being used to issue certificates."""
    site = tmp_path / "site"
    assert set_up(site, *APART)[0] == 0
    (site / "ca.key").chmod(0o644)
    status, text = set_up(site)
    assert status != 0 and "ca.key" in text


def stopped_while(making: Callable[[], object], command: list[str | Path], number: int) -> int:
    """The exit status of a command that gets a signal once something is being made."""

    def hear() -> None:
        """A shell that runs the tests in the background may have them ignored."""
        signal.signal(number, signal.SIG_DFL)

    with subprocess.Popen(
        command, env=ENVIRONMENT, preexec_fn=hear, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not making():
            pass  # it takes some milliseconds
        process.send_signal(number)
        return process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(tmp_path: Path, number: signal.Signals) -> None:
    """Guards against keys in a folder DIR.XXXXXX that an interrupted akma setup leaves behind."""
    stopped = 0
    for attempt in range(50):
        site = tmp_path / f"site-{attempt}"
        status = stopped_while(
            lambda: list(tmp_path.glob(f"{site.name}.*")), [AKMA, "setup", site, *WHOLE], number
        )
        assert [
            path for path in tmp_path.iterdir() if not re.fullmatch(r"site-\d+", path.name)
        ] == []
        assert status in (0, -number)
        stopped += not site.exists()
        if stopped == 3:
            break
    assert stopped == 3
