// Prints the nanoseconds from before the import of a peer to its first frame: node start.js PEER

import { createRequire } from "node:module";

const FRAME = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
const require = createRequire(import.meta.url);
const REQUEST = {
  method: "GET",
  url: "/",
  connection: {},
  headers: {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  },
};
let text = "";

const STARTS = {
  async wsframe() {
    const { FrameDecoder } = await import("wsframe");
    const [frame] = new FrameDecoder({ role: "server" }).decode(FRAME);
    text = frame.text;
  },
  ws() {
    // `require("ws")` loads the Receiver.
    require("ws");
    const root = require.resolve("ws/package.json").slice(0, -"package.json".length);
    const Receiver = require(`${root}lib/receiver.js`);
    const receiver = new Receiver({ isServer: true });
    receiver.on("message", (data) => {
      text = data.toString();
    });
    receiver.write(FRAME);
  },
  "websocket-driver"() {
    const driver = require("websocket-driver").http(REQUEST, { requireMasking: true });
    driver.start();
    driver.on("message", (event) => {
      text = event.data;
    });
    driver.parse(FRAME);
  },
};

const start = performance.now();
await STARTS[process.argv[2]]();
const end = performance.now();
if (text !== "Hello") throw new Error(`The first frame is ${JSON.stringify(text)}`);
console.log(String((end - start) * 1e6));
