#!/usr/bin/python3
"""The software bill of materials of a source archive: SPDX 2.3, as JSON, to standard output.

    scripts/make_sbom.py ARCHIVE

ARCHIVE is what release.sh makes: akma-VERSION.tar.gz. The document says what it is, each file with its checksums and its
licence, and what the programs and libraries that are built of it link. One archive has one document: nothing comes from
this machine or its clock.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import json
import re
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

PROJECT = "Organization: akma maintainers"
COPYRIGHT = "Copyright 2026 akma maintainers"
LICENSE = "Apache-2.0"  # of the files that cannot have a header, and of the whole
UNKNOWN = "NOASSERTION"

# Every library that something links: licence, and the oldest version that is taken.
LIBRARIES = {
    "libcrypto": (LICENSE, "3.0.0"),
    "libssl": (LICENSE, "3.0.0"),
    "libjansson": ("MIT", UNKNOWN),
    "libevent": ("BSD-3-Clause", "2.1"),
    "libhiredis": ("BSD-3-Clause", UNKNOWN),
    "libnghttp2": ("MIT", UNKNOWN),
    "libcurl": ("curl", "7.85"),
    "libexpat": ("MIT", UNKNOWN),
    "libpcsclite": ("BSD-3-Clause", UNKNOWN),
    "libp11-kit": ("BSD-3-Clause", "0.23.3"),
    "libpq": ("PostgreSQL", "14"),
    "libc": (UNKNOWN, UNKNOWN),
}

# What is built, and what each links, as the suite reads it from the files.
BUILT = {
    "akma.so": ["libcrypto", "libc"],
    "akma": ["libcrypto", "libcurl", "libexpat", "libpcsclite", "libp11-kit", "libpq", "libc"],
    "e2e-as": [
        *("libcrypto", "libssl", "libjansson", "libevent"),
        *("libhiredis", "libcurl", "libnghttp2", "libpq", "libp11-kit", "libc"),
    ],
    "e2e-ue": [
        *("libcrypto", "libssl", "libjansson", "libevent"),
        *("libcurl", "libexpat", "libpcsclite", "libc"),
    ],
    "mosquitto_akma.so": ["libcrypto", "libc"],
}


def identifier(kind: str, name: str) -> str:
    """The name of an element of the document."""
    return f"SPDXRef-{kind}-{re.sub('[^A-Za-z0-9.-]', '-', name)}"


def describe_file(number: int, path: str, octets: bytes) -> dict[str, Any]:
    """One file of the archive; its licence is what its header says."""
    header = re.search(rb"SPDX-License-Identifier: ([A-Za-z0-9.+-]+)", octets[:4096])
    found = header[1].decode() if header else LICENSE
    return {
        "SPDXID": f"SPDXRef-File-{number}",
        "fileName": f"./{path}",
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": hashlib.sha1(octets).hexdigest()},
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(octets).hexdigest()},
        ],
        "licenseConcluded": found,
        "licenseInfoInFiles": [found],
        "copyrightText": COPYRIGHT,
    }


def describe_package(name: str, version: str, **more: Any) -> dict[str, Any]:
    """A package: the archive, what is built of it, a library of others."""
    return {
        "SPDXID": identifier("Package", name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": LICENSE,
        "licenseDeclared": LICENSE,
        "copyrightText": COPYRIGHT,
        **more,
    }


def read_archive(archive: Path) -> tuple[list[dict[str, Any]], int]:
    """Its files in their order, and when the commit was made."""
    files = []
    with tarfile.open(archive) as opened:
        members = [member for member in opened.getmembers() if member.isfile()]
        for number, member in enumerate(members, 1):
            extracted = opened.extractfile(member)
            assert extracted is not None
            path = member.name.split("/", 1)[1]
            files.append(describe_file(number, path, extracted.read()))
    return files, int(members[0].mtime)


def describe_source(archive: Path, version: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """The archive itself."""
    sums = sorted(file["checksums"][0]["checksumValue"] for file in files)
    octets = archive.read_bytes()
    return describe_package(
        "akma-source",
        version,
        packageFileName=archive.name,
        supplier=PROJECT,
        summary="OpenSSL provider for 3GPP application keys (GBA, AKMA), and the programs of its flow",
        checksums=[{"algorithm": "SHA256", "checksumValue": hashlib.sha256(octets).hexdigest()}],
        filesAnalyzed=True,
        hasFiles=[file["SPDXID"] for file in files],
        licenseInfoFromFiles=sorted({file["licenseConcluded"] for file in files}),
        packageVerificationCode={
            "packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()
        },
    )


def describe(archive: Path) -> dict[str, Any]:
    """The whole document."""
    version = archive.name.removeprefix("akma-").removesuffix(".tar.gz")
    files, made = read_archive(archive)
    source = describe_source(archive, version, files)
    built = [describe_package(name, version, supplier=PROJECT) for name in BUILT]
    others = [
        describe_package(
            name,
            oldest if oldest == UNKNOWN else f">={oldest}",
            licenseConcluded=license,
            licenseDeclared=license,
            copyrightText=UNKNOWN,
        )
        for name, (license, oldest) in LIBRARIES.items()
    ]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", source["SPDXID"])]
    for name, linked in BUILT.items():
        program = identifier("Package", name)
        relations.append((program, "GENERATED_FROM", source["SPDXID"]))
        relations += [(program, "DYNAMIC_LINK", identifier("Package", other)) for other in linked]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"akma-{version}",
        "documentNamespace": "https://akma.example/spdx/akma-"
        f"{version}-{source['checksums'][0]['checksumValue']}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(made)),
            "creators": [PROJECT, "Tool: scripts/make_sbom.py"],
        },
        "packages": [source, *built, *others],
        "files": files,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/make_sbom.py ARCHIVE")
    json.dump(describe(Path(sys.argv[1])), sys.stdout, indent=1, ensure_ascii=False)
    print()
