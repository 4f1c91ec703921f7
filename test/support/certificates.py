"""Certificates of a private CA for the tests.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import datetime
import ipaddress
import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    assert isinstance(key, ec.EllipticCurvePrivateKeyWithSerialization)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


# What RFC 5280 asks of a CA, and so does Python from 3.13 on.
CA_USAGE = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A CA; file is its certificate."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        certificate = (
            self._builder(self.name, self.key, DAY)
            .add_extension(constraints, critical=True)
            .add_extension(CA_USAGE, critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, life: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.utcnow()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + life)
            .add_extension(self._identifier, critical=False)
        )

    @property
    def _identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())

    def issue(
        self, name: str, *alternatives: str, life: datetime.timedelta = DAY
    ) -> tuple[Path, Path]:
        """Files of a certificate and its key; the alternative names default to the name."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_alternative(a) for a in alternatives or (name,)])
        certificate = (
            self._builder(_name(name), key, life)
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        stem = f"{self.file.stem}-{name}"
        path = self.folder / f"{stem}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path, _write_key(self.folder / f"{stem}.key", key)

    def revoke(self, *certificates: Path) -> Path:
        """The file of a list of revoked certificates."""
        now = datetime.datetime.utcnow()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(now - DAY)
            .next_update(now + DAY)
            .add_extension(self._identifier, critical=False)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for path in certificates:
            serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(serial)
            builder = builder.add_revoked_certificate(revoked.revocation_date(now).build())
        file = self.folder / f"{self.file.stem}.crl"
        file.write_bytes(
            builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        return file

    def revoke_for_ever(self) -> Path:
        """The file of an empty list without nextUpdate (RFC 5280 5.1), which the builder above cannot make."""
        file = self.revoke()
        crl = x509.load_pem_x509_crl(file.read_bytes())
        whole, signed = crl.public_bytes(serialization.Encoding.DER), crl.tbs_certlist_bytes
        body = _content_of(signed)
        at = re.search(rb"\x17\x0d.{13}(\x17\x0d.{13})", body, re.S)
        assert at
        signed = _der_of(0x30, body[: at.start(1)] + body[at.end(1) :])
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        rest = _content_of(whole)
        length = len(crl.tbs_certlist_bytes)
        algorithm = rest[length : length + 2 + rest[length + 1]]
        der = _der_of(0x30, signed + algorithm + _der_of(0x03, b"\0" + signature))
        text = base64.encodebytes(der).decode()
        file.write_text(f"-----BEGIN X509 CRL-----\n{text}-----END X509 CRL-----\n")
        return file


def _content_of(octets: bytes) -> bytes:
    """What is in an element of DER."""
    return octets[2 + (octets[1] & 0x7F if octets[1] & 0x80 else 0) :]


def _der_of(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    return bytes([tag, 0x82]) + length.to_bytes(2, "big") + content
