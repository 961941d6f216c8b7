// The option maskKey, and what happens if it throws.

import { expect, test } from "vitest";
import { ping, toRole } from "../support/wire.ts";
import { open } from "./support/roles.ts";
import { watchLeftovers } from "./support/watch.ts";

watchLeftovers();

test("frames are masked with the keys of `maskKey`", async () => {
  const { connection, peer } = await open("client", { maskKey: (key) => key.fill(7) });
  peer.received = Buffer.alloc(0);
  connection.send("a");
  await peer.sees(() => peer.received.length === 7, "a frame");
  expect([...peer.received]).toEqual([0x81, 0x81, 7, 7, 7, 7, 0x61 ^ 7]);
  connection.terminate();
  await connection.closed;
});

for (const directWrites of [true, false]) {
  test(`a source of keys that throws ends the connection, directWrites: ${directWrites}`, async () => {
    const errors: Error[] = [];
    const { connection, peer } = await open("client", {
      directWrites,
      maskKey: () => {
        throw new Error("no keys");
      },
      begin: (connection) => connection.on("error", (error) => errors.push(error)),
    });
    // Neither the due Pong nor a Close can be sent.
    await peer.write(toRole("client", ping("x")));
    expect(await connection.closed).toMatchObject({ code: 1006 });
    expect(errors.map(({ message }) => message)).toEqual(["no keys"]);
  });

  test(`a source of keys that throws after data was sent also ends the connection, directWrites: ${directWrites}`, async () => {
    let left = 1;
    const { connection } = await open("client", {
      directWrites,
      maskKey: (key) => {
        if (left-- === 0) throw new Error("no keys");
        key.fill(1);
      },
    });
    connection.send("a");
    expect(() => connection.send("b")).toThrow("no keys");
    connection.terminate();
    await connection.closed;
  });
}
