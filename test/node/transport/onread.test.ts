// A socket that was made with `onread` keeps reading into its own memory.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { expect, test } from "vitest";
import { FrameDecoder } from "../../../src/index.ts";
import { upgrade } from "../../../src/node/index.ts";
import { text, toRole } from "../../support/wire.ts";
import { readsDirectly } from "../support/direct.ts";
import { listen, request } from "../support/peer.ts";
import { open, ROLES } from "../support/roles.ts";
import { atEnd, until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();

function requestOf(lines: string): IncomingMessage {
  const fields = lines.split("\r\n").slice(1, -2);
  const headers = Object.fromEntries(
    fields.map((field) => [field.split(": ")[0]!.toLowerCase(), field.split(": ")[1]!]),
  );
  return { method: "GET", url: "/", httpVersion: "1.1", headers } as unknown as IncomingMessage;
}

test("keeps reading into its own memory", async () => {
  const { port, peers } = await listen(() => {});
  const buffer = new Uint8Array(512);
  let chunks = 0;
  const callback = (length: number, memory: Uint8Array): boolean => {
    chunks++;
    expect(memory).toBe(buffer);
    return socket.push(Buffer.from(memory.subarray(0, length)));
  };
  const socket = createConnection({ port, host: "127.0.0.1", onread: { buffer, callback } });
  atEnd(() => void socket.destroy());
  await once(socket, "connect");
  const connection = upgrade(requestOf(request()), socket, Buffer.alloc(0), { directReads: true, directWrites: true })!;
  connection.on("message", (data) => connection.send(data));
  await until(
    () => peers.length === 1,
    () => "no peer",
  );
  const [peer] = peers;
  const head = await peer!.head();
  peer!.received = peer!.received.subarray(head.length);
  const messages = Array.from({ length: 500 }, (_, i) => `${i} é`.repeat(1 + (i % 50)));
  await peer!.write(toRole("server", ...messages.map((message) => text(message))));
  const size = toRole("client", ...messages.map((message) => text(message))).length;
  await peer!.sees(() => peer!.received.length === size, "not all answers");
  const frames = new FrameDecoder({ role: "client" }).decode(peer!.received);
  expect(frames.map((frame) => frame.text)).toEqual(messages);
  expect(chunks).toBeGreaterThan(size / 512);
});

test.runIf(process.platform === "linux").each(ROLES)(
  "without it, sockets of a %s read into our memory",
  async (role) => {
    for (const options of [{}, { directReads: false }, { tls: true }]) {
      const { connection } = await open(role, options);
      expect(readsDirectly(connection)).toBe(!("directReads" in options));
      connection.terminate();
      await connection.closed;
    }
  },
);
