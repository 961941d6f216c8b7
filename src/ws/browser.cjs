// Bundlers use this file for browsers, which have no sockets: it throws an error that says so.

module.exports = function WebSocket() {
  throw new Error("wsframe/ws does not work in browsers: use the browser's own WebSocket");
};
