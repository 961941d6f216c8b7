// Run by Jest, whose tests are in a realm of their own: typed arrays here are not those of the process.

const { once } = require("node:events");
const WebSocket = require("ws");

const bytes = [0, 1, 2, 253, 254, 255];
const payloads = {
  "a Buffer": Buffer.from(bytes),
  "a Uint8Array": Uint8Array.from(bytes),
  "an ArrayBuffer": Uint8Array.from(bytes).buffer,
  "a DataView": new DataView(Uint8Array.from(bytes).buffer),
  "a Uint16Array": new Uint16Array(Uint8Array.from(bytes).buffer),
};

describe.each([false, true])("with perMessageDeflate: %s", (perMessageDeflate) => {
  let server;
  let client;
  beforeEach(async () => {
    server = new WebSocket.Server({
      host: "127.0.0.1",
      port: 0,
      perMessageDeflate: perMessageDeflate && { threshold: 0 },
    });
    server.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await once(server, "listening");
    client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
    await once(client, "open");
  });
  afterEach(async () => {
    client.close();
    await once(client, "close");
    await new Promise((resolve) => server.close(resolve));
  });

  test("compression is as asked for", () => {
    expect(client.extensions).toBe(perMessageDeflate ? "permessage-deflate" : "");
  });

  test("text", async () => {
    client.send("grüße");
    const [data, isBinary] = await once(client, "message");
    expect(Buffer.isBuffer(data)).toBe(true);
    expect(data.toString()).toBe("grüße");
    expect(isBinary).toBe(false);
  });

  test.each(Object.entries(payloads))("%s", async (_, payload) => {
    client.send(payload);
    const [data, isBinary] = await once(client, "message");
    expect(Buffer.isBuffer(data)).toBe(true);
    expect(data).toBeInstanceOf(Buffer);
    expect(data).toBeInstanceOf(Uint8Array);
    expect([...data]).toEqual(bytes);
    expect(isBinary).toBe(true);
  });

  test("binaryType arraybuffer", async () => {
    client.binaryType = "arraybuffer";
    client.send(Buffer.from(bytes));
    const [data] = await once(client, "message");
    expect(data).toBeInstanceOf(ArrayBuffer);
    expect([...new Uint8Array(data)]).toEqual(bytes);
  });

  test("a message of many reads", async () => {
    const large = Buffer.alloc(3_000_000, "0123456789");
    client.send(large);
    const [data] = await once(client, "message");
    expect(Buffer.compare(data, large)).toBe(0);
  });

  test("a ping, and a reason for closing", async () => {
    client.ping(Uint8Array.from(bytes));
    const [data] = await once(client, "pong");
    expect([...data]).toEqual(bytes);
    const [socket] = server.clients;
    socket.close(4000, "enough");
    const [code, reason] = await once(client, "close");
    expect([code, reason.toString()]).toEqual([4000, "enough"]);
    client.close = () => process.nextTick(() => client.emit("close"));
  });
});

test("the modules can be loaded again", () => {
  jest.resetModules();
  const again = require("ws");
  expect(again).not.toBe(WebSocket);
  expect(again.name).toBe("WebSocket");
});
