"""Which addresses the farm may use, and how Dask is set up on all three ends: our certificates, no dashboard."""

from __future__ import annotations

import ipaddress
import logging
from typing import Any
from urllib.parse import urlsplit

import dask.config
from distributed.security import Security

from service.errors import Misconfigured
from service.executor.dask.certificates import AUTHORITY, MEMBER
from service.private import others_may_read
from service.settings import Settings

PORT = 8786


def check_address(address: str) -> tuple[str, str, int]:
    """Return protocol, host and port of ``address``. Raises Misconfigured where it is none, or open to strangers."""
    parts = urlsplit(address)
    try:
        protocol, host, port = parts.scheme, parts.hostname or "", parts.port or PORT
    except ValueError:
        protocol, host, port = "", "", 0
    if protocol not in ("tls", "tcp") or not host:
        raise Misconfigured(f"'{address}' is not the address of a scheduler.", fix="Write it as tls://host:8786.")
    if protocol == "tcp" and not is_loopback(host):
        raise Misconfigured(
            f"DropKey does not talk to {address}: without TLS anybody on the network could run programs here.",
            fix="Make certificates with `dropkey farm init`, copy them to every machine, and write tls:// for tcp://.",
        )
    return protocol, host, port


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` can only be this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def security(settings: Settings, protocol: str) -> Security | None:
    """Return the certificates for Dask; None for plain TCP. Raises Misconfigured where they are not there."""
    if protocol == "tcp":
        return None
    authority, member = settings.certificates / AUTHORITY, settings.certificates / MEMBER
    for file in (authority, member):
        if not file.is_file():
            raise Misconfigured(
                f"The farm's certificate {file} is not there.",
                fix="Run `dropkey farm init` on one machine, and copy its folder to the others.",
            )
    if others_may_read(member):
        raise Misconfigured(
            f"Others can read the farm's key {member}.", fix=f"Take that right from them (chmod 600 {member})."
        )
    ends = {f"tls_{end}_{what}": str(member) for end in ("scheduler", "worker", "client") for what in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=str(authority), **ends)


def set_up(settings: Settings) -> None:
    """Choose Dask's settings for this process."""
    seconds = settings.farm.lost_seconds
    choices: dict[str, Any] = {
        # Its pages would show paths and names to whoever asks; ours are behind the token.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # Looked at once in this time, too: twice that may pass.
        "distributed.scheduler.worker-ttl": f"{seconds / 2}s",
        # Who lost a piece, and whether it is tried again, is decided by the queue, which knows the frames.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.work-stealing": False,
        "distributed.comm.timeouts.connect": "10s",
        "distributed.comm.timeouts.tcp": f"{max(15.0, seconds / 2)}s",
        "distributed.comm.retry.count": 0,
        "distributed.worker.profile.enabled": False,
        "distributed.admin.low-level-log-length": 100,
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.worker.use-file-locking": False,
    }
    dask.config.set(choices)
    # What matters of it is said by ourselves, in the words of this house.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
