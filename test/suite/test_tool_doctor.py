"""akma doctor: each thing that can be wrong is told, with what to write; exit 0 only where all is well.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import reference
from configuration import write_config
from evp import BUILD, OPENSSL_VERSION
from fips import FIPS, needs_fips, write_fips_config
from openssl_cli import EXAMPLE, openssl
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of

ROOT = Path(__file__).parents[2]
ONE: dict[str, str] = {}


def doctor(config: Path | str, *words: str | Path, **environment: str) -> tuple[int, str]:
    result = akma("doctor", *words, environment={"OPENSSL_CONF": str(config)} | environment)
    assert result.stderr == b""
    return result.returncode, result.stdout.decode()


def bad(output: str) -> list[str]:
    lines = output.splitlines()
    assert all(line.startswith(("ok: ", "not ok: ")) for line in lines)
    return [line.removeprefix("not ok: ") for line in lines if line.startswith("not ok: ")]


def sick(config: Path | str, *words: str | Path, **environment: str) -> list[str]:
    status, output = doctor(config, *words, **environment)
    assert status == 1 and bad(output)
    return bad(output)


def test_all_well() -> None:
    status, output = doctor(EXAMPLE)
    assert status == 0 and bad(output) == []
    for line in [
        f"ok: libcrypto: OpenSSL {OPENSSL_VERSION[0]}.{OPENSSL_VERSION[1]}",
        f"ok: configuration {EXAMPLE}: can be read",
        "ok: instances: 1 of akma",
        "ok: activate akma: 1 in [akma_sect]",
        "ok: keys akma: ",
        f"ok: modules folder {BUILD}: is there",
        f"ok: module akma: {BUILD}/akma.so loads",
        "ok: active akma: yes",
        "ok: policy akma: none",
        "ok: HMAC default: gives the right answer",
        "ok: HMAC again: ",
        "ok: known answer of 3GPP-KDF akma: right",
        "ok: known answer in mode 3GPP akma: right",
        "ok: known answer in mode HKDF akma: right",
        "ok: query: none: akma derives",
    ]:
        assert any(seen.startswith(line) for seen in output.splitlines()), line


def test_known_answers() -> None:
    """The doctor's constants are the reference's."""
    source = (ROOT / "tool/doctor_derivation.c").read_text()
    octets = bytes(int(word, 16) for word in re.findall(r"0x([0-9A-F]{2})\b", source))
    ks_naf = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
    ka, refresh = bytes(range(0xA0, 0xE0)), bytes(range(32))
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    assert ks_naf in octets and reference.prf(ks_naf, b"akma doctor", "SHA2-256") in octets
    assert reference.kdf_3gpp(ks_naf, b"\x69", [b"akma doctor"]) in octets
    for mode in ("3GPP", "HKDF"):
        usage = "akma doctor"
        key = reference.e2e_key(ks_naf, ka, naf_id, refresh=refresh, usage=usage, mode=mode)
        assert key in octets


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"min-ka-lenght": "32"},
            "has min-ka-lenght, which nothing reads: did you mean min-ka-length?",
        ),
        ({"allowed-mode": "HKDF"}, "did you mean allowed-modes?"),
        ({"actiwate": "1"}, "did you mean activate?"),
        ({"k" * 100: "1"}, "did you mean "),
        ({"allowed-digests": "SHA1"}, "policy akma: cannot be understood, so nothing is derived"),
        ({"min-ka-length": "65"}, ""),
        ({"allowed-nafs": "other.example.com"}, ""),
        ({"allowed-modes": "HKDF"}, ""),
        ({"require-usage": "yes", "require-not-after": "yes", "min-refresh-length": "32"}, ""),
    ],
)
def test_sections(config: Path, keys: dict[str, str], said: str) -> None:
    """What is misspelt, what cannot be understood; a policy that merely forbids is no fault."""
    write_config(config, {"akma": keys})
    status, output = doctor(config)
    if said:
        assert status == 1 and any(said in line for line in bad(output)), output
    else:
        assert status == 0, output
        policy = "; ".join(f"{name} = {value}" for name, value in keys.items())
        assert f"ok: policy akma: {policy}\n" in output or len(keys) > 1


def test_value_that_is_a_section(config: Path) -> None:
    write_config(config, {"akma": {"allowed-modes": "HKDF"}})
    config.write_text(config.read_text() + "[HKDF]\nx = y\n")
    (line,) = sick(config)
    assert line.startswith(
        "keys akma: the value of allowed-modes is also the name of the section [HKDF]"
    )
    assert doctor(config)[1].count("ok: policy akma: none") == 1


@pytest.mark.parametrize("value", ["1", "yes", "TRUE", "on"])
def test_activate_that_says_yes(config: Path, value: str) -> None:
    write_config(config, {"akma": ONE})
    config.write_text(config.read_text().replace("activate = 1", f"activate = {value}"))
    status, output = doctor(config)
    assert status == 0 and f"ok: activate akma: {value} in [section_0]" in output


@pytest.mark.parametrize("value", ["0", "no", "OFF", "false", "maybe", "Yes"])
def test_activate_that_says_no(config: Path, value: str) -> None:
    write_config(config, {"akma": ONE})
    old, new = "module = akma.so\nactivate = 1", f"module = akma.so\nactivate = {value}"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    assert any(line.startswith(f"activate akma: {value} in [section_0]") for line in sick(config))


def test_no_activate(config: Path) -> None:
    write_config(config, {"akma": ONE})
    config.write_text(
        config.read_text().replace("module = akma.so\nactivate = 1", "module = akma.so")
    )
    lines = sick(config)
    assert "activate akma: not in [section_0]: write activate = 1 there" in lines
    assert any(line.startswith("active akma: no: ") for line in lines)


def test_without_default(config: Path) -> None:
    write_config(config, {"akma": ONE})
    config.write_text(config.read_text().replace("default = default_section\n", ""))
    lines = sick(config)
    assert any(line.startswith("HMAC: no provider has it: activate default") for line in lines)
    assert any(line.startswith("known answer in mode 3GPP akma: ") for line in lines)


@pytest.mark.parametrize("how", ["ignores", "goes-on", "refuses"])
def test_hmac_that_does_not_start_again(config: Path, how: str) -> None:
    """It is told, and the keys are right all the same."""
    write_config(config, {"akma": ONE})
    stubborn = f"module = {BUILD}/test/hardening/hmac_without_restart.so\nactivate = 1"
    text = config.read_text().replace("default = default_section", "stubborn = default_section")
    config.write_text(
        text.replace("[default_section]\nactivate = 1", f"[default_section]\n{stubborn}")
    )
    (line,) = sick(config, STUBBORN=how)
    assert line.startswith("HMAC again: does not start again without a key")
    status, output = doctor(config, STUBBORN="restarts")
    assert status == 0 and "ok: HMAC stubborn: gives the right answer" in output
    output = doctor(config, STUBBORN=how)[1]
    assert output.count(" akma: right\n") == 3 and "ok: HMAC stubborn: " in output


@needs_fips
def test_fips_in_place_of_default(tmp_path: Path) -> None:
    """All is well with it; where fips=yes is the default, what to ask for is told."""
    assert FIPS is not None
    folder = str(FIPS.parent)
    status, output = doctor(write_fips_config(tmp_path, beside=()), OPENSSL_MODULES=folder)
    assert status == 0, output
    assert "ok: HMAC fips: gives the right answer" in output
    assert output.count(" akma: right\n") == 3
    config = write_fips_config(tmp_path, "default_properties = fips=yes", beside=())
    (line,) = sick(config, OPENSSL_MODULES=folder)
    assert line.endswith("applications have to ask for provider=<name>,-fips")
    words = ["--propquery", "provider=akma,-fips"]
    status, output = doctor(config, *words, OPENSSL_MODULES=folder)
    assert status == 0 and "ok: HMAC fips: " in output


def test_default_properties_that_nobody_has(config: Path) -> None:
    """fips=yes without a fips module: no HMAC, and AKMA-E2E by another query only."""
    write_config(config, {"akma": ONE})
    text = config.read_text().replace("[init]\n", "[init]\nalg_section = algorithms\n")
    config.write_text(text + "[algorithms]\ndefault_properties = fips=yes\n")
    lines = sick(config)
    assert any(line.startswith("HMAC: no provider has it") for line in lines)
    assert any(
        "query: none: AKMA-E2E is not found with it, because default_properties" in line
        for line in lines
    )


def test_module_that_is_not_there(config: Path, tmp_path: Path) -> None:
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any(line.startswith(f"module akma: {tmp_path}/akma.so: No such file") for line in lines)
    assert any(line.startswith("active akma: no: ") for line in lines)
    lines = sick(config, OPENSSL_MODULES="/nowhere\x1b")
    assert any("modules folder /nowhere\\x1B: there is no such folder" in line for line in lines)


def test_module_that_does_not_load(config: Path, tmp_path: Path) -> None:
    """The loader's own reason."""
    (tmp_path / "akma.so").write_text("no module")
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any(line.startswith(f"module akma: {tmp_path}/akma.so: ") for line in lines)
    assert any("file too short" in line or "invalid ELF header" in line for line in lines)


