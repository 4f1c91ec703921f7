"""`cmake --install`: what goes where, that it works from there, can be moved, and leaves nothing when it goes.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evp import BUILD
from openssl_cli import derived, kdf, openssl
from samples import EXPECTED, options
from project import ROOT, build, run

pytestmark = pytest.mark.builds

CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.18)
project(user LANGUAGES C)
find_package(akma 1.0 REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE akma::headers)
file(WRITE ${CMAKE_BINARY_DIR}/modules "${AKMA_MODULES_DIR}")
"""
USER = """
#include <akma/kdf.h>
#include <stdio.h>
int main(void) { return puts(AKMA_KDF_E2E) < 0; }
"""


PROGRAMS = {"TOOL": ["tool/akma"], "E2E": ["e2e/e2e-as", "e2e/e2e-ue"]}


def configured(folder: Path, *flags: str, also: str = "") -> Path:
    """A build folder of its own to be installed, with the module and programs that the suite's own build made."""
    words = [*flags, *([f"-DAKMA_{also}=ON"] if also else [])]
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *words)
    for file in ("akma.so", *PROGRAMS.get(also, [])):
        shutil.copy(BUILD / file, folder / file)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the tool."""
    return configured(tmp_path_factory.mktemp("install") / "build", also="TOOL")


@pytest.fixture
def prefix(built: Path, tmp_path: Path) -> Iterator[Path]:
    """Installed to a prefix of its own."""
    run("cmake", "--install", built, "--prefix", tmp_path / "prefix")
    yield tmp_path / "prefix"


def files(folder: Path) -> set[str]:
    """Every file beneath a folder, by its path from there."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def e2e_key(config: Path, modules: Path = Path("/nowhere")) -> bytes:
    """The sample's key by `openssl kdf`; OPENSSL_MODULES is of no use unless given."""
    words = [word for option in options() for word in ("-kdfopt", option)]
    return derived(
        openssl("kdf", "-keylen", "32", *words, "AKMA-E2E", config=config, modules=modules)
    )


def test_everything_is_under_the_prefix(prefix: Path) -> None:
    """Guards against a file that is installed somewhere else, or not at all."""
    installed = files(prefix)
    pages = {f"share/man/man7/{page.name}" for page in (ROOT / "man").glob("*.7ssl")}
    pages.add("share/man/man1/akma.1")  # of what is built
    package = {
        f"lib/cmake/akma/{name}.cmake"
        for name in ("akmaConfig", "akmaConfigVersion", "akmaTargets")
    }
    others = {"lib/ossl-modules/akma.so", "include/akma/kdf.h", "etc/akma/openssl.cnf", "bin/akma"}
    assert installed == pages | package | others | {"lib/pkgconfig/akma.pc"}


def test_the_configuration_works_from_there(prefix: Path) -> None:
    """Guards against an installed openssl.cnf that loses the system's settings, default, or akma."""
    config = prefix / "etc/akma/openssl.cnf"
    directory = run("openssl", "version", "-d").split('"')[1]
    assert f"\n.include {directory}/openssl.cnf\n" in config.read_text()
    assert e2e_key(config) == EXPECTED["AKMA-E2E"]
    assert openssl("dgst", "-sha256", "/dev/null", config=config).returncode == 0


def test_nothing_breaks_without_the_module(prefix: Path) -> None:
    """Guards against a configuration that stops every use of OpenSSL once the module is removed."""
    config = prefix / "etc/akma/openssl.cnf"
    (prefix / "lib/ossl-modules/akma.so").unlink()
    assert openssl("rand", "-hex", "8", config=config).returncode == 0
    tls = "import ssl; ssl.create_default_context(); import hashlib; print(hashlib.sha256().name)"
    assert run("/usr/bin/python3", "-c", tls, OPENSSL_CONF=str(config)) == "sha256\n"
    refused = kdf("AKMA-E2E", 32, options(), config=config)
    assert refused.returncode != 0 and refused.stdout == ""


def test_a_changed_configuration_stays(built: Path, prefix: Path) -> None:
    """Guards against an installation that overwrites a policy in the installed configuration."""
    config = prefix / "etc/akma/openssl.cnf"
    config.write_text(config.read_text() + "min-ka-length = 32\n")
    output = run("cmake", "--install", built, "--prefix", prefix)
    assert "Keeping, because it was changed" in output
    assert config.read_text().endswith("min-ka-length = 32\n")


@pytest.mark.parametrize("absolute", [False, True])
def test_modules_folder(tmp_path: Path, absolute: bool) -> None:
    """Guards against an AKMA_MODULES_DIR that the configuration or akma.pc does not follow."""
    prefix, given = tmp_path / "prefix", str(tmp_path / "modules") if absolute else "lib/other"
    folder = Path(given) if absolute else prefix / given
    folder_of_it = configured(tmp_path / "build", f"-DAKMA_MODULES_DIR={given}")
    run("cmake", "--install", folder_of_it, "--prefix", prefix)
    assert (folder / "akma.so").exists()
    assert f"module = {folder}/akma.so" in (prefix / "etc/akma/openssl.cnf").read_text()
    pc = prefix / "lib/pkgconfig"
    told = run("pkg-config", "--variable=modulesdir", "akma", PKG_CONFIG_PATH=str(pc)).strip()
    assert Path(told).resolve() == folder


