"""TLS with e2e_key as the pre-shared key, through ssl's PSK callbacks: Python 3.13 or newer.

    python3 tls_psk.py      both ends in one process, an echo between them

SPDX-License-Identifier: Apache-2.0
"""

import secrets
import socket
import ssl
import threading

from akma import e2e_key

IDENTITY = "3GPP-AKMA" + "device1@example.com"
TLS13 = bytes.fromhex("0100000007")  # TS 33.220 H.3
NOBODY = secrets.token_bytes(32), secrets.token_bytes(32)  # a key that no client has


def psk(ks_naf: bytes, ka: bytes) -> bytes:
    """The key both ends derive; TLS brings the nonces that make each connection fresh."""
    return e2e_key(
        ks_naf=ks_naf,
        ka=ka,
        naf_fqdn="naf.example.com",
        ua_protocol_id=TLS13,
        usage="tls-psk",
    )


def server_context(devices: dict[str, tuple[bytes, bytes]]) -> ssl.SSLContext:
    """A server that derives when an identity comes; devices: identity -> Ks_NAF, Ka.

    An unknown identity gets a key as well, so that a client cannot tell it from a wrong key (RFC 8446 4.2.11).
    """

    def key_of(identity: str | None) -> bytes:
        return psk(*devices.get(identity or "", NOBODY))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_psk_server_callback(key_of)
    return context


def client_context(identity: str, ks_naf: bytes, ka: bytes) -> ssl.SSLContext:
    """A client that knows its server by the key, which no certificate stands for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_psk_client_callback(lambda hint: (identity, psk(ks_naf, ka)))
    return context


def echo(end: socket.socket, context: ssl.SSLContext) -> None:
    """Send back what comes over TLS; a handshake that fails ends the connection."""
    try:
        with context.wrap_socket(end, server_side=True) as tls:
            tls.sendall(tls.recv(1024))
    except ssl.SSLError as error:
        print("server:", error.reason)


def talk(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """One connection; raises ssl.SSLError where the keys differ."""
    near, far = socket.socketpair()
    thread = threading.Thread(target=echo, args=(far, server))
    thread.start()
    try:
        with client.wrap_socket(near) as tls:
            tls.sendall(b"hello")
            return tls.recv(1024)
    finally:
        near.close()
        thread.join()


def main() -> None:
    """The right Ka, and a wrong one."""
    ks_naf, ka = secrets.token_bytes(32), secrets.token_bytes(32)
    server = server_context({IDENTITY: (ks_naf, ka)})
    print("right Ka:", talk(server, client_context(IDENTITY, ks_naf, ka)).decode())
    for what, client in (
        ("another Ka", client_context(IDENTITY, ks_naf, secrets.token_bytes(32))),
        (
            "unknown identity",
            client_context("3GPP-AKMA" + "nobody@example.com", ks_naf, ka),
        ),
    ):
        try:
            talk(server, client)
        except (ssl.SSLError, OSError) as error:
            print(f"{what}: refused ({error})")


if __name__ == "__main__":
    main()
