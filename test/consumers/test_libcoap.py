"""CoAP over DTLS: the examples for libcoap, with OpenSSL and with GnuTLS beneath it.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

import reference
from consumer import FQDN, IDENTITY, KA, KS_NAF, OTHER_KA
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, Process, free_port

UNDER = ["openssl", "gnutls"]
UA = bytes.fromhex("010001c0a8")
both_ways = pytest.mark.parametrize(
    ("server", "client"), [(server, client) for server in UNDER for client in UNDER]
)


def example(role: str, under: str) -> str:
    """An example with a library beneath it."""
    return str(BUILD / f"examples/libcoap_{role}_{under}")


@contextlib.contextmanager
def serving(under: str) -> Iterator[str]:
    """A server that knows one device; its port."""
    port = str(free_port())
    with Process(example("server", under), port, IDENTITY) as process:
        process.write(KS_NAF + KA)
        assert process.read() == b"ready", process.last_words
        yield port


def get(under: str, port: str, identity: str, ka: bytes) -> subprocess.CompletedProcess[bytes]:
    """The client: one request."""
    return subprocess.run(
        [example("client", under), port, identity],
        input=KS_NAF + ka,
        capture_output=True,
        timeout=30,
        check=False,
        env=ENVIRONMENT,
    )


def coap_client(under: str, port: str, key: bytes) -> subprocess.CompletedProcess[bytes]:
    """libcoap's own client, of which 4.3.1 takes the key literally."""
    words: list[str | bytes] = [f"coap-client-{under}", "-B", "2", "-u", IDENTITY, "-k", key]
    return subprocess.run(
        [*words, f"coaps://{LOOPBACK}:{port}/meter"], capture_output=True, timeout=30, check=False
    )


def answered(result: subprocess.CompletedProcess[bytes]) -> bool:
    """Was the meter read? libcoap logs to standard output, too."""
    return b"42" in result.stdout.splitlines()


@both_ways
def test_right_key(server: str, client: str) -> None:
    """Guards against a CoAP server or client of the examples that derives another e2e_key than its peer does."""
    with serving(server) as port:
        result = get(client, port, IDENTITY, KA)
    assert result.returncode == 0 and answered(result), result.stderr


@both_ways
def test_wrong_keys(server: str, client: str) -> None:
    """Guards against an example for CoAP that answers a client with another Ka, or with an unknown identity."""
    with serving(server) as port:
        for identity, ka in ((IDENTITY, OTHER_KA), ("nobody@bsf.example.com", KA)):
            result = get(client, port, identity, ka)
            assert result.returncode == 1 and not answered(result)


@pytest.mark.parametrize("under", UNDER)
def test_libcoaps_own_client(under: str) -> None:
    """Guards against an example server that takes Ks_NAF, which the operator knows, in the place of e2e_key."""
    with serving(under) as port:
        key = reference.e2e_key(KS_NAF, KA, FQDN.encode() + UA, usage="coap")
        assert answered(coap_client(under, port, key))
        assert not answered(coap_client(under, port, KS_NAF))