def test_can_be_moved(prefix: Path, tmp_path: Path) -> None:
    """Guards against an absolute path in akma.pc or the CMake package, which breaks once the prefix is moved."""
    moved = prefix.rename(tmp_path / "elsewhere")
    pc = {"PKG_CONFIG_PATH": str(moved / "lib/pkgconfig")}
    (tmp_path / "user.c").write_text(USER)
    flags = run("pkg-config", "--cflags", "akma", **pc).split()
    run("gcc", *flags, "-o", tmp_path / "by-pc", tmp_path / "user.c")
    assert run(tmp_path / "by-pc") == "AKMA-E2E\n"
    modules = Path(run("pkg-config", "--variable=modulesdir", "akma", **pc).strip())
    assert (modules / "akma.so").exists()

    (tmp_path / "CMakeLists.txt").write_text(CMAKE_LISTS)
    user = build(tmp_path / "user", f"-DCMAKE_PREFIX_PATH={moved}", source=tmp_path)
    assert run(user / "user") == "AKMA-E2E\n"
    assert Path((user / "modules").read_text()) == moved / "lib/ossl-modules"


def test_components(built: Path, tmp_path: Path) -> None:
    """Guards against a file that no component installs, or that two do."""
    parts = {}
    for component in ("module", "development", "tools", "mosquitto"):
        run("cmake", "--install", built, "--prefix", tmp_path / component, "--component", component)
        parts[component] = files(tmp_path / component)
    run("cmake", "--install", built, "--prefix", tmp_path / "all")
    assert "bin/akma" in parts["tools"] and "include/akma/kdf.h" in parts["development"]
    assert {"lib/ossl-modules/akma.so", "etc/akma/openssl.cnf"} <= parts["module"]
    assert sum(map(len, parts.values())) == len(files(tmp_path / "all"))


def test_destdir(built: Path, tmp_path: Path) -> None:
    """Guards against DESTDIR that is ignored, or that appears in an installed file."""
    run("cmake", "--install", built, "--prefix", "/usr", DESTDIR=str(tmp_path / "root"))
    assert (tmp_path / "root/etc/akma/openssl.cnf").exists()
    assert (tmp_path / "root/usr/include/akma/kdf.h").exists()
    for path in (tmp_path / "root").rglob("*"):
        assert not path.is_file() or str(tmp_path).encode() not in path.read_bytes()


def test_characters_that_mean_something_in_openssl_cnf(built: Path, tmp_path: Path) -> None:
    """Guards against a blank, # or $ in the prefix that ends the module's path in openssl.cnf."""
    prefix = tmp_path / "a b#c$d[e]"
    run("cmake", "--install", built, "--prefix", prefix)
    assert e2e_key(prefix / "etc/akma/openssl.cnf") == EXPECTED["AKMA-E2E"]


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the flow's programs."""
    return configured(tmp_path_factory.mktemp("flow") / "build", also="E2E")


def test_pages_of_what_is_built(flow: Path, tmp_path: Path) -> None:
    """Guards against a manual page without its program, or a page of man/ that no build installs."""
    run("cmake", "--install", flow, "--prefix", tmp_path, "--component", "tools")
    assert {path.name for path in (tmp_path / "bin").iterdir()} == {"e2e-as", "e2e-ue"}
    pages = {path.name for path in (tmp_path / "share/man/man1").iterdir()}
    assert pages == {"e2e-as.1", "e2e-ue.1"}
    listed = re.findall(
        r"^install_page\(man/(\S+)", (ROOT / "cmake/install.cmake").read_text(), re.M
    )
    others = {page.name for page in (ROOT / "man").iterdir()} - set(listed)
    assert {name.split(".")[1] for name in others} == {"7ssl"}


@pytest.mark.parametrize("name", ["prefix", "a b"])
def test_units_name_what_is_installed(flow: Path, tmp_path: Path, name: str) -> None:
    """Guards against a unit that names a program or configuration outside the prefix of the installation."""
    prefix = tmp_path / name
    run("cmake", "--install", flow, "--prefix", prefix, "--component", "tools")
    units = sorted((prefix / "lib/systemd/system").glob("*.service"))
    assert len(units) == 6
    for unit in units:
        text = unit.read_text()
        program, role = unit.stem[:6], unit.stem.removeprefix("e2e-as-").removeprefix("e2e-")
        role = role.replace("@", "-%i")
        command = f'"{prefix}/bin/{program}" --config "{prefix}/etc/akma/{role}.conf"'
        assert f"\nExecStart={command}\n" in text
        assert f'\nEnvironment="OPENSSL_CONF={prefix}/etc/akma/openssl.cnf"\n' in text
        assert "/usr/bin/" not in text and " /etc/" not in text and "=/etc/" not in text
    if shutil.which("systemd-analyze"):
        verify: list[str | Path] = ["systemd-analyze", "verify", "--man=no", *units]
        assert "not executable" not in run(*verify)


