"""How a service is set up: where it listens, who may talk to it, and how much it takes."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import os
import ssl
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xrayscan.service.errors import ServiceError

__all__ = ["TOKEN_VARIABLE", "Access", "Binding", "Limits", "is_loopback"]

logger = logging.getLogger(__name__)

TOKEN_VARIABLE = "XRAYSCAN_TOKEN"
"""Environment variable that may hold the token."""

_SHORTEST = 24  # characters: 128 bits and more, as `secrets.token_urlsafe` writes them
_HOW = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class Limits:
    """How much a service takes, keeps and waits for.

    Attributes
    ----------
    upload_bytes : int [B]
        Of one request's body.
    upload_seconds, idle_seconds : float [s]
        For one whole upload, and without a byte of it.
    uploads : int
        At the same time.
    streams : int
        Scans that come line by line at the same time; each has a process for first looks, with a model of its own.
    stream_seconds, line_seconds : float [s]
        For one whole stream, and without a message of it.
    queue : int
        Scans that are uploaded, waiting or being screened; more are refused with 429.
    screening_seconds : float [s]
        For one scan in its worker process, which is ended after that.
    wait_seconds : float [s]
        Longest that a request may wait for a report.
    keep_seconds, keep_bytes, keep_scans : float [s], int [B], int
        Finished scans are removed when they are older, and the oldest when they are more.
    free_bytes : int [B]
        Room on the disk that uploads must leave.
    drain_seconds : float [s]
        For scans in hand when the service stops; the others are screened after the next start.

    Raises
    ------
    ServiceError
        If one is not above 0.
    """

    upload_bytes: int = 1 << 30
    upload_seconds: float = 300.0
    idle_seconds: float = 30.0
    uploads: int = 32
    streams: int = 2
    stream_seconds: float = 900.0
    line_seconds: float = 30.0
    queue: int = 64
    screening_seconds: float = 120.0
    wait_seconds: float = 60.0
    keep_seconds: float = 86_400.0
    keep_bytes: int = 20 << 30
    keep_scans: int = 10_000
    free_bytes: int = 1 << 30
    drain_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ServiceError(f"setting up the service: {name} is {value}; give a number above 0")


@dataclass(frozen=True)
class Access:
    """Who may talk to the service: whoever knows one of its tokens; everyone, if there is none.

    Only hashes are kept, so that no token can end up in a log or a traceback.

    Examples
    --------
    >>> access = Access.of(["correct-horse-battery-staple"])
    >>> access.allows("Bearer correct-horse-battery-staple"), access.allows("Bearer guess"), access.allows("")
    (True, False, False)
    """

    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, tokens: Iterable[str]) -> Access:
        """Access by these tokens.

        Raises
        ------
        ServiceError
            If one is short, or has a character that a header cannot carry.
        """
        digests = []
        for number, token in enumerate(tokens, 1):
            if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
                raise ServiceError(
                    f"reading token {number}: it has {len(token)} characters; expected {_SHORTEST} or more, ASCII without "
                    f"spaces: {_HOW}"
                )
            digests.append(hashlib.sha256(token.encode()).digest())
        return cls(tuple(digests))

    @classmethod
    def found(cls, file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Access:
        """Access by the tokens of a file, one a line, or by that of `TOKEN_VARIABLE`; none if neither is given.

        Several lines let a token be replaced without a moment when neither holds.

        Raises
        ------
        ServiceError
            If the file cannot be read or holds none, or a token is too short.
        """
        if file is None:
            token = environment.get(TOKEN_VARIABLE, "").strip()
            return cls.of([token] if token else [])
        try:
            lines = file.read_text(encoding="utf-8").split("\n")
            mode = file.stat().st_mode
        except (OSError, UnicodeDecodeError) as error:
            told = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ServiceError(f"reading the token file {file}: {told}; name a text file with one token a line") from error
        tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not tokens:
            raise ServiceError(f"reading the token file {file}: it holds no token; {_HOW}")
        if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            logger.warning("the token file %s can be read by others on this machine; run: chmod 600 %s", file, file)
        return cls.of(tokens)

    def allows(self, header: str) -> bool:
        """Whether an ``Authorization`` header carries one of the tokens; how long that takes says nothing of them."""
        scheme, _, token = header.partition(" ")
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        matches = [hmac.compare_digest(digest, known) for known in self.digests]
        return scheme.lower() == "bearer" and any(matches)

    def __bool__(self) -> bool:
        return bool(self.digests)


@dataclass(frozen=True)
class Binding:
    """Where a service listens.

    Attributes
    ----------
    host : str
        Name or address of this machine.
    port : int
        0 takes a free one.
    certificate, key : Path or None
        PEM files; with both it speaks TLS.

    Raises
    ------
    ServiceError
        If only one of them is given, or one is not there.
    """

    host: str = "127.0.0.1"
    port: int = 8646
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ServiceError("setting up TLS: a certificate and its key are needed; give both --tls-cert and --tls-key")
        for path in (self.certificate, self.key):
            if path is not None and not path.is_file():
                raise ServiceError(f"setting up TLS: there is no file {path}; give a PEM file")

    @property
    def speaks_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.certificate is not None

    def check(self, access: Access) -> None:
        """Refuse an open door.

        Raises
        ------
        ServiceError
            If others than this machine could reach the service and no token is asked of them.
        """
        if self.certificate is not None and self.key is not None:
            _check_pair(self.certificate, self.key)
        if is_loopback(self.host):
            return
        if not access:
            raise ServiceError(
                f"listening on {self.host}: other machines could submit scans and read reports without a token; set "
                f"{TOKEN_VARIABLE} or give --token-file, or listen on 127.0.0.1. {_HOW[0].upper()}{_HOW[1:]}"
            )
        if not self.speaks_tls:
            logger.warning(
                "listening on %s without TLS: scans, reports and the token can be read on the way; give --tls-cert and "
                "--tls-key, or let a proxy on this machine do it",
                self.host,
            )


def _check_pair(certificate: Path, key: Path) -> None:
    """Whether TLS can be set up, before anybody is told that it is served."""

    def refuse() -> str:
        raise ServiceError(f"setting up TLS: the key {key} has a passphrase, and nobody is there to be asked; take it off")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, refuse)
    except OSError as error:
        raise ServiceError(
            f"setting up TLS: {certificate} and {key} are no certificate and its key ({error}); give two PEM files that belong "
            "together"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether a name or address is reached from this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
