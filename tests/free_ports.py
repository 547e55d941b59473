"""Ports for servers that the tests start."""

from __future__ import annotations

import os
import socket
from itertools import count

_ports = count(20_000 + os.getpid() % 1_000 * 10)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on.

    Each process begins at ports of its own, below those that the kernel gives to outgoing connections: until
    the server listens, neither another process of the tests nor a connection takes the port.
    """
    while True:
        port = next(_ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
