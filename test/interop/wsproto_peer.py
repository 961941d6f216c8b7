"""A peer made of wsproto and a socket, server or client. It echoes messages and obeys those of the form "!...".

    python3 wsproto_peer.py server '{"subprotocols": [], "deflate": {}}'
    python3 wsproto_peer.py client '{...}' ws://127.0.0.1:1234/

A server prints its port and serves one connection. When it has ended, the peer prints a line of JSON that describes it.
"""

import json
import socket
import sys
from urllib.parse import urlsplit

from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

TIMEOUT = 30


class Peer:
    def __init__(self, role, options, stream, url=None):
        self.options = options
        self.stream = stream
        self.ws = WSConnection(ConnectionType.SERVER if role == "server" else ConnectionType.CLIENT)
        self.report = {"code": None, "reason": None, "subprotocol": None, "pings": [], "pongs": [], "pieces": []}
        self.parts = []
        self.is_over = False
        if role == "client":
            self.send(
                Request(
                    host=url.netloc,
                    target=url.path or "/",
                    subprotocols=options["subprotocols"],
                    extensions=self.extensions(),
                )
            )

    def extensions(self):
        deflate = self.options.get("deflate")
        return [] if deflate is None else [PerMessageDeflate(**deflate)]

    def send(self, event):
        self.stream.sendall(self.ws.send(event))

    def run(self):
        while not self.is_over:
            try:
                data = self.stream.recv(65536)
            except ConnectionError:
                data = b""
            self.ws.receive_data(data or None)
            for event in self.ws.events():
                self.handle(event)
            # At the end of the stream, wsproto reports a Close with code 1006.
            if not data:
                self.is_over = True
        self.stream.close()
        print(json.dumps(self.report))

    def handle(self, event):
        if isinstance(event, Request):
            # wsproto refuses a subprotocol that was not offered, so this chooses the first of ours that was.
            chosen = next((name for name in self.options["subprotocols"] if name in event.subprotocols), None)
            self.report["subprotocol"] = chosen
            self.send(AcceptConnection(subprotocol=chosen, extensions=self.extensions()))
        elif isinstance(event, AcceptConnection):
            self.report["subprotocol"] = event.subprotocol
        elif isinstance(event, RejectConnection):
            raise SystemExit(f"rejected with {event.status_code}")
        elif isinstance(event, Message):
            self.parts.append(event.data)
            if event.message_finished:
                self.report["pieces"].append(len(self.parts))
                parts, self.parts = self.parts, []
                self.message("".join(parts) if isinstance(event, TextMessage) else b"".join(parts))
        elif isinstance(event, Ping):
            self.report["pings"].append(event.payload.decode())
            self.send(event.response())
        elif isinstance(event, Pong):
            self.report["pongs"].append(event.payload.decode())
        elif isinstance(event, CloseConnection):
            if event.code != 1006:
                self.report["code"] = int(event.code)
                self.report["reason"] = event.reason
            if self.ws.state is ConnectionState.REMOTE_CLOSING:
                self.send(event.response())
            self.is_over = True

    def message(self, data):
        if not isinstance(data, str):
            self.send(BytesMessage(data=data))
        elif data.startswith("!"):
            self.obey(data)
        else:
            self.send(TextMessage(data=data))

    def obey(self, command):
        name, _, rest = command.partition(" ")
        if name == "!ping":
            self.send(Ping(payload=rest.encode()))
        elif name == "!fragments":
            parts = ["Zwölf ", "", "Boxkämpfer", " 🥊"]
            for i, part in enumerate(parts):
                if i > 0:
                    self.send(Ping(payload=f"between {i}".encode()))
                self.send(TextMessage(data=part, message_finished=i == len(parts) - 1))
        elif name == "!close" and rest:
            code, _, reason = rest.partition(" ")
            self.send(CloseConnection(code=int(code), reason=reason))
        elif name == "!close":
            self.send(CloseConnection(code=CloseReason.NO_STATUS_RCVD))
        elif name == "!abort":
            self.is_over = True


def main():
    role, options = sys.argv[1], json.loads(sys.argv[2])
    if role == "server":
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(TIMEOUT)
            print(server.getsockname()[1])
            stream, _ = server.accept()
        stream.settimeout(TIMEOUT)
        Peer(role, options, stream).run()
    else:
        url = urlsplit(sys.argv[3])
        stream = socket.create_connection((url.hostname, url.port), TIMEOUT)
        Peer(role, options, stream, url).run()


main()
