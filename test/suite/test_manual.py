"""The manual pages: clean, complete, and no word of what the code does not have.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evp import BUILD, LibCtx
from samples import ALGORITHMS

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "man").iterdir())
TYPES = {1: "integer", 4: "UTF8 string", 5: "octet string"}  # openssl/core.h
SECTION = re.compile(
    r"WARNING: unknown manual section: Dt \.\.\. 7ssl"
)  # Debian's, as OpenSSL's own

pages = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])


def page_text(name: str) -> str:
    """The source of a page."""
    return (ROOT / "man" / name).read_text()


def documented_parameters(name: str) -> dict[str, tuple[str, str]]:
    """Parameter -> macro and type, as a page lists them."""
    found = re.findall(r"^\.It Do (\S+) Dc Po Dv (\S+) Pc Aq (.+)$", page_text(name), re.M)
    return {parameter: (macro, kind) for parameter, macro, kind in found}


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pages
def test_mandoc(page: Path) -> None:
    result = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
    )
    complaints = [
        line for line in (result.stdout + result.stderr).splitlines() if not SECTION.search(line)
    ]
    assert not complaints


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pages
def test_groff(page: Path) -> None:
    result = subprocess.run(
        ["groff", "-mandoc", "-t", "-ww", "-z", "-Tutf8", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""


def test_parameters(libctx: LibCtx) -> None:
    """Each page lists what its algorithms take, by the macro of the header, and nothing else."""
    header = dict(re.findall(r"#define (AKMA_PARAM_\w+)\s+\"(.+)\"", kdf_header()))
    e2e, others = "EVP_KDF-AKMA-E2E.7ssl", "EVP_KDF-3GPP.7ssl"
    taken: dict[str, dict[str, str]] = {e2e: {}, others: {}}
    for algorithm in ALGORITHMS:
        page = taken[e2e if algorithm == "AKMA-E2E" else others]
        for name, (kind, _) in libctx.kdf(algorithm).settable.items():
            page[name] = TYPES[kind]
    for page_name, parameters in taken.items():
        listed = documented_parameters(page_name)
        assert {name: kind for name, (_, kind) in listed.items()} == parameters
        for name, (macro, _) in listed.items():
            assert header[macro] == name


def kdf_header() -> str:
    """The public header."""
    return (ROOT / "include/akma/kdf.h").read_text()


def test_bounds() -> None:
    """The limits of the header stand in the pages."""
    limits = dict(re.findall(r"#define AKMA_(\w+_(?:MIN|MAX))\s+(\d+)", kdf_header()))
    page = page_text("EVP_KDF-AKMA-E2E.7ssl")
    for name in ("KA_MIN", "KA_MAX", "NAF_FQDN_MAX", "NAF_ID_MIN", "NAF_ID_MAX", "REFRESH_MAX"):
        assert re.search(rf"\b{limits[name]}\b", page), name


def listed_items(section: str) -> set[str]:
    """The items of a list in the provider's page, from a heading to the end of its list."""
    text = page_text("OSSL_PROVIDER-akma.7ssl")
    part = text[text.index(section) :]
    part = part[part.index(".Bl") : part.index(".El")]
    return set(re.findall(r"^\.It (.+)$", part, re.M))


def test_reasons() -> None:
    reasons = re.findall(r'REASON\(\w+,\s*"(.+?)"\)', (ROOT / "provider/errors.h").read_text())
    assert len(reasons) > 10
    assert listed_items(".Sh DIAGNOSTICS") == set(reasons)


def test_policy_keys() -> None:
    """The example configuration, which other tests hold against the module, names every key."""
    example = (ROOT / "openssl.cnf.example").read_text()
    keys = set(re.findall(r"^# ?((?:allowed|min|require)-[a-z-]+) =", example, re.M))
    assert len(keys) >= 8
    assert listed_items(".Ss Policy") == keys


def test_algorithms() -> None:
    text = page_text("OSSL_PROVIDER-akma.7ssl")
    for algorithm in ALGORITHMS:
        assert re.search(rf"^\.It .*\b{algorithm}\b", text, re.M), algorithm


def helped_options(*command: str) -> set[str]:
    """The options that --help of a program lists."""
    result = subprocess.run(
        [BUILD / command[0], *command[1:], "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^  --([a-z0-9-]+)", result.stdout, re.M))


def listed_options(text: str) -> set[str]:
    """The options that a page, or a part of it, lists."""
    return set(re.findall(r"^\.It Fl -([a-z0-9-]+)", text, re.M))


@pytest.mark.parametrize("program", ["e2e-as", "e2e-ue"])
def test_options_of_the_flow(program: str) -> None:
    assert listed_options(page_text(f"{program}.1")) == helped_options(f"e2e/{program}")


@pytest.mark.parametrize(
    "command", ["derive", "psk", "identity", "doctor", "ka new", "ka add", "ka remove"]
)
def test_options_of_the_tool(command: str) -> None:
    parts = page_text("akma.1").split("\n.Ss ")
    [part] = [part for part in parts if part.startswith(f"akma {command}\n")]
    assert listed_options(part) == helped_options("tool/akma", *command.split())


def test_options_of_the_plugin() -> None:
    source = (ROOT / "plugins/mosquitto/mosquitto_akma.c").read_text()
    known = set(re.findall(r'^    \[\w+\] = \{"(\w+)"', source, re.M))
    listed = re.findall(r"^\.It Cm plugin_opt_(\w+) Ar", page_text("mosquitto_akma.5"), re.M)
    assert len(known) == 4 and set(listed) == known
