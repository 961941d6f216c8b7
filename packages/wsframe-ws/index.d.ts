import WebSocket = require("wsframe/ws");

export = WebSocket;
