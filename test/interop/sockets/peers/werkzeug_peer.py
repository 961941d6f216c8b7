"""A server: WebSocket inside a view of Flask on Werkzeug's own server, with wsproto, as in flask-sock.

When the view returns, Werkzeug writes its HTTP response to the socket after the Close. In /silent/ there is no Close.
"""

import logging

from flask import Flask, request
from lines import end_with_input, report, say
from werkzeug.serving import make_server
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request, TextMessage

logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = Flask(__name__)


@app.route("/<way>/<name>", websocket=True)
def talk(way, name):
    stream = request.environ["werkzeug.socket"]
    ws = WSConnection(ConnectionType.SERVER)
    ws.initiate_upgrade_connection([(k.encode(), v.encode()) for k, v in request.headers], request.path)
    code = None
    while code is None:
        for event in ws.events():
            if isinstance(event, Request):
                stream.sendall(ws.send(AcceptConnection()))
            elif isinstance(event, (TextMessage, BytesMessage)):
                stream.sendall(ws.send(type(event)(data=event.data, message_finished=event.message_finished)))
            elif isinstance(event, Ping):
                stream.sendall(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                code, reason = int(event.code), event.reason
                if way != "silent":
                    stream.sendall(ws.send(event.response()))
        if code is None:
            ws.receive_data(stream.recv(65536) or None)
    report(request.path, code, reason)
    return "<p>After the Close"


server = make_server("127.0.0.1", 0, app, threaded=True)
say({"plain": server.server_port})
end_with_input()
server.serve_forever()
