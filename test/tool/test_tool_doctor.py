"""akma doctor: each thing that can be wrong is told, with what to write; exit 0 only where all is well.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import reference
from configuration import write_config
from evp import BUILD, OPENSSL_VERSION
from fips import FIPS, needs_fips, write_fips_config
from openssl_cli import EXAMPLE, openssl
from project import ROOT
from sanitizer import unless_its_runtime_is_in_the_way
from tool import AKMA, ENVIRONMENT, akma, example_of, help_of

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
    """What is not ok, and a verdict that says so."""
    status, output = doctor(config, *words, **environment)
    *found, verdict = bad(output)
    assert status == 1 and found and output.count("verdict") == 1
    assert verdict.startswith(f"verdict: {len(found)} of ") and output.endswith(f"{verdict}\n")
    return found


def test_nothing_wrong() -> None:
    """Guards against akma doctor finding a fault in the example configuration, or leaving a check out."""
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
        "ok: system's settings ",
        "ok: verdict: akma derives here",
    ]:
        assert any(seen.startswith(line) for seen in output.splitlines()), line


def test_known_answers() -> None:
    """Guards against a constant of akma doctor that was copied from the code which it judges."""
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
        ({"k" * 100: "1"}, "which nothing reads: take it away"),
        ({"allowed-digests": "SHA1"}, "policy akma: cannot be understood, so nothing is derived"),
        ({"min-ka-length": "65"}, ""),
        ({"allowed-nafs": "other.example.com"}, ""),
        ({"allowed-modes": "HKDF"}, ""),
        ({"require-usage": "yes", "require-not-after": "yes", "min-refresh-length": "32"}, ""),
    ],
)
def test_sections(config: Path, keys: dict[str, str], said: str) -> None:
    """Guards against a misspelt policy key that akma doctor passes, or a policy that only forbids and that it calls
    a fault.
    """
    write_config(config, {"akma": keys})
    status, output = doctor(config)
    if said:
        assert status == 1 and any(said in line for line in bad(output)), output
    else:
        assert status == 0, output
        (policy,) = re.findall("^ok: policy akma: (.*)$", output, re.M)
        assert set(policy.split("; ")) == {f"{name} = {value}" for name, value in keys.items()}


def test_value_that_is_a_section(config: Path) -> None:
    """Guards against a policy value that OpenSSL reads as a section's name, and so drops, going unnoticed."""
    write_config(config, {"akma": {"allowed-modes": "HKDF"}})
    config.write_text(config.read_text() + "[HKDF]\nx = y\n")
    (line,) = sick(config)
    assert line.startswith(
        "keys akma: the value of allowed-modes is also the name of the section [HKDF]"
    )
    assert doctor(config)[1].count("ok: policy akma: none") == 1


@pytest.mark.parametrize("value", ["1", "yes", "TRUE", "on"])
def test_activate_that_says_yes(config: Path, value: str) -> None:
    """Guards against a spelling of yes that akma doctor takes for no."""
    write_config(config, {"akma": ONE})
    config.write_text(config.read_text().replace("activate = 1", f"activate = {value}"))
    status, output = doctor(config)
    assert status == 0 and f"ok: activate akma: {value} in [section_0]" in output


@pytest.mark.parametrize("value", ["0", "no", "OFF", "false", "maybe", "Yes"])
def test_activate_that_says_no(config: Path, value: str) -> None:
    """Guards against a provider that the configuration switches off going unnoticed."""
    write_config(config, {"akma": ONE})
    old, new = "module = akma.so\nactivate = 1", f"module = akma.so\nactivate = {value}"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    assert any(line.startswith(f"activate akma: {value} in [section_0]") for line in sick(config))


def test_no_activate(config: Path) -> None:
    """Guards against a section without activate going unnoticed."""
    write_config(config, {"akma": ONE})
    config.write_text(
        config.read_text().replace("module = akma.so\nactivate = 1", "module = akma.so")
    )
    lines = sick(config)
    assert any(
        line.startswith("activate akma: not in [section_0]: write activate = 1 there: do: ")
        for line in lines
    )
    assert any(line.startswith("active akma: no: ") for line in lines)


