"""The documents keep their word: examples run, numbers hold, links lead somewhere.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import textwrap
from pathlib import Path

import pytest

import reference
from evp import BUILD, OPENSSL_VERSION, EvpError, LibCtx
from flow import Process, StockClient, StockServer, with_free_ports
from openssl_cli import EXAMPLE, derived, kdf, openssl
from samples import ALGORITHMS, EXPECTED, items, options
from tables import add_row, copy_tree, has_row
from project import ROOT, blocks, build, run


NAME = re.compile(r"`([\w.-]+)`").findall
NOT_ROOMS = r"build|\.git$|\.\w+_cache|\.hypothesis|__pycache__|node_modules"


def of_the_project(pattern: str) -> list[Path]:
    """Files below ROOT; what was built or fetched is not looked into, and may change meanwhile."""
    rooms = [path for path in ROOT.iterdir() if not re.match(NOT_ROOMS, path.name)]
    return sorted(
        file
        for room in rooms
        for file in ([room] if room.is_file() else room.rglob("*"))
        if file.match(pattern)
    )


DOCS = [path.relative_to(ROOT) for path in of_the_project("*.md")]
KS_NAF = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" * 2)
ENVIRONMENT = {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)}
OURS = os.environ | ENVIRONMENT


def without_code(document: Path) -> str:
    """The text of a document, its fenced blocks left out."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(document: Path) -> list[str]:
    """What a link can name in a document: its headings, as forges turn them into anchors."""
    headings = re.findall(r"^#+ +(.+?)#* *$", without_code(document), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def compile_and_run(folder: Path, source: str, **environment: str) -> str:
    """Compile a C program against the public header and run it with the example configuration."""
    (folder / "program.c").write_text(source)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include"]
    run("gcc", *flags, "-o", folder / "program", folder / "program.c", "-lcrypto")
    return run(folder / "program", **ENVIRONMENT | environment)


def test_readme_command() -> None:
    """Guards against a command of README that prints another key than README shows."""
    (command,) = (block for block in blocks("README.md", "sh") if "openssl kdf" in block)
    line = command[command.index("OPENSSL_CONF") :].replace("=build ", f"={BUILD} ")
    output = run("sh", "-c", f"cd '{ROOT}' && {line}")
    printed = re.findall(r"application server +([0-9A-F:]+)", (ROOT / "README.md").read_text())
    naf_id = b"iot.example.com" + bytes.fromhex("0100000007")
    assert output.strip() == printed[0]
    assert bytes.fromhex(printed[0].replace(":", "")) == reference.e2e_key(KS_NAF, KA, naf_id)


def test_readme_tool() -> None:
    """Guards against a first command of README that fails, or gives another key than the one of TS 33.220 and S."""
    (command,) = (block for block in blocks("README.md", "sh") if "akma derive" in block)
    lines = command[command.index("export OPENSSL_CONF") :].replace("build", str(BUILD))
    output = run("sh", "-c", f"cd '{ROOT}' && {lines}")
    naf_id = b"iot.example.com" + bytes.fromhex("0100000007")
    assert output.strip() == reference.e2e_key(KS_NAF, KA, naf_id).hex()


def compile_of_readme(folder: Path, program: str) -> Path:
    """Build an example by the command of the README, with warnings as errors."""
    text = (ROOT / "README.md").read_text()
    (command,) = re.findall(rf"^    (cc .*) -o {program}$", text, re.M)
    run("sh", "-c", f"cd '{ROOT}' && {command} -Wall -Wextra -Werror -o '{folder / program}'")
    return folder / program


def test_readme_c(tmp_path: Path) -> None:
    """Guards against a README that shows another program than examples/first_key.c, or one that is silent without
    the module.
    """
    (example,) = blocks("README.md", "c")
    assert (ROOT / "examples/first_key.c").read_text().endswith(example)
    program = compile_of_readme(tmp_path, "first_key")
    naf_id = b"iot.example.com" + bytes.fromhex("0100000007")
    assert run(program, **ENVIRONMENT) == reference.e2e_key(KS_NAF, KA, naf_id).hex() + "\n"
    with Process(program, environment=OURS | {"OPENSSL_MODULES": str(tmp_path)}) as without:
        assert without.wait() == 1
    without.wait_for_error("AKMA-E2E")


def test_readme_client(tmp_path: Path) -> None:
    """Guards against an example client whose key openssl s_server refuses, or that goes on with too few octets of
    secrets.
    """
    program = compile_of_readme(tmp_path, "e2e_client")
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=b"epoch-1")
    with StockServer("ue1", key) as server:
        with Process(program, server.address, "ue1", "epoch-1", environment=OURS) as client:
            client.write(KS_NAF + KA)
            assert server.read() == b"hello"
            server.write(b"welcome\n")
            assert client.read() == b"welcome" and client.wait() == 0
        with Process(program, server.address, "ue1", "epoch-1", environment=OURS) as client:
            client.write(KS_NAF + KA[:31])
            assert client.process.stdin
            client.process.stdin.close()
            assert client.wait() == 1
        client.wait_for_error("64 octets of secrets")


