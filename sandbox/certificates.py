"""The keys and certificates of a control plane, made in a few milliseconds: elliptic curves, ten years."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.errors import SandboxError

LIFETIME = timedelta(days=3650)
# Certificates are valid since an hour ago, for the sake of a clock that is set back.
BACKDATED = timedelta(hours=1)

SERVING = ("127.0.0.1", "10.96.0.1", "fd00:10:96::1", "localhost", "kubernetes", "kubernetes.default")
SERVICE = ("kubernetes.default.svc", "kubernetes.default.svc.cluster.local")

# Who may do what is said by the common name and the organisations: https://kubernetes.io/docs/setup/best-practices/certificates/
CLIENTS = {
    "admin": ("sandbox-admin", ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
}
# The API server, when it asks a kubelet for a log; nobody else, so there is no kubeconfig.
OF_API_SERVER = ("kube-apiserver-kubelet-client", ("system:masters",))


@dataclass(frozen=True)
class Authority:
    """Somebody whose signature is believed."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def create(cls, name: str) -> "Authority":
        """A self-signed authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
        certificate = (
            _builder(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, directory: Path, file: str) -> "Authority":
        """What `write` wrote."""
        certificate = x509.load_pem_x509_certificate((directory / f"{file}.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{file}.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SandboxError(f"{directory / file}.key is no key of a sandbox")
        return cls(certificate, key)

    def issue(
        self, directory: Path, file: str, name: str, organisations: Sequence[str] = (), hosts: Sequence[str] = ()
    ) -> None:
        """`file.crt` and `file.key` are in the directory: a server's when there are hosts, otherwise a client's."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organisations]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(subject, self.certificate.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(each) for each in hosts])
            builder = builder.add_extension(names, critical=False)
        _write(directory / f"{file}.crt", _pem(builder.sign(self.key, hashes.SHA256())))
        _write(directory / f"{file}.key", _private(key))

    def write(self, directory: Path, file: str) -> None:
        """`file.crt` and `file.key` are in the directory."""
        _write(directory / f"{file}.crt", _pem(self.certificate))
        _write(directory / f"{file}.key", _private(self.key))


def create(directory: Path, addresses: Sequence[str] = ()) -> None:
    """Everything that a control plane on loopback and these addresses needs is in the directory, or nothing yet."""
    if directory.exists():
        return
    draft = directory.with_suffix(f".{os.getpid()}")
    draft.mkdir(mode=0o700, exist_ok=True)
    authority = Authority.create("ovnloom-sandbox")
    authority.write(draft, "ca")
    authority.issue(draft, "apiserver", "kube-apiserver", hosts=(*SERVING, *SERVICE, *addresses))
    for file, (name, organisations) in CLIENTS.items():
        authority.issue(draft, file, name, organisations)
    authority.issue(draft, "kubelet-client", *OF_API_SERVER)
    front_proxy = Authority.create("ovnloom-sandbox-front-proxy")
    front_proxy.write(draft, "front-proxy-ca")
    front_proxy.issue(draft, "front-proxy-client", "front-proxy-client")
    tokens = ec.generate_private_key(ec.SECP256R1())
    _write(draft / "service-accounts.key", _private(tokens))
    _write(draft / "service-accounts.pub", _public(tokens.public_key()))
    draft.rename(directory)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    start = datetime.now(UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _public(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
