// Socket.IO with socket.io-client: typical uses, with both ways to run it on wsframe.

import { describe, expect, test } from "vitest";
import { isMissing, run } from "./support.ts";
import { ways } from "./ways.ts";

describe.skipIf(isMissing).each(ways)("Socket.IO on $name", ({ options, folder }) => {
  const scenario = (name: string) => run("socket.io/scenario.js", [name, ...folder], options);

  test("loses no message, and keeps the order, when polling becomes WebSocket while both sides send", async () => {
    expect(await scenario("upgrade")).toEqual({
      transports: { client: ["polling", "websocket"], server: ["polling", "websocket"] },
      inOrder: [true, true],
    });
  });

  test("sends an event once to each member of rooms", async () => {
    const everybody = ["end"];
    expect(await scenario("rooms")).toEqual({
      got: [
        ["a", "a or b, once", "all but the fourth", "a, without the second", ...everybody],
        ["a", "a or b, once", "a, but for the first", "all but the fourth", "c", ...everybody],
        ["a or b, once", "not a", "all but the fourth", "c", ...everybody],
        ["not a", ...everybody],
      ],
      members: true,
    });
  });

  test("supports acknowledgements of both sides and of a broadcast, with timeouts", async () => {
    const late = "operation has timed out";
    expect(await scenario("acknowledgements")).toEqual({
      byServer: 42,
      byClient: 42,
      bytes: [3, true, [2, 3]],
      inTime: 2,
      lateServer: late,
      lateClient: late,
      everybody: ["first", "second"],
      somebody: [late, ["first"]],
    });
  });

  test("sends binary attachments of up to 3 MB, also parts of a larger buffer", async () => {
    expect(await scenario("binary")).toEqual({
      areBuffers: Array<boolean>(6).fill(true),
      text: ["x", "a", [1, 2, 3], 0],
      equal: Array<boolean>(5).fill(true),
      many: true,
    });
  });

  test("connection state recovery sends missed events after a broken connection", async () => {
    expect(await scenario("recovery")).toEqual({
      reasons: ["transport close", "transport close"],
      recovered: [true, true],
      sameId: true,
      data: { user: "somebody" },
      rooms: true,
      got: ["before", "missed", "bytes: missed bytes", "after"],
    });
  });

  test("compresses messages above the threshold, in both directions and in a broadcast", async () => {
    expect(await scenario("compression")).toEqual({
      extensions: "permessage-deflate",
      above: true,
      below: true,
      random: true,
      broadcast: true,
      upwards: [true, true],
    });
  });

  test("sends a broadcast as one frame to all clients", async () => {
    expect(await scenario("preparedFrames")).toEqual({ got: [200, 200, 200], sent: 3, same: true });
  });

  test("drops a volatile event while the transport is busy", async () => {
    expect(await scenario("volatileEvents")).toEqual([1, 2, 3]);
  });

  test("middleware of the server, of a namespace and of a socket refuses", async () => {
    expect(await scenario("middleware")).toEqual({
      refused: ["not authorized", { token: "wrong" }],
      closed: "closed",
      unknown: "Invalid namespace",
      later: true,
      socket: "bad event",
      good: 1,
    });
  });

  test("reports the reasons of each kind of disconnection on both sides", async () => {
    expect(await scenario("disconnections")).toEqual(DISCONNECTIONS);
  });

  test("delivers events that the server sends just before it disconnects a client", async () => {
    expect(await scenario("lastWords")).toEqual({ disconnect: true, closeConnection: true, end: true });
  });

  test("ends the connection with 1009 for a message larger than maxHttpBufferSize", async () => {
    const ended = { small: 10_000, client: "transport close", server: "transport error", code: 1009 };
    expect(await scenario("tooLarge")).toEqual({ text: ended, bytes: ended });
  });

  test("delivers 10 MB in order to a client that pauses reading", async () => {
    expect(await scenario("slowReader")).toEqual({ early: true, inOrder: true });
  });

  test("delivers 40 broadcasts to 1,000 clients in order, one and ten per turn", { timeout: 60_000 }, async () => {
    const report = (await run("socket.io/broadcast.js", ["1000", "40", ...folder], options)) as { took: number };
    const got = { complete: 500, wrong: 0 };
    expect(report).toEqual({ connected: 1000, got: [got, got], took: expect.any(Number) });
    // 2 to 5 seconds on two cores, most of it in the clients.
    expect(report.took).toBeLessThan(30_000);
  });
});

/** The reasons that ws gives. The code is from the Close that the client received. */
const DISCONNECTIONS = {
  clientDisconnects: { client: "io client disconnect", server: "client namespace disconnect" },
  serverDisconnects: { client: "io server disconnect", server: "server namespace disconnect" },
  serverClosesConnection: { client: "io server disconnect", server: "server namespace disconnect" },
  clientClosesEngine: { client: "forced close", server: "transport close" },
  serverTerminates: { client: "transport close", server: "transport close", code: 1006 },
  clientTerminates: { client: "transport close", server: "transport close", code: 1006 },
  serverCloses: { client: "transport close", server: "transport close", code: 4000 },
  clientCloses: { client: "transport close", server: "transport close", code: 4001 },
  brokenFrame: { client: "transport close", server: "transport error", code: 1002 },
  badPacket: { client: "transport close", server: "parse error", code: 1005 },
  serverEnds: { client: "transport close", server: "server shutting down", code: 1005 },
  noPong: { client: "transport close", server: "ping timeout", code: 1005 },
};
