"""No network while plugins are looked at: who tries to reach it is told so."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def offline() -> Generator[list[str]]:
    """Refuse every connection to another machine, as on one without network; the list names those that were tried."""
    tried: list[str] = []
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def refuse(own: socket.socket, address: Any) -> None:
        if own.family in {socket.AF_INET, socket.AF_INET6} and not _here(address[0]):
            tried.append(str(address[0]))
            raise OSError(f"no network in contract checks: {address[0]}")
        connect(own, address)

    def unknown(host: Any, *rest: Any, **more: Any) -> Any:
        if host is not None and not _here(host):
            tried.append(host.decode() if isinstance(host, bytes) else str(host))
            raise socket.gaierror(f"no network in contract checks: {host}")
        return resolve(host, *rest, **more)

    with patch.object(socket.socket, "connect", refuse), patch.object(socket, "getaddrinfo", unknown):
        yield tried


def _here(host: Any) -> bool:
    return str(host) in {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}
