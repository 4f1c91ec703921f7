"""docs/log.md has every event of the logs with its keys, and no other: by the calls in the sources.

SPDX-License-Identifier: Apache-2.0
"""

import re

from project import ROOT

CALL = re.compile(r"\b(log_event|log_limited|log_refused|audit|ue_log|report_suppressed)\(")
NAME = re.compile(r'"([a-z][a-z0-9-]*)"')
LEVELS = {"err", "warning", "info"}


def arguments(source: str, start: int) -> list[str]:
    """What is between the parentheses of a call, split at its own commas."""
    depth, quoted, parts, part = 1, False, [], ""
    for at in range(start, len(source)):
        char = source[at]
        if char == '"' and source[at - 1] != "\\":
            quoted = not quoted
        if not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                break
            if char == "," and depth == 1:
                parts.append(part.strip())
                part = ""
                continue
        part += char
    return [*parts, part.strip()]


def said() -> dict[str, set[str]]:
    """Event -> keys, of every call in the programs' sources."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "e2e").rglob("*.c")):
        source = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.S)
        for match in CALL.finditer(source):
            words = arguments(source, match.end())
            if match[1] in ("log_limited", "log_refused", "ue_log"):
                words = words[1:]
            events = NAME.findall(words[0])
            keys = {key for word in words[1::2] for key in NAME.findall(word)}
            if match[1] == "ue_log":
                keys |= {"endpoint", "peer", "identity", "device"}
                if "flag" in events:  # an e2e connection has none
                    keys.add("ua-protocol-id")
            if match[1] == "log_refused":
                keys = {"result", "reason"}
            if match[1] in ("log_limited", "log_refused", "report_suppressed"):
                keys |= {"suppressed"}
            for event in events:
                found.setdefault(event, set()).update(keys)
    return found


def documented() -> dict[str, tuple[str, set[str]]]:
    """Event -> severity and keys, of the page's tables."""
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| *([a-z, ]*?) *\| *((?:`[a-z0-9-]+`(?:, )?)*) *\| \S.* \|$",
        (ROOT / "docs/log.md").read_text(),
        re.M,
    )
    return {
        event: (severity, set(NAME.findall(keys.replace("`", '"'))))
        for event, severity, keys in rows
    }


def test_every_event_and_key_is_in_the_page() -> None:
    """Guards against an event or a key of the logs that docs/log.md lacks, or that no program writes any more."""
    listed = {event: keys for event, (_, keys) in documented().items()}
    known = {event: keys - {"severity"} for event, keys in said().items()}
    assert len(known) >= 40 and listed == known


def test_severities_are_those_of_the_source() -> None:
    """Guards against a severity in docs/log.md that log.c does not write."""
    source = (ROOT / "e2e/ops/log.c").read_text()
    table = dict(re.findall(r'\{"([a-z-]+)", (NULL|"[a-z]+")\}', source))
    assert len(table) >= 6
    for event, (severity, _) in documented().items():
        own = table.get(event, '"info"').strip('"')
        if event.startswith("key-"):
            assert severity == ""  # the audit log's
        elif own == "NULL" or event in ("reload", "upgrade"):
            assert set(severity.split(", ")) <= LEVELS
        else:
            assert severity == own, event


if __name__ == "__main__":
    for name, its_keys in sorted(said().items()):
        print(name, *sorted(its_keys - {"severity"}))
