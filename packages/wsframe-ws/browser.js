"use strict";

module.exports = function WebSocket() {
  throw new Error("wsframe-ws does not run in browsers: use their own WebSocket");
};