def test_without_default(config: Path) -> None:
    """Guards against a configuration without default, so without HMAC, being called right."""
    write_config(config, {"akma": ONE})
    config.write_text(config.read_text().replace("default = default_section\n", ""))
    lines = sick(config)
    assert any(line.startswith("HMAC: no provider has it: activate default") for line in lines)
    assert any(line.startswith("known answer in mode 3GPP akma: ") for line in lines)


def write_no_restart(config: Path, properties: str = "") -> None:
    """A file with another HMAC in the place of default's, with the properties of a fips module's."""
    write_config(config, {"akma": ONE}, properties)
    section = f"module = {BUILD}/test/hardening/hmac_without_restart.so\nactivate = 1"
    text = config.read_text().replace("default = default_section", "no_restart = default_section")
    config.write_text(
        text.replace("[default_section]\nactivate = 1", f"[default_section]\n{section}")
    )


@pytest.mark.parametrize("how", ["ignores", "goes-on", "refuses"])
def test_hmac_that_does_not_start_again(config: Path, how: str) -> None:
    """Guards against a doctor that does not report an HMAC which cannot be restarted, or wrong keys with one."""
    write_no_restart(config)
    (line,) = sick(config, HMAC_RESTART=how)
    assert line.startswith("HMAC again: does not start again without a key")
    status, output = doctor(config, HMAC_RESTART="restarts")
    assert status == 0 and "ok: HMAC no_restart: gives the right answer" in output
    output = doctor(config, HMAC_RESTART=how)[1]
    assert output.count(" akma: right\n") == 3 and "ok: HMAC no_restart: " in output


def test_default_properties_of_fips(config: Path) -> None:
    """Guards against a doctor that does not say how AKMA-E2E is found where fips=yes is the default."""
    write_no_restart(config, properties="fips=yes")
    (line,) = sick(config)
    assert "not found with it, because default_properties ask for fips=yes: " in line
    assert "ask for provider=<name>,-fips: do: akma doctor --propquery provider=akma,-fips" in line
    status, output = doctor(config, "--propquery", "provider=akma,-fips")
    assert status == 0 and "ok: HMAC no_restart: " in output


@needs_fips
def test_fips_in_place_of_default(tmp_path: Path) -> None:
    """Guards against a fips provider in the place of default that akma doctor calls a fault, and a fips=yes that
    it misses.
    """
    assert FIPS is not None
    folder = str(FIPS.parent)
    status, output = doctor(write_fips_config(tmp_path, beside=()), OPENSSL_MODULES=folder)
    assert status == 0, output
    assert "ok: HMAC fips: gives the right answer" in output
    assert output.count(" akma: right\n") == 3
    config = write_fips_config(tmp_path, "default_properties = fips=yes", beside=())
    (line,) = sick(config, OPENSSL_MODULES=folder)
    assert "applications have to ask for provider=<name>,-fips: do: akma doctor" in line
    words = ["--propquery", "provider=akma,-fips"]
    status, output = doctor(config, *words, OPENSSL_MODULES=folder)
    assert status == 0 and "ok: HMAC fips: " in output


def test_default_properties_that_nobody_has(config: Path) -> None:
    """Guards against a doctor that finds no fault although fips=yes is the default and there is no fips module."""
    write_config(config, {"akma": ONE}, properties="fips=yes")
    lines = sick(config)
    assert any(line.startswith("HMAC: no provider has it by default_properties") for line in lines)
    assert not any("query: " in line for line in lines)  # of no use without HMAC


def test_module_that_is_not_there(config: Path, tmp_path: Path) -> None:
    """Guards against a missing module or folder whose path akma doctor does not show, or shows unfiltered."""
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any(line.startswith(f"module akma: {tmp_path}/akma.so: No such file") for line in lines)
    assert any(line.startswith("active akma: no: ") for line in lines)
    lines = sick(config, OPENSSL_MODULES="/nowhere\x1b")
    assert any("modules folder /nowhere\\x1B: there is no such folder" in line for line in lines)