def test_module_that_is_none(config: Path, tmp_path: Path) -> None:
    source = tmp_path / "other.c"
    source.write_text("int other(void) { return 1; }\n")
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "akma.so", source], check=True)
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any("akma.so is not a provider: it has no OSSL_provider_init" in line for line in lines)


def test_path_in_the_section(config: Path, tmp_path: Path) -> None:
    shutil.copy(BUILD / "akma.so", tmp_path / "akma-acme.so")
    write_config(config, {"acme": ONE})
    config.write_text(config.read_text().replace("akma.so", str(tmp_path / "akma-acme.so")))
    status, output = doctor(config, OPENSSL_MODULES="/")
    assert status == 0 and f"ok: module acme: {tmp_path}/akma-acme.so loads" in output


def test_several_instances(config: Path) -> None:
    write_config(config, {"acme": {"min-ka-length": "32"}, "2.globex": {"allowed-modes": "HKDF"}})
    (line,) = sick(config)
    assert line.startswith("query: none: 2 instances are active, and which of them derives is not")
    status, output = doctor(config, "--propquery", "provider=globex")
    assert status == 0 and "ok: query: provider=globex: globex derives" in output
    assert "ok: policy acme: min-ka-length = 32\n" in output
    assert "ok: known answer in mode 3GPP globex: refused by policy" in output
    lines = sick(config, "--propquery", "provider=initech")
    assert any(line.startswith("query: provider=initech: AKMA-E2E is not found") for line in lines)


