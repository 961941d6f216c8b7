"""Runs wsproto or websockets on batches of streams until stdin is closed.

    python3 python_peer.py wsproto

The script first writes its version, then answers each request. In both directions, a message is a length in four
bytes, big-endian, followed by that many bytes of JSON. A request is a list of [role, stream in hex, [cut positions]]. An
answer is a list of [[event], error or null], where an error is [close code, number of bytes received].
"""

import json
import struct
import sys


def close_event(payload):
    if not payload:
        return "close:none:"
    if len(payload) == 1:
        return "close:short:"
    return f"close:{payload[0] * 256 + payload[1]}:{payload[2:].hex()}"


def wsproto_runner():
    import wsproto
    from wsproto.connection import Connection, ConnectionState, ConnectionType
    from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
    from wsproto.frame_protocol import CloseReason

    def run(role, chunks):
        connection = Connection(ConnectionType.SERVER if role == "server" else ConnectionType.CLIENT)
        events, parts, after = [], [], 0
        for chunk in chunks:
            after += len(chunk)
            connection.receive_data(chunk)
            for event in connection.events():
                if isinstance(event, (TextMessage, BytesMessage)):
                    is_text = isinstance(event, TextMessage)
                    parts.append(event.data.encode() if is_text else bytes(event.data))
                    if event.message_finished:
                        events.append(f"{'text' if is_text else 'binary'}:{b''.join(parts).hex()}")
                        parts = []
                elif isinstance(event, Ping):
                    events.append(f"ping:{event.payload.hex()}")
                elif isinstance(event, Pong):
                    events.append(f"pong:{event.payload.hex()}")
                elif isinstance(event, CloseConnection):
                    # An error is the same event, but does not change the state of the connection.
                    if connection.state is ConnectionState.OPEN:
                        return events, [int(event.code), after]
                    code = "none" if event.code == CloseReason.NO_STATUS_RCVD else int(event.code)
                    events.append(f"close:{code}:{(event.reason or '').encode().hex()}")
                    return events, None
        return events, None

    return wsproto.__version__, run


def websockets_runner():
    import websockets.version
    from websockets.frames import OP_CLOSE, OP_CONT, OP_PING, OP_PONG, OP_TEXT

    try:
        from websockets.protocol import CLIENT, SERVER, Protocol
    except ImportError:
        from websockets.connection import CLIENT, SERVER
        from websockets.connection import Connection as Protocol

    def run(role, chunks):
        protocol = Protocol(SERVER if role == "server" else CLIENT, max_size=None)
        events, after = [], 0
        kind, parts = "", []
        for chunk in chunks:
            after += len(chunk)
            protocol.receive_data(chunk)
            for frame in protocol.events_received():
                data = bytes(frame.data)
                if frame.opcode is OP_PING:
                    events.append(f"ping:{data.hex()}")
                elif frame.opcode is OP_PONG:
                    events.append(f"pong:{data.hex()}")
                elif frame.opcode is OP_CLOSE:
                    events.append(close_event(data))
                    return events, None
                else:
                    if frame.opcode is not OP_CONT:
                        kind, parts = "text" if frame.opcode is OP_TEXT else "binary", []
                    parts.append(data)
                    if frame.fin:
                        events.append(f"{kind}:{b''.join(parts).hex()}")
            if protocol.parser_exc is not None:
                sent = protocol.close_sent
                return events, [sent and int(sent.code), after]
        return events, None

    return websockets.version.version, run


def read(count):
    data = sys.stdin.buffer.read(count)
    if len(data) < count:
        sys.exit()
    return data


def write(value):
    data = json.dumps(value).encode()
    sys.stdout.buffer.write(struct.pack("!I", len(data)) + data)
    sys.stdout.buffer.flush()


def pieces(stream, cuts):
    start = 0
    for cut in [*cuts, len(stream)]:
        yield stream[start:cut]
        start = cut


version, run = {"wsproto": wsproto_runner, "websockets": websockets_runner}[sys.argv[1]]()
write(version)
while True:
    (length,) = struct.unpack("!I", read(4))
    answers = []
    for role, stream, cuts in json.loads(read(length)):
        answers.append(run(role, pieces(bytes.fromhex(stream), cuts)))
    write(answers)