def folders(folder: Path) -> set[str]:
    """Every folder beneath one, by its path from there."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir()}


def uninstall(built: Path, **environment: str) -> str:
    """The target, and what it says."""
    return run("cmake", "--build", built, "--target", "uninstall", **environment)


def test_a_cross_build_knows_the_system_it_is_for(tmp_path: Path) -> None:
    """Guards against a cross build that includes the build machine's openssl.cnf, or none."""
    system = ["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=other"]
    folder = configured(tmp_path / "build", *system)
    run("cmake", "--install", folder, "--prefix", tmp_path / "prefix", "--component", "module")
    config = tmp_path / "prefix/etc/akma/openssl.cnf"
    directory = run("openssl", "version", "-d").split('"')[1]
    assert f"\n.include {directory}/openssl.cnf\n" in config.read_text()
    assert e2e_key(config) == EXPECTED["AKMA-E2E"]


@pytest.mark.parametrize("name", ["prefix", "new/prefix", "a b[c]"])
def test_uninstall_leaves_nothing(built: Path, tmp_path: Path, name: str) -> None:
    """Guards against a file, a folder or the prefix itself that stays after the uninstall."""
    run("cmake", "--install", built, "--prefix", tmp_path / name)
    uninstall(built)
    assert list(tmp_path.iterdir()) == []


def test_uninstall_leaves_what_was_there(built: Path, tmp_path: Path) -> None:
    """Guards against an uninstall that removes somebody else's file, or a folder that was there before."""
    prefix = tmp_path / "a b[c]"
    for folder in ("share/man/man7", "lib/pkgconfig", "include", "etc/akma"):
        (prefix / folder).mkdir(parents=True)
    (prefix / "include/mine.h").write_text("kept")
    (prefix / "etc/akma/mine").write_text("kept")
    before = folders(tmp_path)
    for component in ("module", "development"):
        run("cmake", "--install", built, "--prefix", prefix, "--component", component)
    run("cmake", "--install", built, "--prefix", prefix)
    (prefix / "lib/ossl-modules/theirs.so").write_text("kept")
    uninstall(built)
    assert files(prefix) == {"include/mine.h", "etc/akma/mine", "lib/ossl-modules/theirs.so"}
    assert folders(tmp_path) == before | {"a b[c]/lib/ossl-modules"}


def test_uninstall_from_a_packagers_root(built: Path, tmp_path: Path) -> None:
    """Guards against an uninstall that ignores DESTDIR, or removes a folder of the packager's."""
    new = {"DESTDIR": str(tmp_path / "new")}
    run("cmake", "--install", built, "--prefix", "/usr", **new)
    uninstall(built, **new)
    assert list(tmp_path.iterdir()) == []
    for folder in ("usr/share", "etc"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    destdir = {"DESTDIR": str(tmp_path / "root")}
    run("cmake", "--install", built, "--prefix", "/usr", **destdir)
    uninstall(built, **destdir)
    assert folders(tmp_path) == {"root", "root/usr", "root/usr/share", "root/etc"}


@pytest.mark.parametrize("steps", ["edit", "edit, install", "there, install", "there, edit"])
def test_uninstall_leaves_a_configuration_that_was_edited(
    built: Path, tmp_path: Path, steps: str
) -> None:
    """Guards against an uninstallation that removes a configuration which was edited, by whatever program."""
    config = tmp_path / "etc/akma/openssl.cnf"
    if "there" in steps:
        config.parent.mkdir(parents=True)
        config.write_text("theirs\n")
    run("cmake", "--install", built, "--prefix", tmp_path)
    if "edit" in steps:
        config.write_text(config.read_text() + "min-ka-length = 32\n")
    if "install" in steps:
        run("cmake", "--install", built, "--prefix", tmp_path, "--component", "module")
    text = config.read_text()
    assert f"Keeping, because it was changed: {config}" in uninstall(built)
    assert files(tmp_path) == {"etc/akma/openssl.cnf"} and config.read_text() == text


def test_uninstall_takes_a_configuration_that_is_as_installed(built: Path, tmp_path: Path) -> None:
    """Guards against a configuration that was edited back and yet stays after the uninstall."""
    config = tmp_path / "prefix/etc/akma/openssl.cnf"
    run("cmake", "--install", built, "--prefix", tmp_path / "prefix")
    text = config.read_text()
    config.write_text(text + "min-ka-length = 32\n")
    run("cmake", "--install", built, "--prefix", tmp_path / "prefix")
    config.write_text(text)
    assert "Keeping" not in uninstall(built)
    assert list(tmp_path.iterdir()) == []
