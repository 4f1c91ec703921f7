"""The TCP connections of another process, and what is set on them.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

SYS_PIDFD_GETFD = 438  # every architecture has this number
TCP_ESTABLISHED = 1  # the first octet of TCP_INFO
TCP_USER_TIMEOUT = 18  # <linux/tcp.h>; ms


def borrowed(pid: int) -> Iterator[socket.socket]:
    """The sockets of a process that we started, one after the other, as descriptors of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                is_socket = os.readlink(entry).startswith("socket:")
            except FileNotFoundError:  # closed meanwhile
                continue
            if not is_socket:
                continue
            fd = libc.syscall(SYS_PIDFD_GETFD, process, int(entry.name), 0)
            if fd < 0 and ctypes.get_errno() == errno.EBADF:  # closed meanwhile
                continue
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            with socket.socket(fileno=fd) as borrow:
                yield borrow
    finally:
        os.close(process)


def unread_at(port: int) -> int:
    """Octets that have come to the connections of a port, and that nobody has read yet."""
    suffix = f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(
        int(row[4].split(":")[1], 16) for row in rows if row[1].endswith(suffix) and row[3] == "01"
    )


def connections(pid: int, option: int = socket.TCP_NODELAY) -> dict[tuple[int, int], int]:
    """Established TCP connections by their ports, here and there: the value of an option of each."""
    found = {}
    for borrow in borrowed(pid):
        if borrow.family == socket.AF_UNIX:
            continue
        if borrow.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_ESTABLISHED:
            ports = (borrow.getsockname()[1], borrow.getpeername()[1])
            found[ports] = borrow.getsockopt(socket.IPPROTO_TCP, option)
    return found