def test_module_that_does_not_load(config: Path, tmp_path: Path) -> None:
    """Guards against a doctor that hides the loader's own reason why a module does not load."""
    (tmp_path / "akma.so").write_text("no module")
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any(line.startswith(f"module akma: {tmp_path}/akma.so: ") for line in lines)
    assert any("file too short" in line or "invalid ELF header" in line for line in lines)


def test_module_that_is_none(config: Path, tmp_path: Path) -> None:
    """Guards against a library that is no provider being called a module that loads."""
    source = tmp_path / "other.c"
    source.write_text("int other(void) { return 1; }\n")
    subprocess.run(["gcc", "-shared", "-o", tmp_path / "akma.so", source], check=True)
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any("akma.so is not a provider: it has no OSSL_provider_init" in line for line in lines)


def test_path_in_the_section(config: Path, tmp_path: Path) -> None:
    """Guards against a module given by its path being looked for in the modules folder."""
    shutil.copy(BUILD / "akma.so", tmp_path / "akma-acme.so")
    write_config(config, {"acme": ONE})
    config.write_text(config.read_text().replace("akma.so", str(tmp_path / "akma-acme.so")))
    status, output = doctor(config, OPENSSL_MODULES="/")
    assert status == 0 and f"ok: module acme: {tmp_path}/akma-acme.so loads" in output


def test_several_instances(config: Path) -> None:
    """Guards against a doctor that passes several instances without a query, which leaves the choice to chance."""
    write_config(config, {"acme": {"min-ka-length": "32"}, "2.globex": {"allowed-modes": "HKDF"}})
    (line,) = sick(config)
    assert line.startswith("query: none: 2 instances are active, and which of them derives is not")
    status, output = doctor(config, "--propquery", "provider=globex")
    assert status == 0 and "ok: query: provider=globex: globex derives" in output
    assert "ok: policy acme: min-ka-length = 32\n" in output
    assert "ok: known answer in mode 3GPP globex: right (of the module alone" in output
    assert not re.search("^ok: .*(refuse|forbid|not)", output, re.M)
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
    """Guards against a malformed property query, which OpenSSL ignores, that doctor does not report."""
    write_config(config, {"akma": ONE})
    (line,) = sick(config, "--propquery", query)
    shown = query.replace("\x1b", "\\x1B")
    assert line.startswith(f"query: {shown}: {wrong}")


def test_configurations_that_are_none(tmp_path: Path) -> None:
    """Guards against a configuration that is missing or broken whose fault akma doctor does not name."""
    lines = sick(tmp_path / "no\x1bthing")
    assert any("no\\x1Bthing: No such file or directory: do: " in line for line in lines)
    lines = sick("/dev/null")
    assert any(
        line.startswith("instances: the current configuration has no akma: do: ") for line in lines
    )
    broken = tmp_path / "broken"
    broken.write_text("a = b\n[section\n")
    lines = sick(broken)
    assert any(line.startswith(f"configuration {broken}: line 2: ") for line in lines)


@pytest.mark.parametrize("hyphens", ["-", "--"])
def test_options_of_openssl(hyphens: str) -> None:
    """Guards against an option of openssl's programs, with one hyphen or two, that akma doctor ignores."""
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
    """Guards against an akma doctor that passes a configuration with which openssl kdf fails, or the reverse."""
    call = ["kdf", "-keylen", "32", "-kdfopt", "hexkey:" + "01" * 32, "-kdfopt", "supi:00101"]
    for keys, well in [(ONE, True), ({"min-ka-length": "x"}, False)]:
        write_config(config, {"akma": keys})
        assert (doctor(config)[0] == 0) is well
        assert (openssl(*call, "AKMA-K-AKMA", config=config).returncode == 0) is well