def test_readme_server(tmp_path: Path) -> None:
    """Guards against commands of README that do not build both ends, or whose server takes a client without the key."""
    server, client = (compile_of_readme(tmp_path, f"e2e_{role}") for role in ("server", "client"))
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=b"epoch-1")
    with Process(server, "127.0.0.1:0", "ue1", "epoch-1", environment=OURS) as ours:
        ours.write(KS_NAF + KA)
        address = ours.read().decode().removeprefix("listening on ")
        for _ in range(2):
            with Process(client, address, "ue1", "epoch-1", environment=OURS) as end:
                end.write(KS_NAF + KA)
                assert end.read() == b"hello" and end.wait() == 0
        with StockClient(address, "ue1", key) as stock:
            stock.write(b"one\n")
            assert stock.read() == b"one"
            stock.write(b"two\n")
            assert stock.read() == b"two"
        alerts = []
        for identity, wrong in (("ue1", key[::-1]), ("nobody", key)):
            with StockClient(address, identity, wrong) as stock:
                assert stock.wait() == 1
                alerts.append(re.findall(r"alert[^:\n]*", stock.errors)[:1])
        assert alerts[0] == alerts[1] != []
        with StockClient(address, "ue1", key) as stock:
            stock.write(b"still there\n")
            assert stock.read() == b"still there"


@pytest.mark.parametrize("program", ["e2e_client", "e2e_server"])
def test_examples_say_how_they_are_used(tmp_path: Path, program: str) -> None:
    """Guards against an example that ends without its usage, or names a configuration file that the reader lacks."""
    built = compile_of_readme(tmp_path, program)
    with Process(built, "127.0.0.1:1", environment=OURS) as process:
        assert process.wait() == 2
    assert process.errors == f"usage: {program} HOST:PORT IDENTITY REFRESH <secrets\n"
    nothing = OURS | {"OPENSSL_CONF": "/dev/null"}
    with Process(built, "127.0.0.1:1", "ue1", "epoch-1", environment=nothing) as process:
        process.write(KS_NAF + KA)
        assert process.wait() == 1
    process.wait_for_error("load it into this library context")
    assert "openssl.cnf" not in process.errors


WITHOUT_A_FILE = """
#include "e2e_key.h"
#include "tls13_psk.h"
#include <openssl/provider.h>
#include <stdio.h>

int main(int argc, char *argv[])
{
    const unsigned char tls13[] = {1, 0, 0, 0, 7}, ks_naf[32] = {1}, ka[32] = {2};
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    const struct e2e_setup setup = {libctx, "naf.example.com", tls13, NULL, NULL, NULL};
    const struct e2e_inputs inputs = {ks_naf, ka, sizeof(ka), ks_naf, 0, 0};
    unsigned char key[E2E_KEY_LENGTH];
    char reason[E2E_REASON_SIZE] = "";
    struct e2e e2e;

    if (argc != 2 || !OSSL_PROVIDER_set_default_search_path(libctx, argv[1]) ||
        OSSL_PROVIDER_load(libctx, "default") == NULL || OSSL_PROVIDER_load(libctx, "akma") == NULL ||
        e2e_open(&e2e, &setup, reason) != E2E_OPEN || !e2e_derive(&e2e, &inputs, key, reason) ||
        tls13_psk_ctx(libctx, TLS_server_method()) == NULL)
        return !!puts(reason);
    for (size_t i = 0; i < sizeof(key); i++)
        printf("%02x", key[i]);
    return 0;
}
"""


