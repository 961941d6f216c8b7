"""A server: gevent-websocket under Flask, as in Flask-SocketIO."""

from socket import SHUT_RDWR

from flask import Flask, request
from gevent import monkey, sleep

monkey.patch_all(thread=False)

from gevent.pywsgi import WSGIServer
from geventwebsocket.exceptions import WebSocketError
from geventwebsocket.handler import WebSocketHandler
from geventwebsocket.websocket import WebSocket
from lines import end_with_input, report, say, split

app = Flask(__name__)
# gevent-websocket calls this to choose a subprotocol.
app.app_protocol = lambda path: "chat"


def obey(ws, command):
    name, rest, code, reason = split(command)
    if name == "!ping":
        ws.send_frame(rest, WebSocket.OPCODE_PING)
    elif name == "!close":
        ws.close(code or 1000, reason)
    elif name == "!abort":
        ws.handler.socket.shutdown(SHUT_RDWR)


@app.route("/<name>", websocket=True)
def talk(name):
    ws = request.environ["wsgi.websocket"]
    subprotocol = (ws.protocol or "").split(",")[0]
    try:
        while not ws.closed:
            message = ws.receive()
            if message is None:
                break
            if isinstance(message, str) and message.startswith("!"):
                obey(ws, message)
            else:
                ws.send(message)
    except (WebSocketError, OSError):
        pass
    # It does not expose the code of a Close.
    report(request.path, 0, "", subprotocol)
    return ""


server = WSGIServer(("127.0.0.1", 0), app, handler_class=WebSocketHandler, log=None)
server.start()
say({"plain": server.server_port})
end_with_input()
server.serve_forever()
