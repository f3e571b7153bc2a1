"""A stand-in for one HTTPS site, for programs that find it through a proxy.

Purpose: tests of others that read a file from the Internet run where there is none. Invariant: only
this site is there, and only what is in one directory of files. Neighbours: tools/conformance.
"""
from __future__ import annotations

import datetime
import socketserver
import ssl
import threading
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Site(socketserver.ThreadingTCPServer):
    """`name`, with the files of a directory under their own names, whatever path leads to them."""

    daemon_threads = True

    def __init__(self, name: str, files: Path, directory: Path) -> None:
        self.name, self.files = name, files
        self.certificate = certify(name, directory)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate)
        super().__init__(('127.0.0.1', 0), Tunnel)

    def start(self) -> Site:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def environment(self) -> dict[str, str]:
        """What makes programs come here."""
        return {'https_proxy': f'http://127.0.0.1:{self.server_address[1]}', 'no_proxy': '',
                'SSL_CERT_FILE': str(self.certificate), 'REQUESTS_CA_BUNDLE': str(self.certificate)}


class Tunnel(socketserver.BaseRequestHandler):
    """One CONNECT, and one GET inside."""

    server: Site

    def handle(self) -> None:
        asked = _head(self.request).split()
        if asked[:2] != ['CONNECT', f'{self.server.name}:443']:
            self.request.sendall(b'HTTP/1.1 502 Not here\r\n\r\n')
            return
        self.request.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        with self.server.context.wrap_socket(self.request, server_side=True) as inside:
            file = self.server.files / _head(inside).split()[1].rpartition('/')[2]
            body = file.read_bytes() if file.is_file() else b''
            status = '200 OK' if file.is_file() else '404 Not Found'
            inside.sendall(f'HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n'
                           'Connection: close\r\n\r\n'.encode() + body)


def _head(stream: Any) -> str:
    text = b''
    while b'\r\n\r\n' not in text:
        more = stream.recv(4096)
        if not more:
            break
        text += more
    return text.decode(errors='replace')


def certify(name: str, directory: Path) -> Path:
    """A file with a key and a certificate for `name`, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    path = directory / f'{name}.pem'
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM))
    return path