def test_without_any_file(tmp_path: Path) -> None:
    """Guards against a module from any folder that a program cannot load without a file and use beside TLS."""
    (tmp_path / "program.c").write_text(WITHOUT_A_FILE)
    sources = [
        tmp_path / "program.c",
        *(ROOT / "examples" / f"{n}.c" for n in ("e2e_key", "tls13_psk")),
    ]
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/include", f"-I{ROOT}/examples"]
    run("gcc", *flags, "-o", tmp_path / "program", *sources, "-lssl", "-lcrypto")
    settings = {"OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": "/nowhere"}
    key = run(tmp_path / "program", BUILD, **settings)
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    ks_naf, ka = b"\1".ljust(32, b"\0"), b"\2".ljust(32, b"\0")
    assert key == reference.e2e_key(ks_naf, ka, naf_id).hex()


def test_one_statement_on_the_a_kid() -> None:
    """Guards against two pages that differ on the form of the A-KID, which TS 33.535 leaves open."""
    page = " ".join((ROOT / "man/akma.1").read_text().split("\n.Pp\nTS 33.535 says")[1].split())
    statement = re.sub(r"\.Ql (\S+) ,", r"`\1`,", page.split(" An A-KID of another form")[0])
    for document in ("docs/developers.md", "docs/ue-side.md"):
        said = " ".join((ROOT / document).read_text().split())
        assert f"TS 33.535 says {statement}" in said


def named_files(room: str) -> list[str]:
    """The files that docs/architecture.md names in a room, without their ends."""
    text = (ROOT / "docs/architecture.md").read_text()
    part = text.split(f"\n### `{room}/`\n")[1].split("\n#")[0]
    return [
        name
        for cell in re.findall(r"^\| (`.+?`) \| ", part, re.M)
        for name in re.findall(r"`(.+?)`", cell)
    ]


@pytest.mark.parametrize("room", ["provider", "common", "master", "tool", "plugins/mosquitto"])
def test_architecture_names_every_file(room: str) -> None:
    """Guards against a C file that docs/architecture.md leaves out, names twice, or names although it is gone."""
    there = {file.stem for file in (ROOT / room).glob("*.[ch]")}
    assert there and sorted(named_files(room)) == sorted(there)


def test_architecture_names_every_room_of_the_flow() -> None:
    """Guards against a room of e2e/ that docs/architecture.md lacks, or names after it is gone."""
    there = {file.parent.name for file in (ROOT / "e2e").rglob("*.[ch]")}
    assert sorted(named_files("e2e")) == sorted(f"{room}/" for room in there)


def test_architecture_names_every_room() -> None:
    """Guards against a room of the tree that docs/architecture.md does not explain, or one that is gone."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text.split("\n## ")[0].split("\n### ")[0]
    named = {
        name
        for cell in re.findall(r"^\| (`.+?`) \| ", table, re.M)
        for name in re.findall(r"`(\w+)/`", cell)
    }
    there = {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not re.match(rf"\.|{NOT_ROOMS}", folder.name)
    }
    assert named == there


def test_architecture_names_files_that_exist() -> None:
    """Guards against a file in the text or the table of changes of docs/architecture.md that does not exist."""
    text = without_code(ROOT / "docs/architecture.md")
    files = {file.name for file in of_the_project("*.[ch]")} | {"CMakeLists.txt"}
    assert len(re.findall(r"`(?:\w+/)*([\w-]+\.[ch])`", text)) > 30
    for name in re.findall(r"`(?:\w+/)*([\w-]+\.[ch])`", text):
        assert name in files


@pytest.mark.parametrize("document", ["README.md", "python/README.md"])
def test_readme_python(document: str) -> None:
    """Guards against a Python program of a README that fails, or derives another key than its commands."""
    (program,) = blocks(document, "python")
    package = {"PYTHONPATH": str(ROOT / "python")}
    naf_id = b"iot.example.com" + bytes.fromhex("0100000007")
    output = run("/usr/bin/python3", "-c", program, **ENVIRONMENT | package)
    assert output.strip() == reference.e2e_key(KS_NAF, KA, naf_id).hex()


def test_change_of_the_system_configuration(tmp_path: Path) -> None:
    """Guards against a diff of the FAQ that no longer applies to Debian's openssl.cnf, or breaks other uses of it."""
    system = Path(run("openssl", "version", "-d").split('"')[1]) / "openssl.cnf"
    if not system.exists() or "# providers = provider_sect" not in system.read_text():
        pytest.skip(f"{system} is not Debian's, or was changed")
    config, change = tmp_path / "openssl.cnf", tmp_path / "change"
    config.write_bytes(system.read_bytes())
    (text,) = blocks("docs/faq.md", "diff")
    change.write_text(text)
    run("patch", config, change)
    key = derived(kdf("AKMA-E2E", 32, options(), config=config))
    assert key == EXPECTED["AKMA-E2E"]
    assert openssl("rand", "-hex", "8", config=config).returncode == 0
    run("patch", "-R", config, change)
    assert config.read_bytes() == system.read_bytes()


