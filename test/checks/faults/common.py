"""Faults of what the programs share, and of what users lift.

SPDX-License-Identifier: Apache-2.0
"""

from room import Room, of

FAULTS = [
    *of(
        "private_file.c",
        ("(status->st_mode & (S_IRWXG | S_IRWXO)) == 0", "(status->st_mode & S_IRWXG) == 0"),
        (
            "(status->st_mode & (S_IRWXG | S_IRWXO)) == 0; /",
            "",
        )
        if False
        else ("return S_ISREG(status->st_mode) ||", "return true || S_ISREG(status->st_mode) ||"),
        ("if (status->st_uid != geteuid())", "if (false)"),
        ("return insecure || private_file_is_private(status) ||", "return true ||"),
        (" | O_NONBLOCK, 0600);", ", 0600);"),
        ("if (lstat(path, &status) == 0 && !is_regular(&status, fault))\\n        return -1;", ""),
        ("if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) == 0)", "if (true)"),
        ("return open_checked(path, O_RDONLY, insecure, fault);", ""),
    ),
]
