"""Makes what proves that a machine belongs to the farm: a CA of its own, and one key that it signed for all."""

from __future__ import annotations

import datetime
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from service.errors import WrongState
from service.private import make_private_folder, write_private

AUTHORITY = "ca.pem"
MEMBER = "farm.pem"  # certificate and key
YEARS = 10


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """Make both files in ``folder``, for the user only; return them. Raises WrongState where there are some already.

    The CA's own key is thrown away: nobody, not even who made the farm, can let another key in later.
    """
    authority, member = folder / AUTHORITY, folder / MEMBER
    for file in (authority, member):
        if file.exists():
            raise WrongState(
                f"{file} is there already: other machines may use it.",
                fix="Copy it to them, or delete both files, make new ones, and copy those to every machine.",
            )
    make_private_folder(folder)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = _name("DropKey farm CA"), _name("DropKey farm")
    ca = _unsigned(ca_name, ca_name, ca_key.public_key(), ca_key.public_key())
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(_usage(signs_certificates=True), critical=True)
    cert = _unsigned(name, ca_name, key.public_key(), ca_key.public_key())
    cert = cert.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    cert = cert.add_extension(_usage(signs_certificates=False), critical=True)
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    cert = cert.add_extension(both, critical=False)
    cert = cert.add_extension(x509.SubjectAlternativeName([x509.DNSName("dropkey-farm")]), critical=False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(authority, ca.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode())
    write_private(member, cert.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode() + private.decode())
    return authority, member


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"{socket.gethostname()[:40]} {os.urandom(4).hex()}"),
        ]
    )


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ca_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A day back: the clocks of a farm differ.
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        # Python 3.13 checks as strictly as RFC 5280 is written: both must be there.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
