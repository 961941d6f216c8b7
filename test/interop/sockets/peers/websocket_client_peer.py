"""Python's websocket-client."""

import socket
import struct

import websocket
from lines import FRAGMENTS, orders, report, split
from websocket import ABNF


def obey(ws, command):
    name, rest, code, reason = split(command)
    if name == "!ping":
        ws.ping(rest)
    elif name == "!fragments":
        for i, part in enumerate(FRAGMENTS):
            if i > 0:
                ws.ping(f"between {i}")
            opcode = ABNF.OPCODE_CONT if i > 0 else ABNF.OPCODE_TEXT
            ws.send_frame(ABNF.create_frame(part.encode(), opcode, int(i == len(FRAGMENTS) - 1)))
    elif name == "!close" and code:
        ws.send_close(code, reason.encode())
    elif name == "!close":
        ws.send(b"", ABNF.OPCODE_CLOSE)
    elif name == "!abort":
        ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ws.shutdown()


def talk(order):
    ws = websocket.create_connection(order["url"], subprotocols=order["protocols"] or None, enable_multithread=False)
    pings, pongs = [], []
    code, reason = 1006, ""
    try:
        while True:
            opcode, frame = ws.recv_data_frame(control_frame=True)
            if opcode == ABNF.OPCODE_TEXT:
                message = frame.data.decode()
                if message.startswith("!"):
                    obey(ws, message)
                else:
                    ws.send(message)
            elif opcode == ABNF.OPCODE_BINARY:
                ws.send_binary(frame.data)
            elif opcode == ABNF.OPCODE_PING:
                pings.append(frame.data.decode())
            elif opcode == ABNF.OPCODE_PONG:
                pongs.append(frame.data.decode())
            elif opcode == ABNF.OPCODE_CLOSE:
                # By now, it has answered, always with 1000.
                code = struct.unpack("!H", frame.data[:2])[0] if frame.data else 1005
                reason = frame.data[2:].decode()
                # The server must end TCP. The library leaves waiting for that to its user.
                while ws.sock.recv(65536):
                    pass
                break
    except (websocket.WebSocketException, ConnectionError):
        pass
    subprotocol = ws.getsubprotocol()
    ws.shutdown()
    report(order["url"], code, reason, subprotocol, pings, pongs)


for order in orders():
    talk(order)
