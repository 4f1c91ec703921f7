"""akma config: the settings of the system's openssl.cnf are kept, however it is written, and default and akma added.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import reference
from evp import BUILD
from samples import FQDN, KA, KEY, NAF_ID, UA
from sanitizer import RUNTIME, unless_its_runtime_is_in_the_way
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of, secret

STOCK = """
HOME = .
openssl_conf = openssl_init
config_diagnostics = 1
oid_section = new_oids
[ new_oids ]
tsa_policy1 = 1.2.3.4.1
[openssl_init]
[ ca ]
default_ca = CA_default
[ CA_default ]
dir = ./demoCA
"""
TLS = """
[tls]
system_default = tls_default
[tls_default]
MinProtocol = TLSv1.3
CipherString = DEFAULT@SECLEVEL=1
"""
GUIDE = """
openssl_conf = default_conf
[default_conf]
ssl_conf = tls
providers = my providers
[my providers]
default = d
2.legacy = old
[d]
activate = 1
[old]
activate = 1
"""
UPSTREAM = """
openssl_conf = openssl_init
[openssl_init]
providers = provider_sect
ssl_conf = tls
[provider_sect]
default = default_sect
[default_sect]
# activate = 1
"""
DORMANT = """
# openssl_conf = openssl_init
[openssl_init]
providers = provider_sect
ssl_conf = tls
[provider_sect]
legacy = legacy_sect
[default_sect]
[akma_sect]
[legacy_sect]
activate = 1
"""
IDENTITY = """
.pragma = dollarid:true
openssl_conf = init
[init]
ssl_conf = tls
providers.1 = list
[list]
1.default = sect
two = other
[sect]
activate = yes
[other]
identity = legacy
activate = on
"""


def in_a_folder(folder: Path) -> str:
    """A file that includes a folder."""
    parts = folder / "conf.d"
    parts.mkdir()
    (parts / "10-init.cnf").write_text("[init]\nproviders = provs\n[provs]\nlegacy = legacy_sect\n")
    (parts / "20-legacy.conf").write_text("[legacy_sect]\nactivate = 1\n[init]\nssl_conf = tls\n")
    (parts / "30-tls.cnf").write_text(TLS)
    return f"openssl_conf = init\n.include {parts}\n[provs]\ndefault = d\n[d]\nactivate = 1\n"


SYSTEMS: dict[str, Callable[[Path], str]] = {
    "stock": lambda _: STOCK,
    "names of a guide": lambda _: GUIDE + TLS,
    "default that is not activated": lambda _: UPSTREAM + TLS,
    "included folder": in_a_folder,
    "sections that nothing names": lambda _: DORMANT + TLS,
    "identities": lambda _: IDENTITY + TLS,
    "empty": lambda _: "",
}
LIMITS = "import ssl; print(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).minimum_version)"


def by_the_file(config: Path, *words: str) -> str:
    """What a program prints that has a file and nothing else to go by."""
    environment = {"OPENSSL_CONF": str(config), "PATH": os.environ["PATH"]} | RUNTIME
    return subprocess.check_output(words, env=environment, text=True).strip()


def providers(config: Path) -> set[str]:
    """What is active by a file."""
    return set(re.findall(r"^  (\S+)$", by_the_file(config, "openssl", "list", "-providers"), re.M))


def least_version(config: Path) -> str:
    """The TLS version that a program begins with by a file."""
    return by_the_file(config, "/usr/bin/python3", "-c", LIMITS)


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A system's file."""
    path = tmp_path / "system's.cnf"
    path.write_text(SYSTEMS[request.param](tmp_path))
    return path


def config(system: Path, out: Path, *words: str | Path) -> None:
    """Write a configuration."""
    result = akma("config", "--system", system, "--out", out, *words)
    assert result.returncode == 0 and result.stdout == result.stderr == b"", result.stderr


def refused(system: Path, out: Path, *words: str) -> str:
    """What is said of a configuration that is not written."""
    before = out.read_bytes() if out.exists() else None
    result = akma("config", "--system", system, "--out", out, *words)
    assert result.returncode == 1 and result.stdout == b""
    assert (out.read_bytes() if out.exists() else None) == before
    return result.stderr.decode()


def derives(config: Path, folder: Path) -> bool:
    """Is the key right by a file alone?"""
    words = ["--ks-naf", secret(folder / "k", KEY), "--ka", secret(folder / "a", KA)]
    nothing = {"OPENSSL_CONF": str(config), "OPENSSL_MODULES": "/nowhere"}
    result = akma(
        "derive", *words, "--naf-fqdn", FQDN, "--ua-protocol-id", UA.hex(), environment=nothing
    )
    return result.stdout.decode().strip() == reference.e2e_key(KEY, KA, NAF_ID).hex()


