// Messages as Buffers: text and binary, in any number of parts.

import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { connect, type Connection, serve } from "../../src/node/index.ts";
import { binary, continuation, ping, text, toRole } from "../support/wire.ts";
import { open, ROLES } from "./support/roles.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const BUFFERS = { textType: "nodebuffer", binaryType: "nodebuffer" } as const;

interface Got {
  readonly data: unknown;
  readonly isBinary: boolean;
}

const collect = (got: Got[]) => (connection: Connection) =>
  void connection.on("message", (data, isBinary) => got.push({ data, isBinary }));

for (const role of ROLES) {
  test(`${role}: messages of every kind are Buffers, and "message" tells which are binary`, async () => {
    const got: Got[] = [];
    const { peer } = await open(role, { ...BUFFERS, begin: collect(got) });
    const long = "ä".repeat(100_000);
    const parts = [binary(Uint8Array.of(1, 2), { fin: false }), continuation(Uint8Array.of(3))];
    const frames = [text("hé"), binary(Uint8Array.of(9)), text(""), binary(new Uint8Array(0)), ...parts, text(long)];
    await peer.write(toRole(role, ...frames));
    await until(
      () => got.length === 6,
      () => `${got.length}`,
    );
    for (const { data } of got) expect(Buffer.isBuffer(data)).toBe(true);
    expect(got.map(({ data, isBinary }) => (isBinary ? [...(data as Buffer)] : String(data)))).toEqual([
      "hé",
      [9],
      "",
      [],
      [1, 2, 3],
      long,
    ]);
  });

  test(`${role}: messages that arrive byte by byte give the same Buffers`, async () => {
    const got: Got[] = [];
    const { peer } = await open(role, { ...BUFFERS, begin: collect(got) });
    for (const byte of toRole(role, text("hé€"), binary(Uint8Array.of(7, 8)))) await peer.write(Uint8Array.of(byte));
    await until(
      () => got.length === 2,
      () => `${got.length}`,
    );
    expect(got).toEqual([
      { data: Buffer.from("hé€"), isBinary: false },
      { data: Buffer.of(7, 8), isBinary: true },
    ]);
  });

  test(`${role}: a Buffer keeps its bytes while others arrive`, async () => {
    const got: Got[] = [];
    const { peer } = await open(role, { ...BUFFERS, begin: collect(got) });
    const count = 3000;
    for (let i = 0; i < count; i++) await peer.write(toRole(role, text(`message ${i}`)));
    await until(
      () => got.length === count,
      () => `${got.length}`,
    );
    expect(got.map(({ data }) => String(data))).toEqual(Array.from({ length: count }, (_, i) => `message ${i}`));
  });

  test(`${role}: invalid UTF-8 fails the connection, unless it is allowed`, async () => {
    const invalid = toRole(role, binary(Uint8Array.of(0x61, 0xff), { opcode: 1 }));
    const strict = await open(role, BUFFERS);
    await strict.peer.write(invalid);
    await strict.connection.closed;
    expect(strict.connection.error).toMatchObject({ code: "WS_ERR_INVALID_UTF8" });
    const got: Got[] = [];
    const lax = await open(role, { ...BUFFERS, allowInvalidUtf8: true, begin: collect(got) });
    await lax.peer.write(invalid);
    await until(
      () => got.length === 1,
      () => "nothing",
    );
    expect(got).toEqual([{ data: Buffer.of(0x61, 0xff), isBinary: false }]);
  });

  test(`${role}: delivers only text, or only binary messages, as Buffers`, async () => {
    for (const [options, buffers] of [
      [{ textType: "nodebuffer" }, [true, false]],
      [{ binaryType: "nodebuffer" }, [false, true]],
    ] as const) {
      const got: Got[] = [];
      const { peer } = await open(role, { ...options, begin: collect(got) });
      await peer.write(toRole(role, text("a"), binary(Uint8Array.of(1))));
      await until(
        () => got.length === 2,
        () => `${got.length}`,
      );
      expect(got.map(({ data }) => Buffer.isBuffer(data))).toEqual(buffers);
      if (!buffers[1]) expect((got[1]!.data as Uint8Array).buffer.byteLength).toBe(1);
    }
  });

  test(`${role}: Pings are Buffers, too`, async () => {
    const got: unknown[] = [];
    const { peer } = await open(role, {
      ...BUFFERS,
      begin: (connection) => connection.on("ping", (data) => got.push(data)),
    });
    await peer.write(toRole(role, ping("abc")));
    await until(
      () => got.length === 1,
      () => "nothing",
    );
    expect(got).toEqual([Buffer.from("abc")]);
  });

  test(`${role}: messages that wait for a listener or a loop are Buffers, too`, async () => {
    const { connection, peer } = await open(role, BUFFERS);
    await peer.write(toRole(role, text("a"), binary(Uint8Array.of(1)), text("b")));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const got: Got[] = [];
    connection.once("message", (data, isBinary) => got.push({ data, isBinary }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    for await (const data of connection) {
      expect(Buffer.isBuffer(data)).toBe(true);
      got.push({ data, isBinary: false });
      if (got.length === 3) break;
    }
    expect(got[0]).toEqual({ data: Buffer.from("a"), isBinary: false });
    expect(String(got[2]!.data)).toBe("b");
  });
}

test("compressed text is validated, and is a Buffer", async () => {
  const got: Got[] = [];
  const extensions = [perMessageDeflate({ threshold: 0 })];
  const server = await serve({ port: 0, extensions, ...BUFFERS }, collect(got));
  atEnd(() => server.close());
  const client = await connect(`ws://localhost:${server.port}`, { extensions });
  const long = "compressed ä ".repeat(100);
  client.send(long);
  client.send(new TextEncoder().encode(long));
  await until(
    () => got.length === 2,
    () => `${got.length}`,
  );
  expect(deflateRawSync(long).length).toBeLessThan(long.length);
  expect(got).toEqual([
    { data: Buffer.from(long), isBinary: false },
    { data: Buffer.from(long), isBinary: true },
  ]);
  client.close();
  await client.closed;
});

test("other types are refused", async () => {
  const wrong = { port: 0, textType: "buffer" } as never;
  await expect(serve(wrong, () => {})).rejects.toThrow('textType must be "string" or "nodebuffer"');
  await expect(serve({ port: 0, binaryType: "blob" } as never, () => {})).rejects.toThrow("binaryType must be");
});
