"""A Flask-SocketIO server on gevent-websocket for programs/socket.io/client.js. Prints its port, and ends when its input does."""

from gevent import monkey

monkey.patch_all()

import json
import os
import sys

import gevent
import gevent.pywsgi
from flask import Flask, request
from flask_socketio import SocketIO, disconnect, emit, join_room
from geventwebsocket.handler import WebSocketHandler

app = Flask(__name__)
server = SocketIO(app, async_mode="gevent", ping_interval=1)
reasons = []


@server.on("echo")
def on_echo(value):
    return value


@server.on("add")
def on_add(a, b):
    return a + b


@server.on("join")
def on_join(room):
    join_room(room)
    return room


@server.on("say")
def on_say(room, value):
    emit("said", value, to=room)


@server.on("ask")
def on_ask():
    emit("question", 20, callback=lambda answer: server.emit("answered", answer))


@server.on("refused", namespace="/refused")
def on_refused():
    pass


@server.on("connect", namespace="/refused")
def on_connect_refused():
    return False


@server.on("leave")
def on_leave():
    disconnect()


@server.on("how")
def on_how():
    python_socketio = server.server
    return python_socketio.eio.transport(python_socketio.manager.eio_sid_from_sid(request.sid, "/"))


listener = gevent.pywsgi.WSGIServer(("127.0.0.1", 0), app, handler_class=WebSocketHandler, log=None)
listener.start()
print(json.dumps({"port": listener.server_port}), flush=True)


def wait_for_the_end():
    # In a thread, because reading would block all greenlets.
    gevent.get_hub().threadpool.apply(sys.stdin.read)
    os._exit(0)


gevent.spawn(wait_for_the_end)
listener.serve_forever()
