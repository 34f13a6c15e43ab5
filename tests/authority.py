"""An authority of our own, whose certificates real servers and clients take."""

from __future__ import annotations

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates, and gives its own."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self._name, self._key, authority=True)

    def issue(self, name: str) -> tuple[bytes, bytes]:
        """(certificate, key) as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = self._signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, authority=False)
        form, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return pem, key.private_bytes(form, kind, serialization.NoEncryption())

    def _signed(self, subject: x509.Name, key: Any, *, authority: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, authority, authority, False, False), critical=True
            )
        )  # fmt: skip
        return built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