def test_readme_packages() -> None:
    """Guards against a package of debian/control that README's table or command lacks, or names although it is gone."""
    part = (ROOT / "README.md").read_text().split("\n## Install\n")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `(\S+)` \| ", part, re.M)
    control = (ROOT / "debian/control").read_text()
    assert listed == re.findall(r"^Package: (\S+)$", control, re.M)
    installed = re.findall(r"\.\./(\S+)_\*\.deb", part)
    assert installed and set(installed) <= set(listed)


def test_readme_trap_of_the_missing_module(tmp_path: Path) -> None:
    """Guards against an error without the module that is not the one README explains, or a command that hides why."""
    missing = openssl("kdf", "-keylen", "32", "AKMA-E2E", modules=tmp_path)
    assert re.search("Invalid KDF name AKMA-E2E|unsupported", missing.stderr)
    why = openssl("list", "-providers", "-provider", "akma", modules=tmp_path)
    assert f"{tmp_path}/akma.so" in why.stderr


def test_readme_names_every_parameter(libctx: LibCtx) -> None:
    """Guards against a parameter of an algorithm that README does not name."""
    text = (ROOT / "README.md").read_text()
    algorithms = re.findall(r"^\| `([A-Z0-9-]+)` \| ", text, re.MULTILINE)
    assert sorted(algorithms) == sorted(ALGORITHMS)
    for algorithm in algorithms:
        for name in libctx.kdf(algorithm).settable:
            assert f"`{name}`" in text


@pytest.mark.builds
def test_quickstart() -> None:
    """Guards against a quickstart that no longer runs, and a README that shows other last lines of it."""
    source = (ROOT / "examples/quickstart.sh").read_text()
    assert "scripts/install-packages.sh" in source
    output = run("sh", ROOT / "examples/quickstart.sh")
    lines = [
        line.split()[-1] for line in output.splitlines() if re.search(r"(:[0-9A-F]{2}){31}", line)
    ]
    naf_id = b"iot.example.com" + bytes.fromhex("0100000007")
    assert bytes.fromhex(lines[0].replace(":", "")) == reference.e2e_key(KS_NAF, KA, naf_id)
    assert lines[0] == lines[1] != lines[2]
    shown = (ROOT / "README.md").read_text().split("The first ends with\n\n")[1]
    assert output.endswith(textwrap.dedent(shown.split("\n\nand the second")[0]) + "\n")


def test_worked_example() -> None:
    """Guards against an S or a key in docs/derivation.md with an octet that is wrong."""
    (annotated,) = blocks("docs/derivation.md", "s")
    s = bytes.fromhex("".join(line.split()[0] for line in annotated.splitlines()))
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    refresh = bytes.fromhex("00000001")
    assert s == reference.e2e_string(KA, naf_id, refresh, "tls-psk", 32, 1)
    text = (ROOT / "docs/derivation.md").read_text()
    for mode in ("3GPP", "HKDF"):
        key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage="tls-psk", mode=mode)
        assert f"                    {key.hex()}\n" in text