def test_what_the_system_has_stays(system: Path, tmp_path: Path) -> None:
    """Guards against providers and a MinProtocol of the system's file that vanish without a word."""
    out = tmp_path / "openssl.cnf"
    config(system, out)
    assert providers(out) == providers(system) | {"default", "akma"}
    assert least_version(out) == least_version(system)
    assert derives(out, tmp_path)
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    assert akma("doctor", "--config", out, "--system", system).returncode == 0
    assert f".include {str(system).replace(chr(39), chr(92) + chr(39))}\n" in out.read_text()


def test_the_files_have_something_to_lose(tmp_path: Path) -> None:
    """Guards against system files of this test in which nothing could vanish."""
    found = []
    for number, text in enumerate(SYSTEMS.values()):
        (tmp_path / str(number)).mkdir()
        path = tmp_path / str(number) / "cnf"
        path.write_text(text(path.parent))
        found.append((least_version(path), "legacy" in providers(path)))
    assert sorted(found) == sorted([("772", True)] * 3 + [("772", False)] + [("-2", False)] * 3)


def test_fips_in_place_of_default(tmp_path: Path) -> None:
    """Guards against a configuration that activates default beside fips, which would be a way around it."""
    text = "openssl_conf = i\n[i]\nproviders = p\n[p]\nfips = f\nbase = b\n[b]\nactivate = 1\n[f]\nactivate = 1\n"
    substitute = f"module = {BUILD}/test/hardening/hmac_without_restart.so\n"
    (tmp_path / "system").write_text(text + "module = /nowhere/fips.so\n")
    said = refused(tmp_path / "system", tmp_path / "out")
    assert "nothing is written: " in said and " be active" in said
    (tmp_path / "system").write_text(text + substitute)
    config(tmp_path / "system", tmp_path / "out")
    text = (tmp_path / "out").read_text()
    assert "\n[p]\nakma = akma_sect\n" in text and "default = " not in text


def test_akma_that_is_there_already(tmp_path: Path) -> None:
    """Guards against a second instance under the name of the first."""
    text = (
        GUIDE
        + TLS
        + f"[my providers]\nakma = a\n[a]\nmodule = {BUILD}/akma.so\nactivate = 1\nmin-ka-length = 32\n"
    )
    (tmp_path / "system").write_text(text)
    config(tmp_path / "system", tmp_path / "out")
    assert "akma = " not in (tmp_path / "out").read_text()
    assert providers(tmp_path / "out") == {"default", "legacy", "akma"}


def test_a_policy_is_kept(tmp_path: Path) -> None:
    """Guards against a policy that is lost when the file is rewritten."""
    system, out = tmp_path / "system", tmp_path / "out"
    system.write_text(STOCK)
    config(system, out)
    policy = "min-ka-length = 32\nallowed-nafs = *.example.com\n"
    out.write_text(out.read_text() + policy)
    system.write_text(GUIDE + TLS)
    assert akma("doctor", "--config", out, "--system", system).returncode == 1
    config(system, out)
    assert out.read_text().endswith(policy) and out.read_text().count("min-ka-length") == 1
    assert providers(out) == {"default", "legacy", "akma"} and least_version(out) == "772"
    instances = (
        out.read_text()
        .replace("akma = akma_sect", "1.acme = akma_sect")
        .replace("activate = 1\nmin", "identity = acme\nactivate = 1\nmin")
    )
    out.write_text(
        instances + "[my providers]\nakma-two = two\n[two]\nactivate = 1\nrequire-usage = yes\n"
    )
    config(system, out)
    assert providers(out) == {"default", "legacy", "acme", "akma-two"}
    assert "identity = acme\nmin-ka-length = 32" in out.read_text()
    assert "require-usage = yes\n" in out.read_text()


@pytest.mark.parametrize(
    "section",
    [
        "",
        "[ak]\n",
        "[ak]\n# activate = 1\nmin-ka-length = 32\n",
        "[ak]\nactivate = off\n",
        f"[ak]\nmodule = {BUILD}/akma.so\nactivate = 1\n",
    ],
)
def test_akma_that_is_listed_and_not_active(tmp_path: Path, section: str) -> None:
    """Guards against a file that does not work, since the system's lists akma and does not activate it."""
    system, out = tmp_path / "system", tmp_path / "out"
    system.write_text(GUIDE + TLS + "[my providers]\nakma = ak\n" + section)
    for _ in range(2):
        config(system, out)
        assert providers(out) == {"default", "legacy", "akma"} and derives(out, tmp_path)
        assert akma("doctor", "--config", out, "--system", system).returncode == 0
        out.write_text(out.read_text() + "[ak]\nrequire-usage = no\n")
    assert out.read_text().count("require-usage") == 2  # what was kept, and once more


