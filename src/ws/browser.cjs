// What bundlers take for browsers: an error in place of sockets that are not there.

module.exports = function WebSocket() {
  throw new Error("wsframe/ws does not run in browsers: use their own WebSocket");
};
