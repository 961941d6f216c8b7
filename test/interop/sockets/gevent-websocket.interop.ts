// Tests against Python's gevent-websocket under Flask, whose Closes are malformed.

import { describe, expect, test } from "vitest";
import { pythonWith } from "../support.ts";
import { withServer } from "./ours.ts";
import { Peer } from "./process.ts";
import { suite } from "./suite.ts";

const python = pythonWith("geventwebsocket", "python3-gevent-websocket");

describe.skipIf(python === undefined)("gevent-websocket", () => {
  const open = withServer(new Peer([python!, "gevent_websocket_peer.py"]));

  suite("connect(), and gevent-websocket", {
    open,
    lacks: ["fragments", "telling pings", "telling pongs", "telling closes", "closing", "compression"],
    // See below.
    oddities: { answer: 1006 },
  });

  test("it answers our Close with the name of a type instead of a code, and the connection ends normally", async () => {
    const { ours, report } = await open();
    ours.connection.close(1000, "bye");
    expect(await ours.closed).toEqual({ code: 1006, reason: "", wasClean: false });
    // Ensures that this test is about the malformed Close. When gevent-websocket answers correctly, change the suite.
    expect(ours.received.tail.subarray(0, 4)).toEqual(Buffer.from("\x88\x11by", "latin1"));
    expect(ours.errors).toEqual([]);
    expect(ours.connection.readyState).toBe(3);
    await report();
  });

  test("it closes with a reason but no code, which gives exactly one error", async () => {
    const { ours, report } = await open();
    ours.connection.send("!close 1000 bye");
    expect(await ours.closed).toMatchObject({ wasClean: false });
    expect(ours.errors).toMatchObject([{ code: "WS_ERR_INVALID_CLOSE_CODE", closeCode: 1002 }]);
    await report();
  });

  test("both close at once", async () => {
    const { ours, report } = await open();
    ours.connection.send("!close 1000 they");
    ours.connection.close(1000, "we");
    expect(await ours.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(ours.errors).toEqual([]);
    await report();
  });

  test("for await ends with the connection", async () => {
    const { ours } = await open();
    ours.connection.send("one");
    for await (const message of ours.connection) {
      expect(message).toBe("one");
      ours.connection.close(1000, "bye");
    }
    expect(await ours.closed).toMatchObject({ code: 1006 });
  });
});
