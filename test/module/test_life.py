"""Threads, fork, library contexts, loading in any order, unloading again and again.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import subprocess
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import reference
from evp import BUILD, OCTETS, UTF8_PTR, EvpError, Kdf, LibCtx, c
from openssl_cli import openssl
from samples import ALGORITHMS, EXPECTED, KA, KEY, NAF_ID, items


EMULATOR = os.environ.get("AKMA_EMULATOR", "").split()  # what runs programs of another architecture


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run work(0), work(1), ... at once; what one of them raised is raised here."""
    raised: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # pylint: disable=broad-except
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if raised:
        raise raised[0]


def in_child(work: Callable[[], None]) -> None:
    """Run work in a fork of this process and expect it to end well."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def derives(libctx: LibCtx) -> None:
    """Every algorithm gives its key."""
    for algorithm in ALGORITHMS:
        assert libctx.kdf(algorithm).new().derive(32, items(algorithm)) == EXPECTED[algorithm]


def test_contexts_in_threads(libctx: LibCtx, e2e: Kdf) -> None:
    """Guards against contexts of several threads that mix their inputs."""

    def work(number: int) -> None:
        ctx = e2e.new()
        for count in range(200):
            if count % 20 == 0:
                ctx = libctx.kdf("AKMA-E2E").new()
            refresh = bytes([number, count])
            digest = sorted(reference.DIGESTS)[(number + count) % 7]
            key = ctx.derive(32, items(refresh=refresh, digest=digest))
            assert key == reference.e2e_key(KEY, KA, NAF_ID, refresh=refresh, digest=digest)

    in_threads(work, 8)


def test_more_contexts_than_the_provider_keeps_spare(e2e: Kdf) -> None:
    """Guards against a context that is used twice because the spare ones ran out."""
    contexts = [e2e.new() for _ in range(100)]
    for count, ctx in enumerate(contexts):
        ctx.set(items(refresh=bytes([count])))
    for _ in range(2):
        for count, ctx in enumerate(contexts):
            expected = reference.e2e_key(KEY, KA, NAF_ID, refresh=bytes([count]))
            assert ctx.derive(32) == expected
    for ctx in contexts:
        ctx.free()
    assert e2e.new().derive(32, items()) == EXPECTED["AKMA-E2E"]


def test_after_fork(libctx: LibCtx, e2e: Kdf) -> None:
    """Guards against a context that no longer derives in a child, or is changed by it."""
    ctx = e2e.new()
    ctx.derive(32, items())

    def work() -> None:
        assert ctx.derive(32, [("refresh", b"child")]) == reference.e2e_key(
            KEY, KA, NAF_ID, refresh=b"child"
        )
        derives(libctx)

    in_child(work)
    assert ctx.derive(32) == EXPECTED["AKMA-E2E"]


def test_fork_in_a_thread_while_others_derive(libctx: LibCtx, e2e: Kdf) -> None:
    """Guards against a lock that a child inherits locked and waits for."""

    def work(number: int) -> None:
        for _ in range(5):
            if number == 0:
                in_child(lambda: derives(libctx))
            else:
                assert e2e.new().derive(32, items()) == EXPECTED["AKMA-E2E"]

    in_threads(work, 3)


def test_many_library_contexts() -> None:
    """Guards against a library context whose end takes what another one uses."""
    contexts = [LibCtx() for _ in range(20)]
    for libctx in contexts:
        derives(libctx)
    for libctx in contexts[::2]:
        libctx.close()
    for libctx in contexts[1::2]:
        derives(libctx)
        libctx.close()


@pytest.mark.parametrize("order", [("default", "akma"), ("akma", "default")])
def test_load_order(order: tuple[str, str]) -> None:
    """Guards against a provider that finds HMAC only where default was loaded before it."""
    with LibCtx(order) as libctx:
        derives(libctx)


def test_default_comes_later() -> None:
    """Guards against a module that looks for HMAC once, and never again when default is loaded later."""
    with LibCtx(["akma"]) as libctx:
        ctx = libctx.kdf("AKMA-E2E").new()
        with pytest.raises(EvpError) as error:
            ctx.derive(32, items())
        assert "HMAC not found: activate the default or fips provider as well" in error.value.text
        libctx.load("default")
        assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]
        ctx.free()


@pytest.mark.parametrize("what", ["late", "exit"])
def test_what_is_freed_late(what: str) -> None:
    """Guards against a context freed after its library context, or at exit, that reads what is gone."""
    settings = {"OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": str(BUILD)}
    command = [*EMULATOR, str(BUILD / "test/hardening/lifecycle"), what]
    result = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, timeout=120, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_unload_and_load_again() -> None:
    """Guards against an unloaded provider that leaves something behind and fails when it is loaded again."""
    with LibCtx() as libctx:
        for _ in range(50):
            kdf = libctx.kdf("AKMA-E2E")
            ctx = kdf.new()
            assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]
            ctx.free()
            del ctx, kdf
            libctx.unload("akma")
            with pytest.raises(EvpError):
                libctx.kdf("AKMA-E2E", "provider=akma")
            libctx.load("akma")


def test_context_outlives_unload() -> None:
    """Guards against a context that is left without its module by an unload."""
    with LibCtx() as libctx:
        ctx = libctx.kdf("AKMA-E2E").new()
        ctx.set(items())
        libctx.unload("akma")
        assert ctx.derive(32) == EXPECTED["AKMA-E2E"]
        copy = ctx.dup()
        ctx.reset()
        assert copy.derive(32) == EXPECTED["AKMA-E2E"]
        ctx.free()
        copy.free()


def test_load_and_unload_in_threads() -> None:
    """Guards against loading and unloading in several threads that share state."""

    def work(_: int) -> None:
        for _ in range(10):
            with LibCtx() as libctx:
                assert libctx.kdf("AKMA-E2E").new().derive(32, items()) == EXPECTED["AKMA-E2E"]

    in_threads(work, 4)


def test_free_null(libctx: LibCtx) -> None:
    """Guards against a NULL context whose release crashes."""
    derives(libctx)
    c.EVP_KDF_CTX_free(None)


def test_provider_parameters(libctx: LibCtx) -> None:
    """Guards against a provider without version, name, build or status."""
    version = libctx.provider_text("akma", "version")
    assert [part.isdigit() for part in version.split(".")] == [True] * 3
    assert "akma" in libctx.provider_text("akma", "name")
    assert libctx.provider_text("akma", "buildinfo").startswith(version)
    assert libctx.provider_status("akma") == 1


def test_version_is_the_projects(libctx: LibCtx) -> None:
    """Guards against a module that says another version than the project's."""
    cmake = (Path(__file__).parents[2] / "CMakeLists.txt").read_text()
    assert f"project(akma VERSION {libctx.provider_text('akma', 'version')} " in cmake


@pytest.mark.parametrize("name", ["name", "version", "buildinfo", "status", "policy"])
def test_provider_parameters_of_another_type(libctx: LibCtx, name: str) -> None:
    """Guards against a text written into a buffer that was given as an octet string."""
    with pytest.raises(EvpError):
        libctx.provider_get("akma", name, OCTETS, 100)


@pytest.mark.parametrize("name", ["name", "version", "buildinfo", "policy"])
def test_provider_parameters_by_pointer(libctx: LibCtx, name: str) -> None:
    """Guards against a provider parameter that is only copied, so that OpenSSL's own programs show none."""
    pointer = libctx.provider_get("akma", name, UTF8_PTR, 8)
    text = ctypes.cast(int.from_bytes(pointer, "little"), ctypes.c_char_p).value
    assert (text or b"").decode() == libctx.provider_text("akma", name)


def test_nothing_but_kdfs_is_offered() -> None:
    """Guards against the provider being found for an algorithm that is no KDF."""
    listed = openssl("list", "-mac-algorithms", "-digest-algorithms", "-cipher-algorithms").stdout
    assert "HMAC @ default" in listed and "akma" not in listed