NO_QUERY = "no property query; must be one, such as fips=yes"
QUERIES = [
    ("fips:yes", NO_QUERY),
    ("provider=akma,", NO_QUERY),
    ("\x1b", "a character that is not"),
]


@pytest.mark.parametrize(("query", "wrong"), QUERIES)
def test_query_that_is_none(config: Path, query: str, wrong: str) -> None:
    """OpenSSL passes over it, and an application would have any instance."""
    write_config(config, {"akma": ONE})
    (line,) = sick(config, "--propquery", query)
    shown = query.replace("\x1b", "\\x1B")
    assert line.startswith(f"query: {shown}: {wrong}")


def test_configurations_that_are_none(tmp_path: Path) -> None:
    lines = sick(tmp_path / "no\x1bthing")
    assert any(
        "no\\x1Bthing: No such file or directory: set OPENSSL_CONF" in line for line in lines
    )
    lines = sick("/dev/null")
    assert any(
        line.startswith("instances: the file has no akma: write openssl_conf") for line in lines
    )
    broken = tmp_path / "broken"
    broken.write_text("a = b\n[section\n")
    lines = sick(broken)
    assert any(line.startswith(f"configuration {broken}: line 2: ") for line in lines)


@pytest.mark.parametrize("hyphens", ["-", "--"])
def test_options_of_openssl(hyphens: str) -> None:
    """As `openssl kdf` would have it."""
    words = [f"{hyphens}provider", "default", f"{hyphens}provider", "akma"]
    words += [f"{hyphens}provider-path", str(BUILD)]
    status, output = doctor("/dev/null", *words, OPENSSL_MODULES="/nowhere")
    assert status == 0, output
    status, output = doctor("/dev/null", *words[:2], OPENSSL_MODULES="/nowhere")
    assert status == 1
    status, output = doctor("/dev/null", f"{hyphens}config", EXAMPLE)
    assert status == 0
    lines = sick(EXAMPLE, f"{hyphens}provider", "nonesuch")
    assert any(line.startswith("loading nonesuch: ") for line in lines)


def test_agrees_with_openssl(config: Path) -> None:
    """Where it says that all is well, openssl kdf derives; where not, it does not."""
    call = ["kdf", "-keylen", "32", "-kdfopt", "hexkey:" + "01" * 32, "-kdfopt", "supi:00101"]
    for keys, well in [(ONE, True), ({"min-ka-length": "x"}, False)]:
        write_config(config, {"akma": keys})
        assert (doctor(config)[0] == 0) is well
        assert (openssl(*call, "AKMA-K-AKMA", config=config).returncode == 0) is well


def test_json(config: Path) -> None:
    write_config(config, {"akma": {'min"ka\\': "32"}})
    for path, well in [(EXAMPLE, True), (config, False)]:
        status, output = doctor(path, "--json")
        found = json.loads(output)
        assert found["ok"] is well and (status == 0) is well
        assert all(check["ok"] for check in found["checks"]) is well
        assert set(found) == {"checks", "ok"}
        for check in found["checks"]:
            assert {"check", "ok", "detail"} <= set(check) <= {"check", "ok", "subject", "detail"}
            assert type(check["ok"]) is bool
            assert all(type(check[name]) is str and check[name] for name in check if name != "ok")
        plain = doctor(path)[1].splitlines()
        assert len(plain) == len(found["checks"])


def test_no_secret_is_printed(config: Path) -> None:
    """A key that does not belong there is named, not shown."""
    secret = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    write_config(config, {"akma": {"ka": secret}})
    nothing: list[str] = []
    for words in nothing, ["--json"]:
        status, output = doctor(config, *words)
        assert status == 1 and secret not in output and "which nothing reads" in output


def test_refusals() -> None:
    for words in (["--what"], ["what"], ["--config"]):
        result = akma("doctor", *words)
        assert result.returncode == 2 and result.stderr != b""


def test_help_of_doctor(tmp_path: Path) -> None:
    assert "--json" in help_of("doctor")
    shutil.copy(EXAMPLE, tmp_path / "openssl.cnf")
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    line = example_of("doctor")
    output = subprocess.check_output(["sh", "-c", line], cwd=tmp_path, env=folders)
    assert json.loads(output)["ok"] is True