@unless_its_runtime_is_in_the_way
@pytest.mark.parametrize("part", [0.05, 0.25, 0.5, 0.75])
def test_module_that_was_cut(config: Path, tmp_path: Path, part: float) -> None:
    """Guards against a doctor that is killed by a truncated module, which raises SIGBUS in the program that loads
    it."""
    command: list[str | Path] = ["strip", "--strip-debug", "-o", tmp_path / "whole"]
    subprocess.run([*command, BUILD / "akma.so"], check=True)  # what is loaded is most of it then
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "akma.so").write_bytes(whole[: int(len(whole) * part)])
    write_config(config, {"akma": ONE})
    lines = sick(config, OPENSSL_MODULES=str(tmp_path))
    assert any(line.startswith(f"module akma: {tmp_path}/akma.so: ") for line in lines)


@unless_its_runtime_is_in_the_way
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cut", "trunc.so: loading it ends the process"),
        ("text", "trunc.so: file too short"),
        ("folder", "trunc.so: a folder; the module's file is wanted"),
        ("pipe", "trunc.so: not a regular file; the module's file is wanted"),
    ],
)
@pytest.mark.parametrize("provider", ["akma", "other"])
def test_module_under_another_name(
    config: Path, tmp_path: Path, name: str, said: str, provider: str
) -> None:
    """Guards against a module that is not examined, and ends the doctor, since its file has another name."""
    module = tmp_path / "trunc.so"
    if name == "folder":
        module.mkdir()
    elif name == "pipe":
        os.mkfifo(module)
    else:
        whole = (BUILD / "akma.so").read_bytes()
        module.write_bytes(b"no module\n" if name == "text" else whole[: len(whole) // 20])
    write_config(config, {"akma": ONE, "other": ONE})
    wrong = f"[section_{['akma', 'other'].index(provider)}]\nmodule = {module}\n"
    config.write_text(config.read_text() + wrong)
    lines = sick(config)
    assert "\nok: activate akma: 1 in [section_0]\n" in doctor(config)[1]
    assert any(line.startswith(f"module {provider}: ") and said in line for line in lines), lines


def test_configuration_without_an_end() -> None:
    """Guards against a doctor that reads a device for ever."""
    assert any("/dev/zero: not a regular file" in line for line in sick("/dev/zero"))


def test_the_system_loses_nothing(config: Path, tmp_path: Path) -> None:
    """Guards against an ok for a file by which a provider or a TLS setting of the system has no effect."""
    system = tmp_path / "system"
    write_config(config, {"akma": ONE})
    head = "openssl_conf = i\n[i]\nproviders = p\nssl_conf = s\n[p]\n"
    tls = "[s]\nsystem_default = d\n[d]\nMinProtocol = TLSv1.2\n"
    for text, lost in [
        (head + "default = x\n[x]\nactivate = 1\n" + tls, "ssl_conf = s"),
        (head + "legacy = x\n[x]\nactivate = 1\n", "the provider legacy"),
        (head + "default = x\nlegacy = y\n[x]\nactivate = 1\n[y]\n", None),
        ("[i]\nssl_conf = s\n" + tls, None),
    ]:
        system.write_text(text.replace("ssl_conf = s\n", "") if lost is None else text)
        status, output = doctor(config, "--system", system)
        assert (status == 0) is (lost is None), output
        assert (
            lost is None or f"system's settings {system}: has {lost}, which is lost with" in output
        )
    (line,) = sick(config, "--system", "/dev/zero")
    assert line.startswith(f"system's settings /dev/zero: cannot be compared with {config}: not a")
    mine = config.read_text().replace("[init]\n", "[init]\nssl_conf = s\n")
    system.write_text(head.replace("[p]\n", "[p]\ndefault = x\n[x]\nactivate = 1\n") + tls)
    for version in ("TLSv1.2", "TLSv1"):
        config.write_text(mine + tls.replace("TLSv1.2", version))
        assert (doctor(config, "--system", system)[0] == 0) is (version == "TLSv1.2")


# Remedies


# Where this build's module belongs beneath a prefix.
(MODULES,) = re.findall(
    r"^AKMA_MODULES_DIR:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M
)


def installed(folder: Path) -> dict[str, str]:
    """The tool, the module and a configuration as they are installed; nothing says where."""
    for name, source in {"bin/akma": AKMA, f"{MODULES}/akma.so": BUILD / "akma.so"}.items():
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(source, folder / name)
    (folder / "etc/akma").mkdir(parents=True)
    words: list[str | Path] = [folder / "bin/akma", "config"]
    words += ["--out", folder / "etc/akma/openssl.cnf"]
    subprocess.run([*words, "--module", folder / MODULES / "akma.so"], check=True)
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}"}


GOOD = f"""openssl_conf = init
[init]
providers = list
[list]
default = default_part
akma = akma_part
[default_part]
activate = 1
[akma_part]
module = {BUILD}/akma.so
activate = 1
"""


def changed(old: str, new: str, **more: str) -> Callable[[Path], dict[str, str]]:
    """A file in which one thing is wrong."""

    def make(folder: Path) -> dict[str, str]:
        assert old in GOOD
        (folder / "openssl.cnf").write_text(GOOD.replace(old, new))
        return {"OPENSSL_CONF": str(folder / "openssl.cnf")} | more

    return make


def named(path: str) -> Callable[[Path], dict[str, str]]:
    """OPENSSL_CONF with another name in it."""
    return lambda folder: {"OPENSSL_CONF": path}


def broken(folder: Path) -> dict[str, str]:
    """A file that cannot be understood."""
    (folder / "openssl.cnf").write_text("[section\n")
    return {"OPENSSL_CONF": str(folder / "openssl.cnf")}


def installed_and_broken(folder: Path) -> dict[str, str]:
    """An installed file whose module is gone from where it says."""
    environment = installed(folder)
    config = folder / "etc/akma/openssl.cnf"
    config.write_text(config.read_text().replace(f"/{MODULES}/akma.so", "/lib/gone.so"))
    return environment | {"OPENSSL_CONF": str(config)}


def installed_before_a_change(folder: Path) -> dict[str, str]:
    """A system's file whose sections have other names since."""
    environment = installed(folder)
    system, config = folder / "system", folder / "etc/akma/openssl.cnf"
    system.write_text("openssl_conf = a\n[a]\n")
    subprocess.run([AKMA, "config", "--system", system, "--out", config], check=True)
    system.write_text("openssl_conf = b\n[b]\n")
    return environment | {"OPENSSL_CONF": str(config)}


def installed_and_mangled(folder: Path) -> dict[str, str]:
    """An installed file that cannot be understood any more."""
    environment = installed(folder)
    config = folder / "etc/akma/openssl.cnf"
    config.write_text(config.read_text() + "[akma_sect\n")
    return environment | {"OPENSSL_CONF": str(config)}


def two_instances(folder: Path) -> dict[str, str]:
    """Two of them, and an application that asks for none."""
    (folder / "openssl.cnf").write_text(GOOD + "[list]\nakma-two = akma_part\n")
    return {"OPENSSL_CONF": str(folder / "openssl.cnf")}


def whole(text: str) -> Callable[[Path], dict[str, str]]:
    """A file of this text."""

    def make(folder: Path) -> dict[str, str]:
        (folder / "openssl.cnf").write_bytes(text.encode())
        return {"OPENSSL_CONF": str(folder / "openssl.cnf")}

    return make


# One value is misspelt.
MESSY = f"""openssl_conf = 'init' # the first section
[ init ]
\tproviders\t=\t"list"\t# all of them
[\tlist\t] # of providers
\tdefault\t= 'default_part'
\takma\t=\t"akma_prat"\t# a mistake
[default_part]
activate = 1
[ akma_part ]
\tmodule = {BUILD}/akma.so
\tactivate = 1
"""

STATES: dict[str, Callable[[Path], dict[str, str]]] = {
    "installed, nothing set": installed,
    "installed, another file": lambda folder: installed(folder) | {"OPENSSL_CONF": "/nowhere"},
    "installed, no file": lambda folder: installed(folder) | {"OPENSSL_CONF": "/dev/null"},
    "installed, module gone": installed_and_broken,
    "installed, system's sections renamed": installed_before_a_change,
    "installed, and mangled": installed_and_mangled,
    "nothing set": lambda folder: {},
    "no file": named("/dev/null"),
    "file that is not there": named("/nowhere/openssl.cnf"),
    "broken file": broken,
    "no activate": changed("akma.so\nactivate = 1", "akma.so"),
    "activate that says no": changed("akma.so\nactivate = 1", "akma.so\nactivate = off"),
    "misspelt activate": changed("akma.so\nactivate", "akma.so\nactiwate"),
    "misspelt key": changed("akma.so\n", "akma.so\nmin-ka-lenght = 32\n"),
    "unknown key": changed("akma.so\n", "akma.so\ncolour = red\n"),
    "value that is a section": changed("akma.so\n", "akma.so\nallowed-modes = HKDF:3GPP\n[HKDF:3GPP]\na = b\n[akma_part]\n"),
    "misspelt openssl_conf": changed("openssl_conf", "openssl_config"),
    "misspelt providers": changed("providers", "provider"),
    "misspelt section of openssl_conf": changed("[init]", "[innit]"),
    "misspelt section of providers": changed("[list]", "[lists]"),
    "misspelt section of akma": changed("= akma_part", "= akma_prat"),
    "section that is nothing like it": changed("[init]", "[completely_different]"),
    "no default": changed("default = default_part\n", ""),
    "default that is not activated": changed("[default_part]\nactivate = 1", "[default_part]"),
    "properties that nobody has": changed("[init]\n", "[init]\nalg_section = a\n[a]\ndefault_properties = fips=yes\n[init]\n"),
    "module elsewhere": changed(f"{BUILD}/akma.so", "/nowhere/akma.so"),
    "modules folder elsewhere": changed(f"module = {BUILD}/akma.so\n", "", OPENSSL_MODULES="/nowhere"),
    "two instances": two_instances,
    "tabs, quotes, comments and CRLF": whole(MESSY.replace("\n", "\r\n")),
    "misspelt providers among tabs": whole(MESSY.replace("prat", "part").replace("providers", "provider")),
    "section that comes back": whole(GOOD + "[other]\n[akma_part]\n\tmin-ka-lenght=\"32\" # octets\n"),
    "properties of akma alone": changed("[init]\n", "[init]\nalg_section = a\n[a]\ndefault_properties = provider=akma\n[init]\n"),
    "module that is a text": changed(f"{BUILD}/akma.so", "/etc/hostname"),
    "module that is a folder": changed(f"{BUILD}/akma.so", "/etc"),
}  # fmt: skip


def shell(folder: Path, environment: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    """Run a line where the tool is found."""
    base = {"PATH": f"{AKMA.parent}:{os.environ['PATH']}", "HOME": str(folder)}
    words = ["sh", "-c", line]
    return subprocess.run(
        words, cwd=folder, env=base | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("state", STATES)
def test_each_remedy_works(tmp_path: Path, state: str) -> None:
    """Guards against a remedy that leads nowhere, or into the system's openssl.cnf."""
    (tmp_path / "first").mkdir()
    found = shell(tmp_path / "first", STATES[state](tmp_path / "first"), "akma doctor")
    assert found.returncode == 1 and found.stderr == ""
    commands = re.findall(r" do: (.+)$", found.stdout, re.M)
    assert commands, found.stdout
    for number, command in enumerate(commands):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = STATES[state](folder)
        command = command.replace(str(tmp_path / "first"), str(folder))
        assert "/etc/ssl/openssl.cnf" not in command and "/usr/lib/ssl" not in command
        mended = shell(
            folder,
            environment,
            f"{command} && akma doctor" if "--propquery" not in command else command,
        )
        assert mended.returncode == 0, (command, mended.stdout, mended.stderr)


TLS = "[tls]\nsystem_default = system_default\n[system_default]\nMinProtocol = TLSv1.2\n"
ELSEWHERE = [
    ("akma.so\n", "akma.so\nMinProtocol = TLSv1.2\n", "MinProtocol"),
    ("akma.so\nactivate", "akma.so\nactiwate", "activate"),
    ("providers", "provider", "provider"),
    ("= akma_part", "= akma_prat", "akma_prat"),
]


@pytest.mark.parametrize(("old", "new", "word"), ELSEWHERE)
def test_remedy_leaves_other_sections_alone(config: Path, old: str, new: str, word: str) -> None:
    """Guards against a remedy that changes the same key or value of another section."""
    other = f"[mine]\nMinProtocol = 1\nactiwate = 1\nprovider = x\nakma = akma_prat\n{TLS}"
    config.write_text(GOOD.replace(old, new) + other)
    [command] = [line.split(" do: ")[1] for line in sick(config) if " do: sed" in line]
    subprocess.run(["sh", "-c", command], check=True)
    assert config.read_text().endswith(other), (command, word)
    assert doctor(config)[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "min-ka-lenght = \\\n 32\n",
        GOOD.replace("akma.so\n", "akma.so\n.include {folder}/part\n"),
        GOOD + "[akma_part]\nmin-ka-lenght = 32\n",
        GOOD + "akma_part::min-ka-lenght = 32\n",
        GOOD + "min-ka-lenght = 16\n[akma_part]\nmin-ka-lenght = 32\n",
        GOOD.replace("akma.so\n", "akma.so\n.include {folder}/part\nmin-ka-lenght = 16\n"),
    ],
)
def test_line_that_no_command_can_change(config: Path, tmp_path: Path, text: str) -> None:
    """Guards against a command that changes a line which OpenSSL reads otherwise than sed."""
    (tmp_path / "part").write_text("min-ka-lenght = 32\n")
    config.write_text(text.replace("{folder}", str(tmp_path)))
    (line,) = sick(config)
    assert line.startswith("keys akma: [akma_part] has min-ka-lenght, which nothing reads: ")
    assert line.endswith(f"change it by hand, in {config} or a file that it includes")


@pytest.mark.parametrize("name", ["openssl.cnf", "link"])
@pytest.mark.parametrize("instead", ["\nactiwate = 1", ""])
def test_no_command_changes_the_system(
    config: Path, tmp_path: Path, name: str, instead: str
) -> None:
    """Guards against a remedy that edits the system's file, which every program reads, by whichever name."""
    config.write_text(GOOD.replace("akma.so\nactivate = 1", f"akma.so{instead}"))
    (tmp_path / "link").symlink_to(config)
    found = sick(config, "--system", tmp_path / name)
    lines = [line for line in found if line.startswith(("activate akma: ", "keys akma: "))]
    assert lines
    for line in lines:
        _, _, command = line.partition(" do: ")
        assert command == "" or command.startswith(
            f"akma config --system '{tmp_path / name}' --out akma.cnf"
        )


def test_section_that_somebody_else_uses(config: Path) -> None:
    """Guards against a section that is renamed, and is then missing where else it is named."""
    text = GOOD.replace(
        "activate = 1\n[akma", "activate = 1\n[req]\nx = HKDF\n[HKDF]\na = b\n[akma"
    )
    config.write_text(text + "allowed-modes = HKDF\n")
    (line,) = sick(config)
    assert line.endswith("rename the section: and what else refers to it")


@pytest.mark.parametrize(
    "way", ["query", "instances", "empty", "nothing", "none", "folder", "no section"]
)
def test_remedies_repeat_the_options(tmp_path: Path, way: str) -> None:
    """Guards against a remedy that does not repeat the options of the call that was made."""
    config = tmp_path / "openssl.cnf"
    config.write_text("" if way in ("empty", "nothing", "no section") else GOOD)
    words = ["akma doctor", f"--config {config}"]
    if way == "query":
        words += ["--propquery provider=acme"]
    elif way == "instances":
        config.write_text(GOOD + "[list]\nakma-two = akma_part\n")
    elif way == "empty":
        words += ["--provider akma", f"--provider-path {BUILD}"]
    elif way == "nothing":
        words += ["--provider akma"]
    elif way == "none":
        words[1] = f"--config {tmp_path}/none"
    elif way == "folder":
        words += ["--provider-path /nonexistent"]
    else:
        words += ["--provider default", "--provider akma", "--provider-path /nonexistent"]
    before = config.read_text()
    found = shell(tmp_path, {}, " ".join(words))
    commands = re.findall(r" do: (.+)$", found.stdout, re.M)
    assert found.returncode == 1 and commands, found.stdout
    for command in commands:
        assert f"akma doctor --config {'akma.cnf' if way == 'none' else config}" in command
        assert "OPENSSL_CONF" not in command
        mended = shell(tmp_path, {}, command)
        assert mended.returncode == 0, (command, mended.stdout, mended.stderr)
        assert config.read_text() == before


def test_after_an_installation(tmp_path: Path) -> None:
    """Guards against a doctor that proposes more than to set the one variable that is missing."""
    found = shell(tmp_path, installed(tmp_path), "akma doctor")
    [line] = [line for line in bad(found.stdout) if not line.startswith("verdict")]
    assert line.endswith(f": do: export OPENSSL_CONF={tmp_path}/etc/akma/openssl.cnf")


@unless_its_runtime_is_in_the_way
@pytest.mark.root
def test_program_with_rights_of_its_own(tmp_path: Path) -> None:
    """Guards against a doctor that believes an environment which OpenSSL does not read (AT_SECURE)."""
    environment = installed(tmp_path) | {"OPENSSL_CONF": str(tmp_path / "etc/akma/openssl.cnf")}
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    program = tmp_path / "bin/akma"
    program.chmod(0o4755)
    words: list[str | Path] = [program, "doctor"]
    found = subprocess.run(
        words, env=environment, user=65534, capture_output=True, text=True, check=False
    )
    if "AT_SECURE" not in found.stdout:
        pytest.skip("this file system knows no setuid")
    assert found.returncode == 1
    assert "not ok: environment OPENSSL_CONF: is set, and OpenSSL does not read it" in found.stdout
    [command] = re.findall(r"^not ok: environment .* do: (.+)$", found.stdout, re.M)
    subprocess.run(["sh", "-c", command], check=True)
    subprocess.run(words, env=environment, user=65534, capture_output=True, check=True)


def test_json(config: Path) -> None:
    """Guards against --json that is no JSON, or says something else than the plain text."""
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
    """Guards against a key in a policy section whose octets akma doctor repeats when it names the fault."""
    secret = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    write_config(config, {"akma": {"ka": secret}})
    nothing: list[str] = []
    for words in nothing, ["--json"]:
        status, output = doctor(config, *words)
        assert status == 1 and secret not in output and "which nothing reads" in output


def test_refusals() -> None:
    """Guards against an option that akma doctor does not have being passed over."""
    for words in (["--what"], ["what"], ["--config"]):
        result = akma("doctor", *words)
        assert result.returncode == 2 and result.stderr != b""


def test_help_of_doctor(tmp_path: Path) -> None:
    """Guards against the example in the help of akma doctor that no longer works."""
    assert "--json" in help_of("doctor")
    shutil.copy(EXAMPLE, tmp_path / "openssl.cnf")
    folders = ENVIRONMENT | {"PATH": f"{AKMA.parent}:{os.environ['PATH']}"}
    line = example_of("doctor")
    output = subprocess.check_output(["sh", "-c", line], cwd=tmp_path, env=folders)
    assert json.loads(output)["ok"] is True
