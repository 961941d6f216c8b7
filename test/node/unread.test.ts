// The option `discardUnread` drops messages without a reader, and changes nothing else.

import { expect, test } from "vitest";
import { dial, frames, request } from "./support/peer.ts";
import { open, type Role, ROLES } from "./support/roles.ts";
import { start } from "./support/server.ts";
import { until, watchLeftovers } from "./support/watch.ts";
import { binary, close, ping, text } from "../support/wire.ts";
import type { RawFrame } from "../reference/serialize.ts";

watchLeftovers();

const OPTIONS = { discardUnread: true, highWaterMark: 1000 };
const from = (role: Role, ...list: RawFrame[]): Uint8Array => frames(role === "server" ? "client" : "server", ...list);
const sleep = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

test.each(ROLES)("reading never stops, Pings are answered, and the Close is seen: %s", async (role) => {
  const { connection, peer } = await open(role, OPTIONS);
  for (let i = 0; i < 20; i++) await peer.write(from(role, binary(new Uint8Array(500_000)), ping(`${i}`)));
  await peer.sees(() => peer.text.includes("19") || role === "client", "no Pong");
  await until(
    () => peer.socket.writableLength === 0,
    () => "the peer waits",
  );
  await peer.write(from(role, close(1000)));
  peer.socket.end();
  expect(await connection.closed).toEqual({ code: 1000, reason: "", wasClean: true });
});

test.each(ROLES)("notices a peer that is cut, and one that falls silent: %s", async (role) => {
  const impatient = { ...OPTIONS, pingInterval: 60, pongTimeout: 60, closeTimeout: 60 };
  for (const cut of [true, false]) {
    const { connection, peer } = await open(role, impatient);
    for (let i = 0; i < 4; i++) await peer.write(from(role, binary(new Uint8Array(500_000))));
    if (cut) peer.reset();
    expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
    if (!cut) expect(connection.error).toMatchObject({ code: "WS_ERR_PONG_TIMEOUT" });
  }
});

test.each(ROLES)("a later listener gets later messages, until it is removed: %s", async (role) => {
  const { connection, peer } = await open(role, OPTIONS);
  const got: string[] = [];
  let pings = 0;
  connection.on("ping", () => pings++);
  const send = async (data: string): Promise<void> => {
    const before = pings;
    await peer.write(from(role, text(data), ping()));
    await until(
      () => pings > before,
      () => "no Ping",
    );
  };
  const listener = (data: string | Uint8Array): void => void got.push(String(data));
  await send("a");
  connection.on("message", listener);
  await send("b");
  connection.off("message", listener);
  await send("c");
  connection.once("message", listener);
  await send("d");
  await send("e");
  expect(got).toEqual(["b", "d"]);
});

test.each(ROLES)("a loop gets all messages from its start on, even while its body runs: %s", async (role) => {
  const { connection, peer } = await open(role, OPTIONS);
  let pings = 0;
  connection.on("ping", () => pings++);
  await peer.write(from(role, text("before"), ping()));
  await until(
    () => pings === 1,
    () => "no Ping",
  );
  const got: string[] = [];
  const loop = async (): Promise<void> => {
    for await (const data of connection) {
      got.push(String(data));
      await sleep(10);
    }
  };
  const looping = loop();
  await peer.write(from(role, text("a"), text("b"), text("c".repeat(2000)), text("d"), close(1000)));
  peer.socket.end();
  await looping;
  expect(got).toEqual(["a", "b", "c".repeat(2000), "d"]);
});

test("a message that arrives with the handshake goes to listeners of the same turn", async () => {
  const got: string[] = [];
  const { port } = await start(OPTIONS, (connection) => connection.on("message", (data) => got.push(String(data))));
  const peer = await dial(port);
  await peer.write(Buffer.concat([Buffer.from(request()), from("server", text("a"), text("b"))]));
  await until(
    () => got.length === 2,
    () => got.join(),
  );
  expect(got).toEqual(["a", "b"]);
});
