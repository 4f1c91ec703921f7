"""The rule for asynchronous calls of e2e/: the answer at once, or pending and one callback, later.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
from pathlib import Path

import pytest

from certificates import Authority
from evp import BUILD
from flow import ENVIRONMENT, FQDN, write_devices
from project import ROOT

HAS_POSTGRESQL = (BUILD / "test/programs/ka_used_rows").exists()
AT_ONCE, PENDING = ["at-once", "0", "0"], ["pending", "0", "1"]
OPERATIONS = ["put", "get", "consume", "revoke"]
EXPECTED = {
    **{f"store-memory-{operation}": AT_ONCE for operation in OPERATIONS},
    **{f"store-late-{operation}": PENDING for operation in OPERATIONS},
    **{f"store-redis-down-{operation}": AT_ONCE for operation in OPERATIONS},
    "store-redis-connecting": PENDING,
    "redis-connecting": PENDING,
    "redis-down": AT_ONCE,
    "connector-tcp": PENDING,
    "connector-no-path": AT_ONCE,
    "resolver-asked": PENDING,
    "resolver-kept": AT_ONCE,
    "io-watch-ready": PENDING,
    "io-watch-late": PENDING,
    "dialer": PENDING,
    **{name: PENDING for name in ("relay", "dgram-relay", "app-echo")},
    "token-unsent": AT_ONCE,
    "token-fetched": PENDING,
    "token-kept": AT_ONCE,
    "key-service-unsent": AT_ONCE,
    "key-service-asked": PENDING,
    "source-file": AT_ONCE,
    "source-operator": PENDING,
    "ka-file": AT_ONCE,
    "ka-late": PENDING,
    "ka-master": AT_ONCE,
    **({"ka-postgresql-down": PENDING} if HAS_POSTGRESQL else {}),
    "third-party-at-once-flag": AT_ONCE,
    "third-party-at-once-no-ka": AT_ONCE,
    "third-party-at-once-revoke": AT_ONCE,
    "third-party-later-flag": PENDING,
    "third-party-later-no-ka": AT_ONCE,  # the store is not asked
    "third-party-later-revoke": PENDING,
    "third-party-ka-later-flag": PENDING,
    "third-party-ka-later-no-ka": PENDING,
    "third-party-ka-later-revoke": PENDING,
    **{f"third-party-link-{operation}": PENDING for operation in ("flag", "no-ka", "revoke")},
}


@pytest.fixture(name="calls", scope="module")
def make_calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each call returned, and how often its callback came from inside it, and later."""
    folder = tmp_path_factory.mktemp("calls")
    keys = folder / "keys"
    keys.write_text(f"1:{bytes(range(32)).hex()}\n")
    keys.chmod(0o600)
    rows = [["ue@realm", bytes(32).hex(), bytes(range(32)).hex()]]
    devices: Path = write_devices(folder / "devices.csv", rows)
    authority = Authority(folder)
    output = subprocess.run(
        [BUILD / "test/programs/async_rule", keys, devices, *authority.issue(FQDN), authority.file],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    return {name: rest for name, *rest in map(str.split, output.splitlines())}


EVENT = "an event: no call waits for it"
PARSER = "a parser's: it is called inside the call that feeds it"
CONNECTION = "of a connection that was accepted: libssl or the loop begins, no call"

# Types of callbacks, and what tries them here or elsewhere.
TRIED = {
    "client_done": "the flow's tests: e2e-ue ends in it, once",
    "connector_done": "connector-",
    "dgram_listener_accepted": EVENT,
    "dialer_done": "dialer",
    "http_done": "token-",  # and of the key service: both post
    "io_watch_done": "io-watch-",
    "ka_changed": EVENT,
    "ka_done": "ka-",
    "ka_revoked_fresh": EVENT,
    "key_service_done": "key-service-",
    "log_buffer_report": EVENT,
    "pg_done": "ka-postgresql-",
    "redis_done": "redis-",
    "redis_reply_done": PARSER,
    "redis_woken": EVENT,
    "relay_ended": "relay",
    "resolver_done": "resolver-",
    "source_done": "source-",
    "store_done": "store-",
    "store_revoked": EVENT,
    "third_party_done": "third-party-",
    "third_party_revoked": "third-party-",
    "token_done": "token-",
}

# Functions that a structure or a call names without a type, by header.
MEMBERS = {
    "addr.h": {"close": "none: addr_open_at() opens and closes inside the call"},
    "app.h": {"end": "app-echo"},
    "acceptor.h": {"closed_all": "test_upgrade: posted to each loop, and the last one calls it"},
    "connection.h": dict.fromkeys(["ready", "release", "drain", "explain"], CONNECTION),
    "dgram_bio.h": {"lost": EVENT},
    "dgram_relay.h": {"ended": "dgram-relay", "refused": EVENT},
    "http_pool.h": {
        "finish": "token-",
        "leave": EVENT,
        "connected": "test_operator: http_route_connect() ends in it",
    },
    "http_server.h": {"serve": EVENT, "gone": EVENT},
    "ka_kinds.h": {"use": EVENT, "drop": EVENT},
    "ka_revoked.h": {"row": PARSER},
    "key_issuer.h": {"forward": EVENT},
    "lookups.h": {"tell": "test_lookups: a waiter is told once"},
    "loop.h": {"run": "each that is pending: a message that is posted"},
    "pg_client.h": dict.fromkeys(["ready", "down", "notified", "settle", "tick"], EVENT),
    "redis_io.h": {"ended": EVENT},
    "successor.h": {
        "ready": "test_upgrade: the new program serves",
        "failed": "test_upgrade: the new program does not serve",
    },
    "third_party.h": {"cancel": "none: it ends a request without a callback"},
    "ue_bootstrap.h": {"ended": "test_ue_bootstrap: after each attempt, on its thread"},
}


def test_every_call_is_tried(calls: dict[str, list[str]]) -> None:
    """Guards against an asynchronous call that the driver tries without an expected answer, or tries no longer."""
    assert sorted(calls) == sorted(EXPECTED)


def members(header: str) -> list[str]:
    """The functions without a result that a header's structures and calls name, but for tables of operations."""
    text = re.sub(r"struct \w+_ops \{.*?^\};", "", header, flags=re.S | re.M)
    return re.findall(r"\bvoid \(\*(\w+)\)\(", text)


def test_every_callback_is_known() -> None:
    """Guards against a new callback in e2e/ that no call of this driver tries."""
    headers = {path.name: path.read_text() for path in (ROOT / "e2e").rglob("*.h")}
    declared = re.findall(r"^typedef \w+ (\w+)\(", "\n".join(headers.values()), re.M)
    assert sorted(declared) == sorted(TRIED)
    found = {name: sorted(members(text)) for name, text in headers.items() if members(text)}
    assert found == {name: sorted(known) for name, known in MEMBERS.items()}
    of_members = [how for known in MEMBERS.values() for how in known.values()]
    prefixes = {how for how in [*TRIED.values(), *of_members] if " " not in how}
    if not HAS_POSTGRESQL:
        prefixes.remove(TRIED["pg_done"])
    assert all(any(name.startswith(prefix) for name in EXPECTED) for prefix in prefixes)


@pytest.mark.parametrize("name", EXPECTED)
def test_one_answer(calls: dict[str, list[str]], name: str) -> None:
    """Guards against a callback that comes from inside its call, twice or never, or after an answer at once."""
    assert calls[name] == EXPECTED[name]
