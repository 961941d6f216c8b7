// Compares the events of Engine.IO on wsframe with those on ws.

import { describe, expect, test } from "vitest";
import { implementation } from "./installed.ts";
import { isInstalled, isMissing, run } from "./support.ts";
import { ways } from "./ways.ts";

/** The events of each side in each part, in order. */
type Report = Record<string, Record<"server" | "accepted" | "client", [string, ...unknown[]][]>>;

const PROGRAM = "engine.io/log.js";

describe.skipIf(isMissing || !isInstalled("ws"))("Engine.IO", () => {
  test.runIf(implementation === "wsframe-ws").each(ways)(
    "on $name: emits the same events as on ws",
    async ({ options, folder }) => {
      const [theirs, ours] = await Promise.all([
        run(PROGRAM, [], { ws: "ws" }) as Promise<Report>,
        run(PROGRAM, folder, options) as Promise<Report>,
      ]);
      for (const part of Object.keys(theirs)) expect(ours[part], part).toEqual(theirs[part]);
    },
  );

  test("the log has the expected events", async () => {
    const report = (await run(PROGRAM)) as Report;
    const reasons = (part: string) =>
      report[part]!.accepted.filter(([name]) => name === "close").map(([, reason]) => reason);
    expect(Object.fromEntries(Object.keys(report).map((part) => [part, reasons(part)]))).toEqual({
      upgrade: ["transport close"],
      websocket: ["forced close"],
      compressed: ["forced close"],
      brokenConnections: [
        "transport close",
        "transport close",
        "transport error",
        "parse error",
        "transport error",
        "transport error",
        "transport close",
        "transport close",
        "transport close",
      ],
      heartbeat: ["ping timeout"],
      serverCloses: ["forced close", "forced close"],
      refused: ["transport close", "transport close", "transport close"],
    });
    expect(report["upgrade"]!.client).toContainEqual(["upgrade", "WS"]);
    expect(report["websocket"]!.client).toContainEqual(["message", "prepared"]);
  });
});
