"""A release: one version everywhere, and an archive with the same octets on every machine.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import make_sbom
from evp import BUILD, LibCtx
from project import CACHE, INSTRUMENTED, ROOT, run

VERSION = re.search(r"project\(akma VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
NUMBER = VERSION[1] if VERSION else ""
RELEASABLE = f"# Changes\n\n## Unreleased\n\n## {NUMBER}\n\n- All.\n"  # nothing is left
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def copy(folder: Path, **changes: str) -> Path:
    """The project as a repository of one commit that could be released, with some files' texts replaced."""
    ignored = shutil.ignore_patterns("build*", ".git", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=ignored)
    for name, text in ({"CHANGELOG.md": RELEASABLE} | changes).items():
        (folder / name).write_text(text)
    git: list[str | Path] = [
        "git",
        "-C",
        folder,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@localhost",
    ]
    run("git", "init", "-q", "-b", "main", folder)
    run(*git, "add", "-A")
    date = {"GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}
    run(*git, "commit", "-q", "-m", "all", **date)
    return folder


def release(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """scripts/release.sh of that repository."""
    return subprocess.run(
        [folder / "scripts/release.sh", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_version(libctx: LibCtx) -> None:
    """Guards against a place that still has the last version's number."""
    version = NUMBER
    assert version
    assert libctx.provider_text("akma", "version") == version
    assert f'\n__version__ = "{version}"\n' in (ROOT / "python/akma/__init__.py").read_text()
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text()
    assert (ROOT / "debian/changelog").read_text().startswith(f"akma ({version}-")


@pytest.mark.parametrize("program", ["tool/akma", "e2e/e2e-as", "e2e/e2e-ue"])
def test_programs_say_their_version(program: str) -> None:
    """Guards against a --version that demands other options first, or tells an older number."""
    if not (BUILD / program).exists():
        pytest.skip(f"{program} is not built here")
    assert run(BUILD / program, "--version") == f"{Path(program).name} {NUMBER}\n"


# What another user's settings can change in an archive.
ANOTHER_USER = {
    "GIT_CONFIG_COUNT": "2",
    **{"GIT_CONFIG_KEY_0": "tar.umask", "GIT_CONFIG_VALUE_0": "0077"},
    **{"GIT_CONFIG_KEY_1": "core.autocrlf", "GIT_CONFIG_VALUE_1": "true"},
    "TZ": "Asia/Tokyo",
}


def test_files_are_reproducible(tmp_path: Path) -> None:
    """Guards against an archive that differs between two copies or users of a commit, lacks a file, or has wrong checksums."""
    archives, wheels, bills = [], [], []
    users: dict[str, dict[str, str]] = {"one": {}, "two": ANOTHER_USER}
    for name, user in users.items():
        result = release(copy(tmp_path / name), **user)
        assert result.returncode == 0, result.stderr
        archive, bill, wheel = result.stdout.split()
        archives.append(tmp_path / name / archive)
        wheels.append(tmp_path / name / wheel)
        bills.append(tmp_path / name / bill)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    assert wheels[0].name == f"akma-{NUMBER}-py3-none-any.whl"
    for algorithm in ("sha256", "sha512"):
        for file in (archives[0], bills[0], wheels[0]):
            check = f"{algorithm}sum --check {file.name}.{algorithm}"
            run("sh", "-c", f"cd '{file.parent}' && {check}")
            checksum = (file.parent / f"{file.name}.{algorithm}").read_text().split()
            assert checksum[0] == hashlib.new(algorithm, file.read_bytes()).hexdigest()
    with tarfile.open(archives[0]) as opened:
        names = opened.getnames()
    top = archives[0].name.removesuffix(".tar.gz")
    assert f"{top}/provider/kdf.c" in names and all(name.split("/")[0] == top for name in names)


def test_no_archive_where_git_fails(tmp_path: Path) -> None:
    """Guards against an archive of what git wrote before it failed, with checksums that agree with it."""
    folder, stub = copy(tmp_path / "copy"), tmp_path / "bin/git"
    stub.parent.mkdir()
    stub.write_text(
        """#!/bin/sh
        case " $* " in *" archive "*) is_archive=yes ;; esac
        PATH=${PATH#*:} git "$@" || exit
        [ -z "${is_archive:-}" ]
        """
    )
    stub.chmod(0o755)
    result = release(folder, PATH=f"{stub.parent}:{os.environ['PATH']}")
    assert result.returncode == 1 and result.stdout == ""
    assert not list((folder / "build/release").glob("*.gz*"))


RELATION = ("spdxElementId", "relationshipType", "relatedSpdxElement")


def test_the_bill_of_materials(tmp_path: Path) -> None:
    """Guards against a bill that leaves out a file of the archive, or a checksum, or differs from one user to
    another.
    """
    folders = [copy(tmp_path / name) for name in ("one", "two")]
    users: list[dict[str, str]] = [{}, ANOTHER_USER]
    for folder, user in zip(folders, users):
        assert release(folder, **user).returncode == 0
    name = f"build/release/akma-{NUMBER}"
    texts = [(folder / f"{name}.spdx.json").read_bytes() for folder in folders]
    assert texts[0] == texts[1]
    document = json.loads(texts[0])
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"  # of the commit
    archive = folders[0] / f"{name}.tar.gz"
    with tarfile.open(archive) as opened:
        inside = {member.name.split("/", 1)[1] for member in opened if member.isfile()}
    assert {file["fileName"].removeprefix("./") for file in document["files"]} == inside
    of_each = []
    for file in document["files"]:
        octets = (folders[0] / file["fileName"]).read_bytes()
        sums = {entry["algorithm"]: entry["checksumValue"] for entry in file["checksums"]}
        of_each.append(hashlib.sha1(octets).hexdigest())
        assert sums == {"SHA1": of_each[-1], "SHA256": hashlib.sha256(octets).hexdigest()}
    source = document["packages"][0]
    code = hashlib.sha1("".join(sorted(of_each)).encode()).hexdigest()  # SPDX 2.3, 7.9
    assert source["packageVerificationCode"] == {"packageVerificationCodeValue": code}
    assert (
        source["checksums"][0]["checksumValue"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    )
    assert source["licenseInfoFromFiles"] == ["Apache-2.0"]
    names = {element["SPDXID"] for element in document["packages"]}
    relations = [
        tuple(relation[key].removeprefix("SPDXRef-") for key in RELATION)
        for relation in document["relationships"]
    ]
    expected = {("DOCUMENT", "DESCRIBES", "Package-akma-source")}
    for built, linked in make_sbom.BUILT.items():
        package = f"Package-{built}".replace("_", "-")
        expected |= {(package, "GENERATED_FROM", "Package-akma-source")}
        expected |= {(package, "DYNAMIC_LINK", f"Package-{library}") for library in linked}
    assert sorted(relations) == sorted(expected)
    assert {f"SPDXRef-{end}" for one in relations for end in one[::2]} == names | {
        "SPDXRef-DOCUMENT"
    }


# What a build can go without, by the names of CMake's cache.
OPTIONAL = {"LIBPQ": "libpq", "P11KIT": "libp11-kit", "PCSC": "libpcsclite"}


@pytest.mark.skipif(INSTRUMENTED, reason="instruments are linked as well")
@pytest.mark.parametrize("name", make_sbom.BUILT)
def test_the_bill_says_what_is_linked(name: str) -> None:
    """Guards against a library that a program has come to link, and that the bill does not name."""
    (path,) = [
        BUILD / folder / name
        for folder in (".", "tool", "e2e", "plugins/mosquitto")
        if (BUILD / folder / name).is_file()
    ] or [BUILD / name]
    if not path.exists():
        pytest.skip(f"{name} is not built here: it waits for mosquitto-dev and libmosquitto-dev")
    needed = re.findall(
        r"\(NEEDED\).*\[(libp11-kit|libnghttp2|[a-z_]+)", run("readelf", "-dW", path)
    )
    absent = {
        library for part, library in OPTIONAL.items() if f"{part}_FOUND:INTERNAL=1" not in CACHE
    }
    assert set(needed) - {"ld"} == set(make_sbom.BUILT[name]) - absent


@pytest.mark.parametrize(
    ("version", "changes", "reason"),
    [
        ("9.9.9", {}, "9.9.9 is not the version of CMakeLists.txt"),
        (None, {"CHANGELOG.md": "# Changes\n"}, "CHANGELOG.md has no heading"),
        (
            None,
            {"python/akma/__init__.py": '__version__ = "0.1"\n'},
            "python/akma/__init__.py has another version",
        ),
        (None, {"debian/changelog": "akma (0.1-1)\n"}, "debian/changelog begins with another"),
        (
            None,
            {"CHANGELOG.md": RELEASABLE.replace("Unreleased\n", "Unreleased\n\n- New.\n")},
            "CHANGELOG.md has changes under Unreleased",
        ),
    ],
)
def test_refuses_what_does_not_agree(
    tmp_path: Path, version: str | None, changes: dict[str, str], reason: str
) -> None:
    """Guards against a release being made of files whose versions or changes do not agree."""
    folder = copy(tmp_path / "copy", **changes)
    result = release(folder, version or NUMBER)
    assert result.returncode == 1 and reason in result.stderr
    assert run("git", "-C", folder, "tag") == ""
    assert not (folder / "build/release").exists()


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody with a key of gpg's, which is thrown away."""
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "a@localhost", GNUPGHOME=str(home))
    identity = {f"GIT_COMMITTER_{word}": "a@localhost" for word in ("NAME", "EMAIL")}
    yield {"GNUPGHOME": str(home), "AKMA_SIGN_KEY": "a@localhost"} | identity
    run("gpgconf", "--kill", "all", GNUPGHOME=str(home))


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
def test_a_signed_release(tmp_path: Path, signer: dict[str, str]) -> None:
    """Guards against a release that is tagged before its tests ran, unsigned, or not reproducible from its tag."""
    suite = '#!/bin/sh\n[ -z "$(git tag)" ] && touch ../tests-ran\n'
    folder = copy(tmp_path / "copy", **{"test/run.sh": suite})
    result = release(folder, NUMBER, **signer)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "tests-ran").exists()
    archive = folder / f"build/release/akma-{NUMBER}.tar.gz"
    home = {"GNUPGHOME": signer["GNUPGHOME"]}
    others = (f"akma-{NUMBER}-py3-none-any.whl", f"akma-{NUMBER}.spdx.json")
    for file in (archive, *(archive.with_name(name) for name in others)):
        run("gpg", "--verify", f"{file}.asc", file, **home)
    run("git", "-C", folder, "verify-tag", f"v{NUMBER}", **home)
    run("sh", "-c", f"cd '{archive.parent}' && sha256sum --check {archive.name}.sha256")
    again = release(folder, AKMA_RELEASE=str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again" / archive.name).read_bytes() == archive.read_bytes()
    twice = release(folder, NUMBER, **signer)
    assert twice.returncode == 1 and f"v{NUMBER} is tagged already" in twice.stderr


def test_no_release_where_the_suite_fails(tmp_path: Path) -> None:
    """Guards against a release of a tree whose tests fail."""
    folder = copy(tmp_path / "copy", **{"test/run.sh": "#!/bin/sh\nexit 1\n"})
    assert release(folder, NUMBER).returncode == 1
    assert run("git", "-C", folder, "tag") == ""
    assert not (folder / "build/release").exists()


def test_refuses_uncommitted_changes(tmp_path: Path) -> None:
    """Guards against a release that differs from what is committed."""
    folder = copy(tmp_path / "copy")
    (folder / "README.md").write_text("changed")
    result = release(folder, NUMBER)
    assert result.returncode == 1 and "changes that are not committed" in result.stderr


@pytest.mark.parametrize("branch", [["-b", "other"], ["--detach"]])
def test_refuses_another_branch(tmp_path: Path, branch: list[str]) -> None:
    """Guards against a release made on a branch other than main, and against an archive that only main can make."""
    folder = copy(tmp_path / "copy")
    run("git", "-C", folder, "checkout", "-q", *branch)
    result = release(folder, NUMBER)
    assert result.returncode == 1 and "releases are made from the branch main" in result.stderr
    assert release(folder).returncode == 0
