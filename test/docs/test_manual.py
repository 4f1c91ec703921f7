"""The manual pages: clean, complete, and no word of what the code does not have.

SPDX-License-Identifier: Apache-2.0
"""

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evp import BUILD, LibCtx
from project import ROOT
from samples import ALGORITHMS

PAGES = sorted((ROOT / "man").iterdir())
TYPES = {1: "integer", 4: "UTF8 string", 5: "octet string"}  # openssl/core.h
# Debian's section, as OpenSSL's own pages have it; and pages that this machine has not installed.
NO_FAULT = re.compile(
    r"WARNING: unknown manual section: Dt \.\.\. 7ssl|manual not found|mandoc\.db"
)

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
    """Guards against a manual page that mandoc complains about."""
    result = subprocess.run(
        ["mandoc", "-T", "lint", page], capture_output=True, text=True, check=False
    )
    complaints = [
        line for line in (result.stdout + result.stderr).splitlines() if not NO_FAULT.search(line)
    ]
    assert not complaints


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pages
def test_groff(page: Path) -> None:
    """Guards against a manual page that groff shows with a warning."""
    result = subprocess.run(
        ["groff", "-mandoc", "-t", "-ww", "-z", "-Tutf8", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""


def test_parameters(libctx: LibCtx) -> None:
    """Guards against a parameter that its page lacks, gives another type, or takes for another algorithm's."""
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


def parameter_texts() -> dict[str, str]:
    """What the pages say of each parameter, in all the items that it has."""
    texts: dict[str, str] = {}
    item = r"^\.It Do (\S+) Dc Po Dv \S+ Pc Aq .+\n((?:(?!\.(?:It|El)\b).*\n)*)"
    for page in ("EVP_KDF-AKMA-E2E.7ssl", "EVP_KDF-3GPP.7ssl"):
        for name, words in re.findall(item, page_text(page), re.M):
            texts[name] = texts.get(name, "") + words
    return texts


def test_bounds_of_each_parameter() -> None:
    """Guards against a bound, digest or mode of the header's comment that the parameter's own item lacks."""
    texts, header = parameter_texts(), kdf_header()
    comments = re.findall(
        r"/\*((?:(?!\*/).)*?)\*/\n#define AKMA_PARAM_\w+ +\"(.+?)\"", header, re.S
    )
    assert len(comments) > 15
    for comment, name in comments:
        clauses = r"TS [\d.]+(?: [A-Z]\.[\d.]+)?|SHA2-256"
        for number in re.findall(r"\b\d+\b", re.sub(clauses, "", comment)):
            assert re.search(rf"\b{number}\b", texts[name]), (name, number)
    for name in ("digest", "mode"):
        values = re.findall(rf'#define AKMA_{name.upper()}_\w+ +"(.+)"', header)
        assert len(values) in (2, 7)
        assert [value for value in values if value not in texts[name]] == []


def test_bounds() -> None:
    """Guards against a limit of the public header that no manual page tells."""
    limits = dict(re.findall(r"#define AKMA_(\w+_(?:MIN|MAX|LENGTH))\s+(\d+)", kdf_header()))
    pages = page_text("EVP_KDF-AKMA-E2E.7ssl") + page_text("EVP_KDF-3GPP.7ssl")
    assert len(limits) > 10
    assert [name for name in limits if not re.search(rf"\b{limits[name]}\b", pages)] == []


def listed_items(section: str) -> set[str]:
    """The items of a list in the provider's page, from a heading to the end of its list."""
    text = page_text("OSSL_PROVIDER-akma.7ssl")
    part = text[text.index(section) :]
    part = part[part.index(".Bl") : part.index(".El")]
    return set(re.findall(r"^\.It (.+)$", part, re.M))


def test_reasons() -> None:
    """Guards against a reason of the module's errors that the manual page does not explain, or explains although it is gone."""
    reasons = re.findall(r'REASON\(\w+,\s*"(.+?)"\)', (ROOT / "provider/errors.h").read_text())
    assert len(reasons) > 10
    assert listed_items(".Sh DIAGNOSTICS") == set(reasons)


def test_policy_keys() -> None:
    """Guards against a policy key that the manual page lacks, or that nothing reads any more."""
    example = (ROOT / "openssl.cnf.example").read_text()
    keys = set(re.findall(r"^# ?((?:allowed|min|require)-[a-z-]+) =", example, re.M))
    assert len(keys) >= 8
    assert listed_items(".Ss Policy") == keys


def test_algorithms() -> None:
    """Guards against an algorithm of the module without an entry in its manual page."""
    text = page_text("OSSL_PROVIDER-akma.7ssl")
    for algorithm in ALGORITHMS:
        assert re.search(rf"^\.It .*\b{algorithm}\b", text, re.M), algorithm


def joined(text: str) -> str:
    """Words with one blank between them."""
    return " ".join(text.split())


def helped_options(*command: str) -> dict[str, tuple[str, str | None, bool]]:
    """What --help of a program says of each option: its argument, its default, whether it is required."""
    result = subprocess.run(
        [BUILD / command[0], *command[1:], "--help"], capture_output=True, text=True, check=True
    )
    found: dict[str, tuple[str, str | None, bool]] = {}
    for name, argument, words in re.findall(
        r"^  --([a-z0-9-]+)(?: (\S+))?(?:  +|\n +)(.+(?:\n {30}.+)*)", result.stdout, re.M
    ):
        default = re.search(r"\(default:? (.+?)\)$", joined(words))
        assert name not in found, f"two rows of one option: --{name}"
        found[name] = (
            argument,
            default[1] if default else None,
            joined(words).endswith("(required)"),
        )
    return found


def listed_options(text: str) -> dict[str, tuple[str, str]]:
    """The options that a page, or a part of it, lists: argument and what it says of each."""
    items = re.findall(
        r"^\.It Fl -([a-z0-9-]+)(?: Ar (\S+))?\n((?:(?!\.(?:It|El)\b).*\n)*)", text, re.M
    )
    return {name: (argument, joined(words)) for name, argument, words in items}


def compare_options(page: str, *command: str) -> None:
    """A page and --help name the same options, arguments, defaults, and what is required."""
    helped, listed = helped_options(*command), listed_options(page)
    assert len(helped) > 3 and set(listed) == set(helped)
    for name, (argument, default, required) in helped.items():
        assert listed[name][0] == argument, name
        assert ("Required." in listed[name][1]) is required, name
        if default is not None:
            said = (f"The default is {default}.", f"(default: {default})", "Without it: " + default)
            assert any(one in listed[name][1] for one in said), name


@pytest.mark.parametrize("program", ["e2e-as", "e2e-ue"])
def test_options_of_the_flow(program: str) -> None:
    """Guards against an option of e2e-as or e2e-ue that its manual page lacks, names twice, or has although it is gone."""
    listed = re.findall(r"^\.It Fl -([a-z0-9-]+)", page_text(f"{program}.1"), re.M)
    assert sorted(listed) == sorted(set(listed))
    compare_options(page_text(f"{program}.1"), f"e2e/{program}")


@pytest.mark.parametrize("program", ["e2e-as", "e2e-ue"])
def test_columns_of_the_devices_file(program: str) -> None:
    """Guards against a page or a --help that lets a user leave out the column of a key."""
    page = page_text(f"{program}.1")
    says = "a key that is not needed keeps its column, and its field is empty"
    assert says in joined(page.split("\n.Sh FILES\n")[1])
    helped = subprocess.run(
        [BUILD / "e2e" / program, "--help"], capture_output=True, text=True, check=True
    )
    for text in (listed_options(page)["devices"][1], joined(helped.stdout)):
        assert re.search(
            r"identity,ks-naf,ka\[,ka-id\]\[,device\]\[,not-after\]; [^;]*ka is empty", text
        )


COMMANDS = [
    "derive",
    "psk",
    "identity",
    "config",
    "setup",
    "doctor",
    "ka new",
    "ka derive",
    "ka add",
    "ka remove",
    "ka merge",
    "ka list",
    "ka import",
    "ka export",
    "ka rekey",
]


def part_of_the_tool(command: str) -> str:
    """What akma(1) says of one command."""
    parts = page_text("akma.1").split("\n.Ss ")
    [part] = [part for part in parts if part.startswith(f"akma {command}\n")]
    return part


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_the_tool(command: str) -> None:
    """Guards against an option of a command of akma that its manual page lacks, or has although it is gone."""
    compare_options(part_of_the_tool(command), "tool/akma", *command.split())


def test_formats_of_psk() -> None:
    """Guards against a format of akma psk whose lines the manual page does not describe."""
    source = (ROOT / "tool/psk_format.c").read_text()
    formats = re.findall(r'^    \{"(\w+)", "', source, re.M)
    listed = re.findall(r"^\.It ((?:\w+)(?:, \w+)*)$", part_of_the_tool("psk"), re.M)
    assert len(formats) == 7 and sorted(", ".join(listed).split(", ")) == sorted(formats)


def constant(name: str, *files: Path) -> int:
    """The value of a macro of one of these files, or of any; it may be made of others."""
    if name.isdigit():
        return int(name)
    if name == "INT_MAX":
        return 2**31 - 1
    rooms = ("include/akma", "common", "e2e", "tool")
    for file in files or [file for room in rooms for file in sorted((ROOT / room).rglob("*.[ch]"))]:
        found = re.search(rf"^#define {name}\s+(.+?)\s*(?:/\*.*)?$", file.read_text(), re.M)
        if found:
            factors = re.findall(r"\b[A-Z]\w+|\b\d+", found[1].replace("(size_t)", ""))
            return math.prod(constant(factor) for factor in factors)
    raise KeyError(name)


def ranges(*files: Path) -> dict[str, tuple[int, int]]:
    """The numeric options that the sources read, and their bounds."""
    calls = re.findall(
        r'options_number\("([a-z-]+)",\s*[^,]+,\s*(\w+),\s*(\w+)\)',
        "".join(file.read_text() for file in files),
    )
    return {name: (constant(least), constant(most)) for name, least, most in calls}


def check_ranges(page: str, *files: Path) -> None:
    """Each number's bounds are in its item of a page."""
    listed, bounds = listed_options(page), ranges(*files)
    assert bounds
    for name, (least, most) in bounds.items():
        assert f"A number from {least} to {most}." in listed[name][1], name


def test_ranges_of_the_flow() -> None:
    """Guards against a range of an option of e2e-as that differs between its page and its table."""
    files = [*(ROOT / "e2e/as").glob("app_server_*.c"), ROOT / "e2e/as/source_options.c"]
    assert len(ranges(*files)) == 15
    check_ranges(page_text("e2e-as.1"), *files)


@pytest.mark.parametrize("command", ["derive", "psk", "ka new", "ka add", "ka remove"])
def test_ranges_of_the_tool(command: str) -> None:
    """Guards against a range of an option of akma that differs between its page and its source."""
    check_ranges(part_of_the_tool(command), ROOT / f"tool/{command.replace(' ', '_')}.c")


LIMITS: dict[str, set[str]] = {
    "e2e-as.1": {
        *("common/rows.h ROW_TEXT_MAX", "common/rows.h ROW_KA_MIN", "common/rows.h ROW_KA_MAX"),
        *(
            "e2e/app/forward.h FORWARD_SECONDS",
            "e2e/app/probe.h PROBE_SECONDS",
            "e2e/as/overview.c REFRESH_SECONDS",
            "e2e/net/dtls.h DTLS_CIPHERS_MAX",
            "e2e/net/dtls.h DTLS_RECORD_MAX",
            "e2e/server/connection.c PAUSED_MAX",
            "e2e/server/dtls_acceptor.c SESSION_MAX",
            "e2e/server/dtls_acceptor.c WAITING_MAX",
            "e2e/session/psk_offers.h PSK_OFFERS_MAX",
            "e2e/session/ue_repeats.h UE_REPEATS_SECONDS",
            "e2e/session/ue.h UE_HELD_MAX",
            "e2e/ops/log_line.h LOG_LINE_MAX",
        ),
        *(
            "e2e/source/http_memory.c BUFFER_MIN",
            "e2e/source/http_memory.c DIGITS_MIN",
            "e2e/source/http_pool.h HTTP_CONNECTIONS_MAX",
            "e2e/source/http_pool.c FUTILE_MAX",
            "e2e/source/http.h HTTP_BODY_MAX",
            "e2e/source/http.h HTTP_RETRY_MAX",
        ),
        *("e2e/source/http.h HTTP_STREAMS_MAX", "e2e/store/redis.c PASSWORD_MAX"),
        *(
            "e2e/as/app_server_setup.c NOTIFY_CONNECTIONS_MAX",
            "e2e/as/successor.h SUCCESSOR_SECONDS",
            "e2e/as/handover.h HANDOVER_MAX",
            "e2e/as/app_server_setup.c STATUS_CONNECTIONS_MAX",
            "e2e/messages/http_request.h HTTP_REQUEST_BODY_MAX",
            "e2e/messages/http_request.h HTTP_REQUEST_HEAD_MAX",
        ),
        *("e2e/store/redis.h REDIS_BACKOFF_MAX", "e2e/store/redis.h REDIS_SECONDS"),
        *("e2e/source/token.c SECRET_MAX", "e2e/source/source_http.c KEYS_MAX"),
        *(
            "e2e/source/source_http.c NEGATIVE_MAX",
            "e2e/source/source_http.c NO_LIFETIME",
            "e2e/third_party/tp_link_server.c IN_FLIGHT",
            "e2e/third_party/tp_link_server.h TP_LINKS_MAX_OF_NAF",
            "e2e/source/source_http.c WAITING_MAX",
            "e2e/store/store.h STORE_MAX",
        ),
        *(
            "e2e/store/revoked.h REVOKED_SECONDS",
            "e2e/store/store.h STORE_MAX_OF_DEVICE",
            "e2e/source/token.c LIFETIME_MAX",
            "e2e/source/token.c TOKEN_MAX",
        ),
        *("e2e/net/tls_lines.h LINE_MAX_LENGTH", "common/seal_keys.h SEAL_KEYS_MAX"),
        *("e2e/net/addr.h ADDRS_MAX", "e2e/ops/log.h LOG_LIMIT_MAX"),
        *("e2e/ka/ka_lookups.c IN_FLIGHT", "e2e/ka/ka_lookups.c LOOKUPS_MAX"),
        "e2e/ka/pg_client.c BACKOFF_MAX",
        *("common/postgresql.c PASSWORD_MAX", "e2e/ka/ka_workers.h KA_QUEUE_MAX"),
        "e2e/server/client_hello.h CLIENT_HELLO_MAX",
        "e2e/third_party/tp_link_tls.c SERVER_CERTIFICATES_MAX",
        "e2e/as/notify.c NOTIFY_CERTIFICATES_MAX",
    },
    "e2e-ue.1": {
        "e2e/net/addr.h ADDRS_MAX",
        *("common/rows.h ROW_TEXT_MAX", "common/rows.h ROW_KA_MIN", "common/rows.h ROW_KA_MAX"),
        *(
            "e2e/ue/client.h CLIENT_SECONDS",
            "e2e/net/dtls.h DTLS_CIPHERS_MAX",
            "e2e/ue/dgram_listener.h DGRAM_LISTENER_MAX",
            *("e2e/ue/first_pool.h FIRST_POOL_MAX", "e2e/ue/first_pool.h FIRST_POOL_SECONDS"),
            "e2e/messages/e2e_flag.h E2E_FLAG_DEVICE_MAX",
            "e2e/messages/e2e_flag.h E2E_FLAG_TEXT_MAX",
        ),
        *("e2e/messages/e2e_flag.h E2E_FLAG_REFRESH_MAX", "e2e/net/tls_lines.h LINE_MAX_LENGTH"),
        *("e2e/ue/ue_message.c MESSAGE_SECONDS", "e2e/ue/bootstrap_options.c INTERVAL_MAX"),
        "e2e/ue/bootstrap_options.c TIMEOUT_MAX",
    },
    "akma.1": {
        *("common/options.h OPTION_MANY_MAX", "common/rows.h ROW_TEXT_MAX"),
        *(
            "tool/doctor.h DOCTOR_INSTANCES",
            "tool/child.c SECONDS",
            "tool/derive.c LENGTH_MAX",
            "tool/devices_edit.h DEVICES_EDIT_WAIT_MAX",
        ),
        *("tool/identity.c NAME_MAX_LENGTH", "tool/psk.c LENGTH_MAX"),
        *("tool/bootstrap.c TIMEOUT_MAX", "gba/ub.h UB_BODY_MAX"),
        "tool/ka.h KA_PIPE_MAX",
        "tool/psk_input.h PSK_PIPE_MAX",
    },
    "mosquitto_akma.5": {
        "plugins/mosquitto/overlap.h OVERLAP_MAX",
        *("common/rows.h ROW_TEXT_MAX", "common/rows.h ROW_KA_MIN", "common/rows.h ROW_KA_MAX"),
    },
}
INSIDE = {
    *("common/postgresql.c PARAMS_MAX", "common/seal.c INFO_MAX", "e2e/ka/pg_client.c BACKOFF_MIN"),
    *("e2e/net/dgram.h DGRAM_MAX", "e2e/net/dtls.c MESSAGE_MAX"),
    *("e2e/as/ua_protocol_ids.h UA_PROTOCOL_IDS_MAX", "e2e/ue/ue_key_rows.h UE_PROTOCOLS_MAX"),
    "gba/bootstrap.h BOOTSTRAP_NAF_KEYS_MAX",
    "e2e/server/dtls_acceptor.c COOKIE_SECONDS",  # "one or two minutes"
    "e2e/net/tls_backlog.h TLS_BACKLOG_MAX",  # what nobody meets at a program's outside
    "tool/bootstrap.c WAIT_SECONDS",
    *("gba/apdu.c STEPS_MAX", "gba/apdu.h APDU_ANSWER_MAX", "gba/apdu.h APDU_COMMAND_MAX"),
    *("gba/digest_aka.h DIGEST_HEADER_MAX", "gba/names.c DOMAIN_MAX", "gba/state.c FILE_MAX"),
    *("gba/usim_at.c LINES_MAX", "gba/usim_milenage.c FILE_MAX", "gba/usim_pcsc.c READERS_MAX"),
    "gba/usim.h USIM_RES_MAX",
    "e2e/messages/json_line.c DETAIL_MAX",
    "e2e/ops/expiry.h EXPIRY_FILES_MAX",
    *("common/devices.h DEVICE_TEXT_MAX", "common/options_table.h OPTIONS_MAX"),
    "common/printable.h PRINTABLE_PATH_MAX",
    *("e2e/server/http2_server.c STREAMS_MAX", "e2e/server/http2_server.c FIELDS_MAX"),
    *("e2e/server/client_hello.c RECORD_MAX", "e2e/server/client_hello.c STREAM_MAX"),
    "e2e/source/http_route.c HOST_MAX",
    *(
        "e2e/server/acceptor.h ENDPOINTS_MAX",
        "e2e/third_party/tp_link_server.c UNWRITTEN_MAX",
        "e2e/source/networks.c KNOWN_MAX",
    ),
    *(
        "e2e/messages/proxy_header.h PROXY_DEVICE_MAX",
        "e2e/messages/proxy_header.h PROXY_HEADER_MAX",
    ),
    *(
        "e2e/store/sealed_record.h SEALED_RECORD_MAX",
        "e2e/store/redis.h REDIS_BACKOFF_MIN",
        "e2e/store/redis_reply.h REDIS_TEXT_MAX",
    ),
    *(
        "e2e/store/redis.c WORDS_MAX",
        "e2e/source/token.c MARGIN_MAX",
    ),
    *(
        "common/seal_keys.c DIGITS_MAX",
        "common/seal_keys.c FILE_MAX",
    ),
    *(
        "tool/derive.c INPUTS_MAX",
        "tool/conf_file.c DEPTH_MAX",
        "common/options_file.c DEPTH_MAX",
        "e2e/as/check.c STORE_SECONDS",
        "e2e/as/file_changes.c FILES_MAX",
        "e2e/net/inherited.c INHERITED_MAX",
        "tool/doctor_config.c WORD_MAX",
        "tool/pipeline.c THREADS_MAX",
    ),
    *("tool/psk_job.c KEY_MAX", "tool/dedup.c RESERVED_MAX"),
    *("master/ka_string.h KA_STRING_MAX", "master/ka_string.h KA_STRING_TEXT_MAX"),
    *("master/token.c PIN_MAX", "e2e/ka/ka_revocations.c NEWS_MAX"),
    "e2e/ka/ka_workers.c STOP_SECONDS",
}


def limits() -> set[str]:
    """Every limit that a source defines: its file and its name."""
    return {
        f"{file.relative_to(ROOT)} {name}"
        for room in ("common", "e2e", "gba", "master", "tool", "plugins/mosquitto")
        for file in (ROOT / room).rglob("*.[ch]")
        for name in re.findall(
            r"^#define ((?:\w*(?:_MAX|_MIN|SECONDS)(?:_OF_\w+|_LENGTH)?"
            r"|\w+_LIFETIME|IN_FLIGHT|\w+_INSTANCES)) ",
            file.read_text(),
            re.M,
        )
    }


def test_every_limit_has_its_place() -> None:
    """Guards against a new limit that is neither in a manual page nor listed as internal."""
    assert limits() == set().union(*LIMITS.values()) | INSIDE
    assert not INSIDE & set().union(*LIMITS.values())


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    """Guards against a limit in a manual page whose number is no longer the source's."""
    missing = []
    for limit in sorted(LIMITS[name]):
        file, macro = limit.split()
        value = constant(macro, ROOT / file)
        if not re.search(rf"\b{value}\b", page_text(name)):
            missing.append(f"{limit} {value}")
    assert missing == []


def test_standard_output() -> None:
    """Guards against a line about an address that a program prints and its page lacks, or the reverse."""
    text = {file.name: file.read_text() for file in (ROOT / "e2e").rglob("*.c")}
    call = r'(?:printf\(|endpoints_listen\([^;"]*?)"([a-z0-9-]+)(?: %s\\n)?",'
    printed = {name: set(re.findall(call, source)) for name, source in text.items()}
    listening = printed.pop("ue_listen.c")
    for page, names in {"e2e-as.1": set().union(*printed.values()), "e2e-ue.1": listening}.items():
        part = page_text(page).split(".Ss Standard output\n")[1].split(".Bd")[1].split(".Ed")[0]
        assert names and set(re.findall(r"^([a-z0-9-]+) HOST:PORT", part, re.M)) == names, page


def test_exit_status() -> None:
    """Guards against an exit status that a program has and its page does not explain."""
    outcomes = re.findall(r"^    CLIENT_\w+ = (\d)", (ROOT / "e2e/ue/client.h").read_text(), re.M)
    usage = str(constant("EXIT_USAGE"))
    for page, codes in {
        "e2e-ue.1": {*outcomes, usage},
        "e2e-as.1": {"0", "1", usage},
        "akma.1": {"0", "1", usage},
    }.items():
        part = page_text(page).split(".Sh EXIT STATUS")[1].split("\n.Sh ")[0]
        assert set(re.findall(r"^\.It (\d)$", part, re.M)) == codes, page


def test_options_of_the_plugin() -> None:
    """Guards against an option of the mosquitto plugin that its page lacks, or has although it is gone."""
    source = (ROOT / "plugins/mosquitto/mosquitto_akma.c").read_text()
    known = set(re.findall(r'^    \[\w+\] = \{"(\w+)"', source, re.M))
    listed = re.findall(r"^\.It Cm plugin_opt_(\w+) Ar", page_text("mosquitto_akma.5"), re.M)
    assert len(known) == 5 and set(listed) == known
