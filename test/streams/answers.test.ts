// Messages that arrived before the end are delivered and can be answered, whatever ends the connection. It does not
// wait longer than necessary.

import { afterAll, describe, expect, test } from "vitest";
import { type Extension, type ExtensionSession, type Role } from "../../src/index.ts";
import { type ByteDuplex, openWebSocketStream, type WebSocketStreamOptions } from "../../src/streams/index.ts";
import { close, continuation, ping, ROLES, text, toRole } from "../support/wire.ts";
import { all, duplexes, settled } from "./support.ts";

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
afterAll(async () => {
  await settled();
  expect(unhandled).toEqual([]);
});

/** A connection, and the frames that its peer has received, in short form. */
function opened(role: Role, options: Partial<WebSocketStreamOptions> = {}) {
  const { near, far } = duplexes();
  const pair = openWebSocketStream(near, { role, ...options });
  const writer = far.writable.getWriter();
  const received = all(far.readable).then(({ items }) => Buffer.concat(items));
  return { pair, writer, received };
}

/** The payloads of unmasked frames; a Close as its code. */
function payloads(bytes: Buffer): (string | number)[] {
  const found: (string | number)[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 2 + bytes[at + 1]!;
    found.push((bytes[at]! & 15) === 8 ? bytes.readUInt16BE(at + 2) : bytes.toString("utf8", at + 2, end));
    at = end;
  }
  return found;
}

async function time(promise: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await promise.catch(() => {});
  return performance.now() - began;
}

describe("answers", () => {
  for (const [ending, last, code] of [
    ["a Close", close(4001), 4001],
    ["a bad frame", { opcode: 3, payload: new Uint8Array(0) }, 1002],
  ] as const) {
    test(`a pipe through transform streams answers messages before ${ending}`, async () => {
      const { pair, writer, received } = opened("server");
      const upper = (): TransformStream<string, string> =>
        new TransformStream({ transform: (message, controller) => controller.enqueue(`${message}!`) });
      const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
      const piped = (pair.readable as ReadableStream<string>)
        .pipeThrough(upper())
        .pipeThrough(upper())
        .pipeTo(pair.writable)
        .catch(() => {});
      void writer.write(toRole("server", ...texts.map((each) => text(each)), last));
      void writer.close();
      await pair.closed.catch(() => {});
      await piped;
      expect(payloads(await received)).toEqual([...texts.map((each) => `${each}!!`), code]);
    });
  }

  test("writes that are not awaited are sent before the Close, even if they exceed one write", async () => {
    const { pair, writer, received } = opened("server");
    const loop = async (): Promise<void> => {
      const out = pair.writable.getWriter();
      out.closed.catch(() => {});
      for await (const message of pair.readable as unknown as AsyncIterable<string>) {
        for (let i = 0; i < 100; i++) out.write(new Uint8Array(10_000)).catch(() => {});
        out.write(message).catch(() => {});
      }
    };
    void writer.write(toRole("server", text("a"), close(4001)));
    await loop();
    void writer.close();
    await pair.closed;
    const bytes = await received;
    expect(bytes.length).toBe(100 * 10_004 + 3 + 4);
    expect(payloads(bytes.subarray(-7))).toEqual(["a", 4001]);
  });

  test("after the writable is closed, our Close waits for no answer", async () => {
    const { pair, writer, received } = opened("server");
    const reader = pair.readable.getReader();
    void writer.write(toRole("server", text("a"), close(4001)));
    void writer.close();
    expect((await reader.read()).value).toBe("a");
    const out = pair.writable.getWriter();
    void out.write("answer");
    await out.close();
    expect(payloads(await received)).toEqual(["answer", 4001]);
    expect((await reader.read()).done).toBe(true);
  });

  for (const end of ["abort", "cancel"] as const) {
    test(`after ${end}(), our Close is sent at once, and answers the peer's Close or error`, async () => {
      for (const [last, code] of [
        [close(4001), 4001],
        [{ opcode: 3, payload: new Uint8Array(0) }, 1002],
      ] as const) {
        const { pair, writer, received } = opened("server");
        const reader = pair.readable.getReader();
        void writer.write(toRole("server", text("a"), last));
        void writer.close();
        expect((await reader.read()).value).toBe("a");
        await settled();
        const why = { closeCode: 4002, reason: "not mine" };
        if (end === "abort") await pair.writable.abort(why).catch(() => {});
        else await reader.cancel(why).catch(() => {});
        expect(await time(received)).toBeLessThan(1000);
        expect(payloads(await received)).toEqual([code]);
        const ended = await pair.closed.catch(({ closeCode }: { readonly closeCode: number }) => closeCode);
        expect(ended).toEqual(code === 4001 ? { closeCode: 4001, reason: "" } : 1006);
      }
    });
  }

  test("without a reader, our Close waits for a second", async () => {
    const { pair, writer, received } = opened("server");
    void writer.write(toRole("server", text("a"), close(4001)));
    const took = await time(received);
    expect(took).toBeGreaterThan(700);
    expect(took).toBeLessThan(2500);
    expect(payloads(await received)).toEqual([4001]);
    void writer.close();
    await expect(pair.closed).resolves.toEqual({ closeCode: 4001, reason: "" });
    expect(await all(pair.readable)).toEqual({ items: ["a"], error: undefined });
  });
});