LIFE = """
#include <akma/kdf.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
int main(void)
{
    OSSL_LIB_CTX *libctx = NULL;
    unsigned char key[32], ks_naf[] = {%s}, ka[] = {%s};
    char naf_id[] = "naf.example.com\\1\\0\\0\\0\\7", refresh[] = "1";
    OSSL_PARAM what_stays[] = {OSSL_PARAM_octet_string(AKMA_PARAM_KS_NAF, ks_naf, 32),
                               OSSL_PARAM_octet_string(AKMA_PARAM_KA, ka, 32),
                               OSSL_PARAM_octet_string(AKMA_PARAM_NAF_ID, naf_id, 20),
                               OSSL_PARAM_END};
    OSSL_PARAM what_changes[] = {OSSL_PARAM_octet_string(AKMA_PARAM_REFRESH, refresh, 1), OSSL_PARAM_END};
    size_t length = sizeof(key);
    %s
    for (size_t i = 0; i < length; i++)
        printf("%%02x", key[i]);
    return 0;
}
"""


def test_life_of_a_context_in_the_header(tmp_path: Path) -> None:
    """Guards against a call in kdf.h's comment that does not compile, or leaves the key underived."""
    comment = (ROOT / "include/akma/kdf.h").read_text().split("The life of a context")[1]
    calls = re.findall(r"^ \*     (\S.*?;)(?:  .*)?$", comment.split("*/")[0], re.M)
    assert len(calls) == 6
    octets = [", ".join(map(str, value)) for value in (KS_NAF, KA)]
    output = compile_and_run(tmp_path, LIFE % (*octets, "\n    ".join(calls)))
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    assert output == reference.e2e_key(KS_NAF, KA, naf_id, refresh=b"1").hex()


@pytest.mark.builds
def test_adding_a_derivation(tmp_path: Path) -> None:
    """Guards against docs/architecture.md leaving out something that a new derivation needs besides its row and vector."""
    (row,) = blocks("docs/architecture.md", "c")
    (vector,) = map(json.loads, blocks("docs/architecture.md", "json"))
    source = copy_tree(tmp_path / "source")
    header = source / "provider/derivations.h"
    if not has_row(header, "MRK"):
        add_row(header, "DERIVATIONS", row)
    modules = build(tmp_path / "build", source=source)
    result = openssl(
        *["kdf", "-keylen", "32", "-kdfopt", f"hexkey:{vector['key']}", vector["algorithm"]],
        modules=modules,
    )
    expected = reference.kdf_3gpp(
        bytes.fromhex(vector["key"]), bytes.fromhex(vector["fc"]), [b"mbms-mrk"]
    )
    assert derived(result) == expected == bytes.fromhex(vector["derived-key"])
    assert reference.kdf_string(b"\x01", [b"mbms-mrk"]).hex() == vector["S"]


def test_policy_printer(tmp_path: Path) -> None:
    """Guards against the example of docs/policy.md that prints a policy no longer compiling, or printing something else."""
    (example,) = blocks("docs/policy.md", "c")
    config = tmp_path / "openssl.cnf"
    config.write_text(EXAMPLE.read_text().replace("# min-ka-length", "min-ka-length"))
    source = example + 'int main(void) { return !print_policy("akma"); }\n'
    output = compile_and_run(tmp_path, source, OPENSSL_CONF=str(config))
    assert output == "min-ka-length = 32\n"


@pytest.mark.parametrize("number", range(3))
def test_worked_policies(tmp_path: Path, number: int) -> None:
    """Guards against an example policy with a key that the module ignores, or that permits what its page forbids."""
    section = [block for block in blocks("docs/policy.md", "ini") if "[akma_sect]" in block][number]
    text = EXAMPLE.read_text()
    config = tmp_path / "openssl.cnf"
    config.write_text(text[: text.index("[akma_sect]")] + section)
    with LibCtx(config=config) as libctx:
        policy = libctx.provider_text("akma", "policy")
        given = [
            line for line in section.splitlines() if line.startswith(("allowed", "min", "req"))
        ]
        assert sorted(policy.splitlines()) == sorted(given)
        with pytest.raises(EvpError, match="refused by policy"):
            libctx.kdf("AKMA-E2E").new().derive(32, items(digest="SHA3-256"))


