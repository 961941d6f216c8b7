// Socket.IO with socket.io-client: what its users do, on each way to run it on wsframe.

import { describe, expect, test } from "vitest";
import { isMissing, run } from "./support.ts";
import { ways } from "./ways.ts";

describe.skipIf(isMissing).each(ways)("Socket.IO on $name", ({ options, folder }) => {
  const scenario = (name: string) => run("socket.io/scenario.js", [name, ...folder], options);

  test("polling becomes WebSocket while both sides send: nothing is lost, and all is in order", async () => {
    expect(await scenario("upgrade")).toEqual({
      transports: { client: ["polling", "websocket"], server: ["polling", "websocket"] },
      inOrder: [true, true],
    });
  });

  test("rooms: who is in them gets what is sent to them, once", async () => {
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

  test("acknowledgements of both sides and of a broadcast, with timeouts", async () => {
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

  test("binary attachments: from none to 3 MB, also out of a larger buffer", async () => {
    expect(await scenario("binary")).toEqual({
      areBuffers: Array<boolean>(6).fill(true),
      text: ["x", "a", [1, 2, 3], 0],
      equal: Array<boolean>(5).fill(true),
      many: true,
    });
  });

  test("connection state recovery: a broken connection gets what it has missed", async () => {
    expect(await scenario("recovery")).toEqual({
      reasons: ["transport close", "transport close"],
      recovered: [true, true],
      sameId: true,
      data: { user: "somebody" },
      rooms: true,
      got: ["before", "missed", "bytes: missed bytes", "after"],
    });
  });

  test("compression: messages above the threshold, in both directions and in a broadcast", async () => {
    expect(await scenario("compression")).toEqual({
      extensions: "permessage-deflate",
      above: true,
      below: true,
      random: true,
      broadcast: true,
      upwards: [true, true],
    });
  });

  test("a broadcast is one frame, which all clients get as it is", async () => {
    expect(await scenario("preparedFrames")).toEqual({ got: [200, 200, 200], sent: 3, same: true });
  });

  test("a volatile event is dropped while the transport is busy", async () => {
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

  test("each way to disconnect has its reasons on both sides", async () => {
    expect(await scenario("disconnections")).toEqual(DISCONNECTIONS);
  });

  test("a message larger than maxHttpBufferSize ends the connection with 1009", async () => {
    const ended = { small: 10_000, client: "transport close", server: "transport error", code: 1009 };
    expect(await scenario("tooLarge")).toEqual({ text: ended, bytes: ended });
  });

  test("10 MB to a client that does not read: all comes, in order, when it reads again", async () => {
    expect(await scenario("slowReader")).toEqual({ early: true, inOrder: true });
  });

  test(
    "40 broadcasts to 1,000 clients, one and ten in a turn: each gets all, in order",
    { timeout: 60_000 },
    async () => {
      const report = (await run("socket.io/broadcast.js", ["1000", "40", ...folder], options)) as { took: number };
      const got = { complete: 500, wrong: 0 };
      expect(report).toEqual({ connected: 1000, got: [got, got], took: expect.any(Number) });
      // 2 to 5 seconds on two cores, most of it in the clients.
      expect(report.took).toBeLessThan(30_000);
    },
  );
});

/** As they are with ws. The code is that of the Close that came to the client. */
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
