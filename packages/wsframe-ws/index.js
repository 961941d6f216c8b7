"use strict";

module.exports = require("wsframe/ws");