def test_instances_of_the_policy_document(tmp_path: Path) -> None:
    """Guards against the configuration of two instances in docs/policy.md giving other policies than the page says."""
    (block,) = (block for block in blocks("docs/policy.md", "ini") if "acme" in block)
    config = tmp_path / "openssl.cnf"
    config.write_text("openssl_conf = i\n[i]\nproviders = provider_sect\n" + block)
    with LibCtx(config=config) as libctx:
        assert libctx.provider_text("acme", "policy") == "min-ka-length = 32\nrequire-usage = yes"
        assert libctx.provider_text("globex", "policy") == "allowed-modes = HKDF"


def test_example_configuration_explains_every_key(tmp_path: Path) -> None:
    """Guards against a commented key of openssl.cnf.example that the module does not understand."""
    keys = re.findall(r"^# ([a-z-]+ = .*)$", EXAMPLE.read_text(), re.MULTILINE)
    keys = [key for key in keys if not key.startswith("module")]
    config = tmp_path / "openssl.cnf"
    config.write_text(EXAMPLE.read_text() + "\n".join(keys) + "\n")
    with LibCtx(config=config) as libctx:
        assert libctx.provider_text("akma", "policy").splitlines() == keys
        assert len(keys) == 8


@pytest.mark.parametrize("folder", ["build", "build/test"])
def test_flow_commands(tmp_path: Path, folder: str) -> None:
    """Guards against a command of docs/flow.md that works after one of the two builds only."""
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    (tmp_path / folder).symlink_to(BUILD)
    (tmp_path / EXAMPLE.name).symlink_to(EXAMPLE)
    (commands,) = blocks("docs/flow.md", "sh")
    commands = with_free_ports(commands, "4433", "4434")
    ports = re.findall(r"-accept 127.0.0.1:(\d+)", commands)
    assert len(ports) == 2 and commands.count("sleep 1\n") == 1
    are_up = " && ".join(f"grep -q ':{int(port):04X} 0.* 0A ' /proc/net/tcp" for port in ports)
    commands = commands.replace(
        "sleep 1\n", f"until {are_up}; do kill -0 $! && sleep 0.1 || exit; done\n"
    )
    output = run("sh", "-c", f"cd '{tmp_path}'\n{commands}")
    assert output.splitlines()[-1] == "e2e: hello"


def test_derivations_of_the_ue_side() -> None:
    """Guards against a printed output in docs/ue-side.md that its command, or TS 33.220 and TS 33.535, does not
    give.
    """
    text = (ROOT / "docs/ue-side.md").read_text()
    pairs = re.findall(r"^```sh\n(openssl kdf .*?)^```\n\n    ([0-9A-F:]+)$", text, re.M | re.S)
    assert len(pairs) == len(blocks("docs/ue-side.md", "sh")) == text.count("openssl kdf -keylen")
    for command, printed in pairs:
        assert run("sh", "-c", command, **ENVIRONMENT).strip() == printed
    keys = [bytes.fromhex(printed.replace(":", "")) for _, printed in pairs]
    naf_id = b"naf.example.com" + bytes.fromhex("0100000007")
    supi, k_ausf = "001010000000001", bytes(range(32))
    impi = f"{supi}@ims.mnc001.mcc001.3gppnetwork.org"
    k_akma = reference.k_akma(k_ausf, supi)
    assert keys == [
        reference.ks_naf(bytes(range(32, 64)), bytes(range(16)), impi, naf_id),
        k_akma,
        reference.a_tid(k_ausf, supi),
        reference.k_af(k_akma, naf_id),
    ]


