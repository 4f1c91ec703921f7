"""A USIM for tests: literal answers, each with the clause it comes from, behind a card reader or a modem.

The tables were written from TS 31.102, TS 31.103 and TS 102 221, not from what the reader of gba/ sends.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pty
import re
import socket
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from bsf import SET_1

USIM = "a0000000871002ff33ffff8901010000"  # TS 101 220 annex E: RID, PIX of a USIM
ISIM = "a0000000871004ff33ffff8901010000"
RAND, AUTN = SET_1.rand.hex(), SET_1.autn.hex()
RES, CK, IK = SET_1.res.hex(), SET_1.ks[:16].hex(), SET_1.ks[16:].hex()
KC = "eae4be823af9a08b"  # c3 of TS 33.102 6.8.1.2, as osmo-auc-gen prints it for set 1
OK = "9000"


def record(aid: str) -> str:
    """A record of EF_DIR (TS 102 221 13.1): 61 L 4F L AID 50 L label, filled with FF."""
    tags = f"4f{len(aid) // 2:02x}{aid}50045553494d"
    whole = f"61{len(tags) // 2:02x}{tags}"
    return whole + "ff" * (38 - len(whole) // 2)


# Contents of files.
EF_IMSI = "080910100000000010"  # TS 31.102 4.2.2: 001010000000001, 15 digits, odd
EF_AD = "00000002"  # TS 31.102 4.2.18: MNC of two digits
EF_UST = "9e6b1dfc67f6580000ff"  # TS 31.102 4.2.8: service 68 (octet 9, bit 4) is not there
EF_UST_GBA = "9e6b1dfc67f6580008ff"  # ... and is there
IMPI_TEXT = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
EF_IMPI = f"80{len(IMPI_TEXT):02x}{IMPI_TEXT.encode().hex()}"  # TS 31.103 4.2.2
EF_DOMAIN = "801f" + b"ims.mnc001.mcc001.3gppnetwork.o".hex()  # TS 31.103 4.2.3

# TS 31.102 7.1.2.1: DB L RES L CK L IK L Kc; 7.1.2.1: DC L AUTS.
ANSWER_3G = f"db{len(RES) // 2:02x}{RES}10{CK}10{IK}08{KC}"
AUTS = "0102030405060708090a0b0c0d0e"
ANSWER_GBA = f"db{len(RES) // 2:02x}{RES}"  # TS 31.102 7.1.2.4: RES alone
KS_EXT_NAF = "f1" * 32
AUTHENTICATE_3G = f"008800812210{RAND}10{AUTN}"  # TS 31.102 7.1.2: P2 = 81
AUTHENTICATE_GBA = f"0088008423dd10{RAND}10{AUTN}"  # P2 = 84, tag DD


@dataclass
class Card:
    """Answers by command, in hex. A change replaces the answer to one command."""

    changes: dict[str, str | None] = field(default_factory=dict)
    has_isim: bool = False
    does_gba: bool = False
    is_t1: bool = False
    pin: str | None = None
    tries: int = 3
    asked: list[str] = field(default_factory=list)
    _selected: str = ""
    _waiting: str = ""
    _gives_data: bool = False
    _verified: bool = False

    def transmit(self, command: str) -> str | None:
        """The answer; None: the card was pulled out."""
        self.asked.append(command)
        for prefix, answer in self.changes.items():
            if command.startswith(prefix):
                return answer
        end = 10 + (2 * int(command[8:10], 16) if len(command) > 10 else 0)  # of P3, or of data
        if self.is_t1:  # TS 102 221 7.3.1.2: Le is there where data is wanted back, and only there
            self._gives_data = len(command) == (end + 2 if end > 10 else end)
            command = command[:end]
        elif len(command) != end:
            return "6700"  # TS 102 221 7.3.1.1: five octets and data; 10.2.1.5.2: wrong length
        return self._answer(command)

    def _answer(self, command: str) -> str:
        instruction = command[2:4]
        table: dict[str, Callable[[str], str]] = {
            "a4": self._select,
            "b2": self._read_record,
            "b0": self._read_binary,
            "c0": self._get_response,
            "20": self._verify,
            "88": self._authenticate,
            "d6": lambda _: OK,
        }
        return table[instruction](command) if instruction in table else "6d00"

    def _select(self, command: str) -> str:
        what = command[10:]
        known = {"2f00", "6f07", "6fad", "6f38", "6fd6", USIM}
        known |= {"6f02", "6f03", ISIM} if self.has_isim else set()
        if what not in known:
            return "6a82"  # TS 102 221 10.2.1.5.3: not found
        self._selected = what
        return OK

    def _read_record(self, command: str) -> str:
        number, length = int(command[4:6], 16), command[8:10]
        records = [record(USIM)] + ([record(ISIM)] if self.has_isim else [])
        if number > len(records):
            return "6a83"  # TS 102 221 10.2.1.5.3: record not found
        if length == "00" and not self.is_t1:
            return "6c26"  # TS 102 221 7.3.1.1.2: so many octets are to be asked for
        return records[number - 1] + OK

    def _read_binary(self, command: str) -> str:
        if self.pin is not None and not self._verified:
            return "6982"  # TS 102 221 10.2.1.5.3: security status not satisfied
        files = {"6f07": EF_IMSI, "6fad": EF_AD, "6f02": EF_IMPI, "6f03": EF_DOMAIN}
        files["6f38"] = EF_UST_GBA if self.does_gba else EF_UST
        content = files[self._selected]
        wanted = command[8:10]
        if wanted != "00":
            return content[: 2 * int(wanted, 16)] + OK
        return content + OK if self.is_t1 else f"6c{len(content) // 2:02x}"

    def _get_response(self, command: str) -> str:
        answer, self._waiting = self._waiting, ""
        return answer + OK if int(command[8:10], 16) == len(answer) // 2 else "6f00"

    def _verify(self, command: str) -> str:
        if self.pin is None:
            return OK
        if command == ("00200001" if self.is_t1 else "0020000100"):  # TS 102 221 7.3.1.1.1: P3
            return f"63c{self.tries:x}" if self.tries else "6983"  # TS 102 221 11.1.9
        if command == "0020000108" + self.pin.encode().hex() + "ff" * (8 - len(self.pin)):
            self._verified = True
            return OK
        self.tries -= 1
        return f"63c{self.tries:x}" if self.tries else "6983"

    def _later(self, answer: str) -> str:
        if self.is_t1:
            return (answer if self._gives_data else "") + OK
        self._waiting = answer
        return f"61{len(answer) // 2:02x}"  # TS 102 221 7.3.1.1.4: GET RESPONSE fetches it

    def _authenticate(self, command: str) -> str:
        if command == AUTHENTICATE_3G:
            return self._later(ANSWER_3G) if not self.does_gba else "9862"
        if command == AUTHENTICATE_GBA and self.does_gba:
            return self._later(ANSWER_GBA)
        if command.startswith("00880084") and command[10:12] == "de":
            return self._later(f"db20{KS_EXT_NAF}")  # TS 31.102 7.1.2.4: DB L Ks_ext_NAF
        return "9862"  # TS 31.102 7.3: incorrect MAC


class Modem:
    """The card behind AT+CSIM and AT+CRSM (TS 27.007 8.17, 8.18), on a pty; `noise` comes between the lines."""

    def __init__(
        self, card: Card, noise: str = "", echo: bool = True, csim: str = "", quote: str = '"'
    ) -> None:
        self.card, self.noise, self.echo, self.csim = card, noise, echo, csim
        self.quote = quote
        self.lines: list[str] = []
        self.ours, self.theirs = pty.openpty()
        tty.setraw(self.theirs)
        self.path = os.ttyname(self.theirs)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.theirs)
        os.close(self.ours)

    def _run(self) -> None:
        pending = ""
        while True:
            try:
                octets = os.read(self.ours, 4096)
            except OSError:
                return
            pending += octets.decode(errors="replace")
            while "\r" in pending:
                line, pending = pending.split("\r", 1)
                self.lines.append(line)
                answer = self._answer(line.strip())
                if answer is not None:
                    echo = line + "\r\r\n" if self.echo else ""
                    os.write(self.ours, (echo + self.noise + answer).encode())

    def _answer(self, line: str) -> str | None:
        if self.csim:
            return None if self.csim == "silence" else f"\r\n{self.csim}\r\n"
        found = re.fullmatch(r'AT\+CSIM=(\d+),"([0-9a-fA-F]+)"', line)
        if found is None:
            return self._crsm(line)
        assert int(found[1]) == len(found[2])
        answer = self.card.transmit(found[2].lower())
        if answer is None:
            return "\r\n+CME ERROR: 10\r\n"  # TS 27.007 9.2.1: SIM not inserted
        hexed = f"{self.quote}{answer.upper()}{self.quote}"
        return f"\r\n+CSIM: {len(answer)},{hexed}\r\n{self.noise}\r\nOK\r\n"

    def _crsm(self, line: str) -> str:
        files = {"28423": EF_IMSI, "28589": EF_AD}  # decimal, as TS 27.007 wants it
        found = re.fullmatch(r"AT\+CRSM=176,(\d+),0,0,(\d+)", line)
        if found is None or found[1] not in files:
            return "\r\nERROR\r\n"
        hexed = f"{self.quote}{files[found[1]][: 2 * int(found[2])].upper()}{self.quote}"
        return f"\r\n+CRSM: 144,0,{hexed}\r\n\r\nOK\r\n"


class Reader:
    """The card in vpcd's virtual reader: length in two octets, then a command of the reader or an APDU."""

    ATR = bytes.fromhex("3b9f96801fc78031a073be21136743200718000001a5")
    ATR_T1 = bytes.fromhex("3b800181")  # ISO/IEC 7816-3 8.2: TD1 says T=1 alone; TCK

    def __init__(self, card: Card, port: int) -> None:
        self.card, self.port = card, port
        self.is_powered = threading.Event()  # the ATR was asked for
        self.socket: socket.socket | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.socket
        self.socket.close()

    def _receive(self, count: int) -> bytes:
        assert self.socket
        octets = b""
        while len(octets) < count:
            more = self.socket.recv(count - len(octets))
            if not more:
                raise ConnectionError
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            octets += more
        return octets

    def _run(self) -> None:
        assert self.socket
        try:
            while True:
                command = self._receive(int.from_bytes(self._receive(2), "big"))
                if len(command) == 1:
                    if command == b"\x04":
                        self._send(self.ATR_T1 if self.card.is_t1 else self.ATR)
                        self.is_powered.set()
                    continue
                answer = self.card.transmit(command.hex())
                if answer is None:
                    self.socket.close()  # pulled out
                    return
                self._send(bytes.fromhex(answer))
        except OSError:
            return

    def _send(self, octets: bytes) -> None:
        assert self.socket
        self.socket.sendall(len(octets).to_bytes(2, "big") + octets)