@unless_its_runtime_is_in_the_way
def test_module_that_does_not_load(tmp_path: Path) -> None:
    """Guards against a file by which akma is not active: without the module, or with a damaged one."""
    system, out = tmp_path / "system", tmp_path / "out"
    system.write_text(GUIDE + TLS)
    whole = (BUILD / "akma.so").read_bytes()
    for octets in (b"no module\n", whole[: len(whole) // 20]):
        (tmp_path / "akma.so").write_bytes(octets)
        said = refused(system, out, "--module", str(tmp_path / "akma.so"))
        assert "nothing is written: " in said
    system.write_text(
        GUIDE + TLS + "[my providers]\nakma = a\n[a]\nmodule = /nowhere\nactivate = 1\n"
    )
    assert "nothing is written: akma would not be active" in refused(system, out)


def test_byte_order_mark(tmp_path: Path) -> None:
    """Guards against a file that OpenSSL cannot read: a byte order mark is one in the first file only."""
    (tmp_path / "system").write_text(GUIDE + TLS, encoding="utf-8-sig")
    assert "begins with a byte order mark" in refused(tmp_path / "system", tmp_path / "out")


def test_dollars_in_names(tmp_path: Path) -> None:
    """Guards against a second run that takes a $ in the names of the system's sections for a fault."""
    system, out = tmp_path / "system", tmp_path / "out"
    text = GUIDE.replace("my providers", "my$providers").replace("default_conf", "a$b")
    system.write_text(".pragma dollarid:on\n" + text + TLS)
    config(system, out)
    out.write_text(out.read_text() + "min-ka-length = 32\n")
    config(system, out)
    assert out.read_text().endswith("\nmin-ka-length = 32\n")
    assert providers(out) == {"default", "legacy", "akma"} and least_version(out) == "772"


def test_policy_of_an_included_file(tmp_path: Path) -> None:
    """Guards against a policy that a file includes, and that is lost when it is rewritten."""
    system, out, part = tmp_path / "system", tmp_path / "out", tmp_path / "part"
    system.write_text(GUIDE + TLS)
    config(system, out)
    part.write_text("[akma_sect]\nallowed-modes = HKDF\n")
    out.write_text(out.read_text() + f"  .include {part}\n")
    nothing: list[str] = []
    for words in nothing, ["--force"]:
        said = refused(system, out, *words)
        assert "nothing is written: allowed-modes = HKDF of [akma_sect], which the file has" in said
    out.write_text(out.read_text() + "[akma_sect]\nallowed-modes = HKDF\n")
    config(system, out)
    assert out.read_text().endswith("allowed-modes = HKDF\n")


def test_what_is_not_replaced(tmp_path: Path) -> None:
    """Guards against another program's file, or the system's own, that is overwritten."""
    system, out = tmp_path / "system", tmp_path / "out"
    system.write_text(STOCK)
    out.write_text("theirs\n")
    words: list[str | Path] = ["config", "--system", system, "--out"]
    result = akma(*words, out)
    assert result.returncode == 1 and b"akma config did not write it" in result.stderr
    assert out.read_text() == "theirs\n"
    config(system, out, "--force")
    (tmp_path / "hard").hardlink_to(system)
    for name in (system, tmp_path / "hard"):
        result = akma(*words, name, "--force")
        assert result.returncode == 1 and b"this is the system's file" in result.stderr
    assert system.read_text() == STOCK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--system", "/nowhere\x1b"], "/nowhere\\x1B: No such file or directory"),
        (["--system", "/dev/zero"], "/dev/zero: not a regular file"),
        (["--system", "broken"], "line 2: missing close square bracket"),
        (["--module", "/nowhere"], "/nowhere: No such file or directory"),
        (["--out", "/nowhere/x"], "/nowhere/x: No such file or directory"),
    ],
)
def test_refusals(tmp_path: Path, words: list[str], said: str) -> None:
    """Guards against a file that is made of one that cannot be read."""
    (tmp_path / "broken").write_text("a = b\n[section\n")
    result = akma("config", *words, folder=tmp_path)
    assert result.returncode == 1 and said in result.stderr.decode() and result.stdout == b""


def test_without_a_system_file(tmp_path: Path) -> None:
    """Guards against a machine without an openssl.cnf on which akma cannot be configured (/dev/null is an empty
    one)."""
    config(Path("/dev/null"), tmp_path / "out")
    assert providers(tmp_path / "out") == {"default", "akma"} and derives(
        tmp_path / "out", tmp_path
    )


def test_standard_output_and_example(tmp_path: Path) -> None:
    """Guards against an example of --help that does not work, and against another text without --out."""
    assert "--system" in help_of("config")
    printed = akma("config").stdout.decode()
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:/usr/bin:/bin"}
    del folders["OPENSSL_CONF"]
    line = example_of("config") + ' && test "$OPENSSL_CONF" = "$PWD/openssl.cnf" && akma doctor'
    subprocess.run(["sh", "-c", line], cwd=tmp_path, env=folders, check=True, stdout=-3)
    written = (tmp_path / "openssl.cnf").read_text()
    assert printed.replace('"THIS FILE"', '"openssl.cnf"') == written