@pytest.mark.parametrize("page", ["flow.md", "rfc9257.md"])
def test_pages_name_tests_that_exist(page: str) -> None:
    """Guards against a page whose claim rests on a test that was renamed or removed."""
    names = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text()))
    defined = {
        name
        for file in (ROOT / "test").glob("*/test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }
    assert len(names) > 10 and names <= defined


@pytest.mark.parametrize("document", DOCS, ids=str)
def test_links(document: Path) -> None:
    """Guards against a link to a file or a heading that was renamed."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(ROOT / document)):
        if target.startswith(("https:", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        path = ROOT / document.parent / file if file else ROOT / document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("document", DOCS, ids=str)
def test_files_that_are_named(document: Path) -> None:
    """Guards against a path in a document that leads to no file."""
    rooms = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "build")
    for name in re.findall(rf"`((?:{rooms})/[\w/.-]+\.\w+)`", without_code(ROOT / document)):
        assert (ROOT / name).exists(), name


@pytest.mark.skipif(OPENSSL_VERSION < (3, 6), reason="EVP_SKEY in EVP_KDF came with 3.6")
def test_skey_example(tmp_path: Path) -> None:
    """Guards against the example of EVP_SKEY in docs/compatibility.md no longer compiling, or deriving another key."""
    (example,) = blocks("docs/compatibility.md", "c")
    main = """
    #include <stdio.h>
    #include <string.h>
    int main(void)
    {
        unsigned char ks_naf[32], ka[32], naf_id[] = "a\\x01\\0\\0\\0\\x07";
        OSSL_PARAM params[] = {OSSL_PARAM_octet_string("naf-id", naf_id, 6), OSSL_PARAM_END};
        EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(EVP_KDF_fetch(NULL, AKMA_KDF_E2E, NULL));
        const unsigned char *octets;
        size_t length;
        EVP_SKEY *one, *other, *key;

        memset(ks_naf, 0x11, 32);
        memset(ka, 0x22, 32);
        one = EVP_SKEY_import_raw_key(NULL, OSSL_SKEY_TYPE_GENERIC, ks_naf, 32, NULL);
        other = EVP_SKEY_import_raw_key(NULL, OSSL_SKEY_TYPE_GENERIC, ka, 32, NULL);
        if (EVP_KDF_CTX_set_params(ctx, params) <= 0 || !(key = derive_skey(ctx, one, other)) ||
            EVP_SKEY_get0_raw_key(key, &octets, &length) <= 0)
            return 1;
        for (size_t i = 0; i < length; i++)
            printf("%02x", octets[i]);
        return 0;
    }
    """
    source = example + "#include <openssl/params.h>\n" + textwrap.dedent(main)
    expected = reference.e2e_key(b"\x11" * 32, b"\x22" * 32, b"a\x01\0\0\0\x07")
    assert compile_and_run(tmp_path, source) == expected.hex()


def test_the_forge_runs_the_same_checks() -> None:
    """Guards against a check of .ci/run that the workflow leaves out, or a nightly script that no schedule starts."""
    names = re.findall(r"^(?:checks=')?([a-z]+)\|", (ROOT / ".ci/run").read_text(), re.M)
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    matrix = re.search(r"check: \[(.*)\]", workflow)
    assert matrix and matrix[1].split(", ") == names and len(names) >= 8
    assert "run: .ci/run ${{ matrix.check }}" in workflow
    nightly = (ROOT / ".github/workflows/nightly.yml").read_text()
    assert "  schedule:\n    - cron:" in nightly
    assert "nightly.sh --list" in nightly and "nightly.sh ${{ matrix.part }}" in nightly
    limits = re.findall(r"(?:timeout-minutes|AKMA_LIMIT): (\d+)", nightly)
    assert len(limits) == 2 and int(limits[1]) < int(limits[0]), "or a part ends without its row"


def test_every_check_is_run_and_described() -> None:
    """Guards against a script of test/checks that no list starts, or that CONTRIBUTING.md does not name."""
    lists = [(ROOT / name).read_text() for name in (".ci/run", "test/checks/nightly.sh")]
    started = set(re.findall(r"test/checks/(\w+\.(?:sh|py))", "".join(lists)))
    started -= {"table.sh", "nightly.sh"}  # which start the others
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert {"fresh.sh", "mutate.py", "soak.sh"} <= started
    assert [name for name in started if f"`test/checks/{name}" not in page] == []
    others = {path.name for path in (ROOT / "test/checks").iterdir() if path.is_file()} - started
    helpers = {"cross.sh", "evp_test.sh", "evp_stanzas.py", "image_run.sh", "passing_faults.py"}
    helpers |= {"nightly.sh", "roots.sh", "table.sh", "under_fire.py", "ka_under_fire.py"}
    assert others == helpers | {"english.py", "sentences.py", "tree.py"}


def test_the_tables_have_every_check() -> None:
    """Guards against a check of .ci/run or a part of nightly.sh that is in no row of CONTRIBUTING.md, or is there only."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    tables = page.split("\n| check |")[1].split("\n| part |")
    rows = [
        sorted(name for cell in re.findall(r"^\| (`.*?) \|", table, re.M) for name in NAME(cell))
        for table in (tables[0], tables[1].split("\n\n")[0])
    ]
    checks = re.findall(r"^(?:checks=')?([a-z]+)\|", (ROOT / ".ci/run").read_text(), re.M)
    parts = run(ROOT / "test/checks/nightly.sh", "--list").split()
    assert rows[0] == sorted(checks)
    assert rows[1] == sorted({re.sub("^mutants-.*", "mutants-ROOM", part) for part in parts})
    security = (ROOT / "docs/security.md").read_text().split("\n## Results\n")[1].split("\n## ")[0]
    assert set(checks + rows[1]) <= set(NAME(security))


# Why each of these may fail: nothing is running, nothing is left, nothing was left out (looked at later), nothing to remove.
MAY_FAIL = ["image_run.sh", "options.sh", "soak.sh", "use.sh"]


def test_no_check_hides_a_failure() -> None:
    """Guards against a command of a check whose failure is ignored."""
    scripts = [
        ROOT / ".ci/run",
        *(ROOT / "test/checks").rglob("*.sh"),
        *(ROOT / "proofs").rglob("*.sh"),
    ]
    ignored = [
        script.name
        for script in scripts
        for _ in re.findall(r"\|\| *(?:true|:)(?!\w)", script.read_text())
    ]
    assert len(scripts) > 15 and sorted(ignored) == MAY_FAIL


def test_promises_name_the_proofs() -> None:
    """Guards against a promise of docs/security.md without its proof, or a proof that belongs to none."""
    folders = sorted(path.parent.name for path in (ROOT / "proofs").glob("*/claims.toml"))
    promises = (ROOT / "docs/security.md").read_text().split("## Promises")[1].split("\n## ")[0]
    rows = [re.split(r" \| ", row) for row in re.findall(r"^\| (.*) \|$", promises, re.M)[1:]]
    named = [" ".join(re.findall(r"`proofs/run.sh([^`]*)`", row[-1])).split() for row in rows]
    assert sorted({folder for words in named for folder in words}) == folders
    assert [row[0] for row, words in zip(rows, named) if ("proof" in row[1]) != (words != [])] == []
    readme = (ROOT / "proofs/README.md").read_text()
    assert [folder for folder in folders if f"]({folder})" not in readme] == []


def test_what_is_asked_of_secrets_is_named() -> None:
    """Guards against a function that hides a branch on a secret from valgrind without a word in docs/security.md."""
    sources = "".join(path.read_text() for path in sorted((ROOT / "provider").glob("*.c")))
    functions = set(re.findall(r"^static bool (declassified_\w+)", sources, re.M))
    said = (ROOT / "docs/security.md").read_text()
    assert len(functions) == 4 and functions == set(re.findall(r"`(declassified_\w+[a-z])`", said))


def test_size_of_held_connections() -> None:
    """Guards against a memory figure of docs/deployment.md that is not the measured one, or in another unit."""
    held = json.loads((ROOT / "docs/relay.json").read_text())["relay"]["held"]["8000"]
    ours, stunnel = (round(kib * 1024 * 8000 / 1e6) for kib in (held[0], held[2]))
    text = (ROOT / "docs/deployment.md").read_text()
    assert f"(8,000: {ours} MB; stunnel: {stunnel} MB)" in text


def test_the_matrix_is_described() -> None:
    """Guards against a row of matrix.sh that is missing in the table of docs/compatibility.md."""
    rows = re.findall(r"^(\S+)\|[^|\n]+\|in_", (ROOT / "test/checks/matrix.sh").read_text(), re.M)
    text = (ROOT / "docs/compatibility.md").read_text().split("## What differs")[0]
    assert rows == re.findall(r"^\| ([\w.]+) \| \d", text, re.M)
    assert len(rows) >= 8