describe("the mark within a chunk", () => {
  test("messages collected without a reader stay near it, and all of them arrive", async () => {
    let allocated = 0;
    const { pair, writer } = opened("server", {
      readableHighWaterMark: 1000,
      allocate: (length) => ((allocated += length), new Uint8Array(length)),
    });
    const one = [text("x".repeat(50), { fin: false }), continuation(new Uint8Array(50).fill(0x78))];
    void writer.write(toRole("server", ...Array.from({ length: 500 }, () => one).flat(), ping("p")));
    await settled();
    expect(allocated).toBeLessThan(10_000);
    const reader = pair.readable.getReader();
    for (let i = 0; i < 500; i++) expect((await reader.read()).value).toBe("x".repeat(100));
  });

  for (const role of ROLES) {
    test(`as ${role}: a full queue does not hide the peer's Close after ours`, async () => {
      const { pair, writer } = opened(role, { readableHighWaterMark: 10 });
      void writer.write(toRole(role, ...Array.from({ length: 50 }, () => text("0123456789"))));
      for (let i = 0; i < 50; i++) void writer.write(toRole(role, text("0123456789")));
      await settled();
      pair.close({ closeCode: 4000 });
      void writer.write(toRole(role, close(4000)));
      void writer.close();
      expect(await time(pair.closed)).toBeLessThan(500);
      await expect(pair.closed).resolves.toEqual({ closeCode: 4000, reason: "" });
      expect((await all(pair.readable)).items.length).toBeGreaterThan(1);
    });

    test(`as ${role}: a full queue does not hide that the peer has gone, or is silent`, async () => {
      for (const gone of [true, false]) {
        const { pair, writer } = opened(role, { readableHighWaterMark: 10, closeTimeout: 300 });
        const reader = pair.readable.getReader();
        void writer.write(toRole(role, ...Array.from({ length: 50 }, () => text("0123456789"))));
        await settled();
        pair.close();
        if (gone) void writer.close();
        const took = await time(pair.closed);
        if (gone) expect(took).toBeLessThan(250);
        else expect(took).toBeGreaterThan(250);
        expect(took).toBeLessThan(1500);
        await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006 });
        expect((await reader.read()).value).toBe("0123456789");
      }
    });
  }
});

/** An extension that throws as soon as it decodes a message. */
const FAILING: Extension = {
  name: "failing",
  rsv: 4,
  offer: () => [[]],
  accept: () => [],
  confirm: () => true,
  open(): ExtensionSession {
    return {
      encode: () => undefined,
      decode() {
        throw new Error("no memory");
      },
    };
  },
};

describe("faults of this side", () => {
  for (const [what, options, frames] of [
    ["an extension", { extensions: [FAILING] }, [{ ...text("bad"), rsv: 4 }]],
    [
      "allocate",
      {
        allocate: () => {
          throw new Error("no memory");
        },
      },
      [text("b", { fin: false }), continuation(new Uint8Array(1))],
    ],
  ] as const) {
    test(`an exception of ${what} fails the connection with 1011, after the earlier messages`, async () => {
      const { pair, writer, received } = opened("server", options);
      const read = all(pair.readable);
      void writer.write(toRole("server", text("good"), ...frames, text("lost")));
      void writer.close();
      await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006, cause: { message: "no memory" } });
      const { items, error } = await read;
      expect(items).toEqual(["good"]);
      expect(error).toMatchObject({ cause: { message: "no memory" } });
      await expect(pair.writable.getWriter().write("late")).rejects.toBe(error);
      expect(payloads(await received)).toEqual([1011]);
    });
  }
});

test.each(ROLES)("Pings that arrived before the first read are counted over the time until then: %s", async (role) => {
  const { pair, writer, received } = opened(role, { limits: { maxControlFrames: 2, controlPeriod: 10 } });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  const pings = Array.from({ length: 8 }, () => ping("x"));
  void writer.write(toRole(role, ...pings, close(4001)));
  void writer.close();
  await expect(pair.closed).resolves.toMatchObject({ closeCode: 4001 });
  await received;
});

test("messages that arrived before the writable failed are delivered, and so is the Close", async () => {
  const chunk = toRole("client", text("a"), text("b"), close(4001));
  let sent = false;
  const near: ByteDuplex = {
    readable: new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent) return controller.close();
        await settled();
        sent = true;
        controller.enqueue(chunk);
      },
    }),
    writable: new WritableStream<Uint8Array>({
      start(controller) {
        setImmediate(() => controller.error(new Error("gone")));
      },
    }),
  };
  const pair = openWebSocketStream(near, { role: "client" });
  expect(await all(pair.readable)).toEqual({ items: ["a", "b"], error: undefined });
  await expect(pair.closed).resolves.toEqual({ closeCode: 4001, reason: "" });
});
