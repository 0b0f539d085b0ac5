"""A DNS server for tests, on UDP: TXT records by name, silence for names that it is told to."""

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

from tests.waiting import PATIENCE_SECONDS

LAST = "last.example"


@dataclass
class NameServer:
    records: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        return resolver

    def settle(self) -> None:
        """Until all questions that were put before are in `asked`."""
        with suppress(dns.resolver.NXDOMAIN):
            self.resolver().resolve(LAST, "TXT", lifetime=PATIENCE_SECONDS)
        self.asked = [name for name in self.asked if name != LAST]

    def answer(self, wire: bytes) -> bytes | None:
        query = dns.message.from_wire(wire)
        name = str(query.question[0].name).rstrip(".").lower()
        self.asked.append(name)
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        if name in self.records:
            text = self.records[name]
            # A character-string has at most 255 bytes (RFC 1035 section 3.3).
            parts = [text[at : at + 200] for at in range(0, len(text), 200)]
            quoted = " ".join(f'"{part}"' for part in parts)
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", quoted))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65535)


@contextmanager
def running_name_server():
    server = NameServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.2)
        server.port = udp.getsockname()[1]
        stopped = threading.Event()

        def serve():
            while not stopped.is_set():
                try:
                    wire, peer = udp.recvfrom(65535)
                except TimeoutError:
                    continue
                if (answer := server.answer(wire)) is not None:
                    udp.sendto(answer, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            stopped.set()
            thread.join()
