import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { FrameDecoder, type Role } from "../../../src/index.ts";
import type { FrameOptions, SendCallback, Sender } from "../../../src/ws/sender.ts";
import { both, ours, outcome, type Parts, theirs } from "./support/both.ts";

const KEY = Uint8Array.of(0x12, 0x34, 0x56, 0x78);
const generateMask = (key: Buffer) => void key.set(KEY);
const LENGTHS = [0, 1, 125, 126, 65535, 65536];

/** A socket that records all writes. */
function open({ Sender, PerMessageDeflate }: Parts, parameters?: Record<string, true[]>) {
  const socket = new PassThrough();
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const deflate = new PerMessageDeflate({ threshold: 10 });
  if (parameters !== undefined) deflate.accept([parameters]);
  const extensions = parameters === undefined ? {} : { [PerMessageDeflate.extensionName]: deflate };
  const sender = new Sender(socket, extensions);
  /** All frames so far, unmasked. */
  const frames = (role: Role = "client") => {
    const decoder = new FrameDecoder({ role, rsv: 4, allowInvalidUtf8: true });
    return decoder.decode(Buffer.concat(chunks)).map(({ opcode, fin, rsv, payload }) => ({
      opcode,
      fin,
      rsv,
      payload: Buffer.from(payload),
    }));
  };
  return { socket, sender, deflate, frames };
}

/** Sends, and waits for the write. */
function written(send: (callback: SendCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => send((error) => (error ? reject(error) : resolve())));
}

describe.each(both)("%s: Sender.frame()", (_, { Sender }) => {
  test("returns the header, and the given Buffer as the payload", () => {
    for (const length of LENGTHS) {
      const data = Buffer.alloc(length, "a");
      const list = Sender.frame(data, { fin: true, opcode: 2, mask: false, readOnly: true });
      expect(list).toHaveLength(length === 0 ? 1 : 2);
      if (length > 0) expect(list[1]).toBe(data);
      const [frame] = new FrameDecoder({ role: "client", copy: true }).decode(Buffer.concat(list));
      expect(frame).toMatchObject({ opcode: 2, fin: true, rsv: 0, payloadLength: length });
    }
    expect(Sender.frame(Buffer.from("x"), { opcode: 1 })[0]).toEqual(Buffer.from([0x01, 1]));
    expect(Sender.frame(Buffer.from("x"), { opcode: 1, fin: true, rsv1: true })[0]).toEqual(Buffer.from([0xc1, 1]));
    expect(Buffer.concat(Sender.frame("é", { opcode: 1, fin: true }))).toEqual(Buffer.from([0x81, 2, 0xc3, 0xa9]));
  });

  test("masks in place, or in a copy", () => {
    for (const length of LENGTHS) {
      for (const readOnly of [true, false]) {
        const data = Buffer.alloc(length, "a");
        const before = Buffer.from(data);
        const options = { fin: true, opcode: 1, mask: true, readOnly, generateMask };
        const list = Sender.frame(data, options);
        const [frame] = new FrameDecoder({ role: "server", copy: true }).decode(Buffer.concat(list));
        expect(frame!.maskKey).toEqual(KEY);
        expect(Buffer.compare(frame!.payload, before)).toBe(0);
        expect(list).toHaveLength(readOnly || length === 0 ? 1 : 2);
        expect(data.equals(before)).toBe(readOnly || length === 0);
      }
    }
  });

  test("does not copy with a key of zeros, and uses a new random key for each frame", () => {
    const data = Buffer.from("data");
    const zeros = {
      fin: true,
      opcode: 1,
      mask: true,
      readOnly: true,
      generateMask: () => {},
      maskBuffer: Buffer.alloc(4),
    };
    expect(Sender.frame(data, zeros)[1]).toBe(data);
    const random = () => Sender.frame(data, { opcode: 1, mask: true, readOnly: true })[0]!.toString("hex");
    expect(new Set([random(), random(), random()]).size).toBe(3);
  });
});

test("frame() returns the same bytes as ws for all options", () => {
  for (const length of LENGTHS) {
    for (let bits = 0; bits < 16; bits++) {
      const options: FrameOptions = {
        fin: (bits & 1) !== 0,
        rsv1: (bits & 2) !== 0,
        mask: (bits & 4) !== 0,
        readOnly: (bits & 8) !== 0,
        opcode: bits % 3,
        generateMask,
      };
      const [one, other] = [ours, theirs].map(({ Sender }) => Sender.frame(Buffer.alloc(length, 7), options));
      expect(one!.map((part) => part.length)).toEqual(other!.map((part) => part.length));
      expect(Buffer.compare(Buffer.concat(one!), Buffer.concat(other!))).toBe(0);
    }
  }
});

describe.each(both)("%s: Sender", (_, parts) => {
  test("sends whole messages, and fragments with Pings between them", async () => {
    const { sender, frames } = open(parts);
    sender.send("text", { fin: true });
    sender.send(Uint8Array.of(1, 2), { binary: true, fin: true });
    sender.send("a", { fin: false });
    sender.ping("ping");
    sender.send("b", { fin: false });
    sender.pong(Buffer.from("pong"));
    await written((callback) => sender.send(Uint8Array.of(99).buffer, { fin: true }, callback));
    expect(frames()).toEqual([
      { opcode: 1, fin: true, rsv: 0, payload: Buffer.from("text") },
      { opcode: 2, fin: true, rsv: 0, payload: Buffer.from([1, 2]) },
      { opcode: 1, fin: false, rsv: 0, payload: Buffer.from("a") },
      { opcode: 9, fin: true, rsv: 0, payload: Buffer.from("ping") },
      { opcode: 0, fin: false, rsv: 0, payload: Buffer.from("b") },
      { opcode: 10, fin: true, rsv: 0, payload: Buffer.from("pong") },
      { opcode: 0, fin: true, rsv: 0, payload: Buffer.from("c") },
    ]);
  });

  test("masks frames with the option mask, and does not change the caller's bytes", async () => {
    const { sender, frames } = open(parts);
    const data = Buffer.from("data");
    const given = new Uint8Array(data);
    sender.send(given, { fin: true, mask: true });
    sender.ping(given, true);
    await written((callback) => sender.close(1000, "bye", true, callback));
    expect(given).toEqual(new Uint8Array(data));
    expect(frames("server").map(({ payload }) => payload.toString("latin1"))).toEqual(["data", "data", "\x03\xe8bye"]);
  });

  test("calls generateMask for each frame", async () => {
    const socket = new PassThrough();
    const sender = new parts.Sender(socket, {}, generateMask);
    for (let i = 0; i < 2; i++) await written((callback) => sender.send("x", { fin: true, mask: true }, callback));
    // Newer versions of Node read one chunk at a time.
    const chunks: Buffer[] = [];
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk as Buffer);
    const frames = new FrameDecoder({ role: "server" }).decode(Buffer.concat(chunks));
    expect(frames.map(({ maskKey }) => maskKey)).toEqual([KEY, KEY]);
  });

  test("close() sends no code, a code, or a reason as text or bytes", async () => {
    for (const [args, payload] of [
      [[], ""],
      [[1000], "\x03\xe8"],
      [[4999, ""], "\x13\x87"],
      [[1001, "é"], "\x03\xe9\xc3\xa9"],
      [[1001, Uint8Array.of(65)], "\x03\xe9A"],
    ] as const) {
      const { sender, frames } = open(parts);
      const [code, reason] = args;
      await written((callback) => sender.close(code, reason, false, callback));
      expect(frames()[0]).toEqual({ opcode: 8, fin: true, rsv: 0, payload: Buffer.from(payload, "latin1") });
    }
  });

  test("throws for data that must not be sent", () => {
    const { sender } = open(parts);
    const refused = (call: () => void) => outcome(call);
    const error = (type: string, message: string) => ({ class: type, message, code: undefined });
    const code = error("TypeError", "First argument must be a valid error code number");
    expect(refused(() => sender.close(1005))).toEqual(code);
    // @ts-expect-error not a number
    expect(refused(() => sender.close("1000"))).toEqual(code);
    const long = error("RangeError", "The message must not be greater than 123 bytes");
    expect(refused(() => sender.close(1000, "é".repeat(62)))).toEqual(long);
    const tooMuch = error("RangeError", "The data size must not be greater than 125 bytes");
    expect(refused(() => sender.ping(Buffer.alloc(126)))).toEqual(tooMuch);
    expect(refused(() => sender.pong("a".repeat(126)))).toEqual(tooMuch);
    // @ts-expect-error not accepted by Buffer.from()
    expect(() => sender.send(1, { fin: true })).toThrow(TypeError);
  });

  test("compresses, keeps the order, and counts waiting bytes", async () => {
    const { sender, deflate, frames } = open(parts, {});
    const compressed = { compress: true, fin: true };
    const text = "compressible ".repeat(10);
    sender.send(text, compressed);
    sender.send("after it", { fin: true });
    sender.ping("ping");
    expect(sender._bufferedBytes).toBe(text.length + 12);
    sender.send(text.slice(0, 50), { compress: true, fin: false });
    await written((callback) => sender.send(text.slice(50), compressed, callback));
    expect(sender._bufferedBytes).toBe(0);
    const all = frames();
    expect(all.map(({ opcode, fin, rsv }) => [opcode, fin, rsv])).toEqual([
      [1, true, 4],
      [1, true, 0],
      [9, true, 0],
      [1, false, 4],
      [0, true, 0],
    ]);
    const inflate = (at: number, fin: boolean) =>
      new Promise<string>((resolve, reject) => {
        deflate.decompress(all[at]!.payload, fin, (error, data) => (error ? reject(error) : resolve(String(data))));
      });
    expect(await inflate(0, true)).toBe(text);
    expect((await inflate(3, false)) + (await inflate(4, true))).toBe(text);
    deflate.cleanup();
  });

  test("applies the threshold only without context takeover", async () => {
    const cases: [parameters: Record<string, true[]>, rsv: number[]][] = [
      [{}, [4, 4]],
      [{ client_no_context_takeover: [true] }, [0, 4]],
    ];
    for (const [parameters, rsv] of cases) {
      const { sender, frames, deflate } = open(parts, parameters);
      await written((callback) => sender.send("a".repeat(9), { compress: true, fin: true }, callback));
      await written((callback) => sender.send("a".repeat(10), { compress: true, fin: true }, callback));
      expect(frames().map((frame) => frame.rsv)).toEqual(rsv);
      deflate.cleanup();
    }
  });

  test("reads a Blob, and sends later frames after it", async () => {
    const { sender, frames } = open(parts, {});
    sender.send(new Blob(["one"]), { binary: true, fin: true });
    sender.ping(new Blob(["ping"]));
    sender.send(new Blob(["compressed ".repeat(9)]), { compress: true, fin: true });
    await written((callback) => sender.send("last", { fin: true }, callback));
    expect(frames().map(({ opcode, rsv }) => [opcode, rsv])).toEqual([
      [2, 0],
      [9, 0],
      [1, 4],
      [1, 0],
    ]);
    expect(frames()[0]!.payload.toString()).toBe("one");
  });

  test.each([
    ["compressed", "The socket was closed while data was being compressed"],
    ["read", "The socket was closed while the blob was being read"],
  ])("a socket that is gone while something is %s: every callback gets the error", async (what, message) => {
    const { sender, socket } = open(parts, {});
    const errors: unknown[] = [];
    const callback = (error?: Error | null) => errors.push(error?.message);
    const data = what === "read" ? new Blob(["a blob"]) : "some text";
    sender.send(data, { compress: true, fin: true }, callback);
    sender.send("next", { fin: true }, callback);
    socket.destroy();
    while (errors.length < 2) await turn();
    expect(errors).toEqual([message, message]);
  });

  test("calls onerror if a Blob cannot be read", async () => {
    const { sender } = open(parts);
    const blob = new Blob(["x"]);
    blob.arrayBuffer = () => Promise.reject(new Error("cannot be read"));
    const reported: Error[] = [];
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- there is only the property
    sender.onerror = (error) => reported.push(error);
    const called = written((callback) => sender.send(blob, { fin: true }, callback));
    await expect(called).rejects.toThrow("cannot be read");
    expect(reported.map(({ message }) => message)).toEqual(["cannot be read"]);
  });

  test("sendFrame() writes header and payload together, and calls back", async () => {
    const { sender, socket } = open(parts);
    const list = parts.Sender.frame(Buffer.from("data"), { opcode: 1, fin: true });
    await written((callback) => sender.sendFrame(list, callback));
    await written((callback) => sender.sendFrame([Buffer.concat(list)], callback));
    const end = once(socket, "end");
    socket.end();
    await end;
    const failed = written((callback) => sender.sendFrame(list, callback));
    socket.on("error", () => {});
    await expect(failed).rejects.toThrow("write after end");
  });
});

test("calls callbacks with the error of a failed compression", async () => {
  const { Sender, PerMessageDeflate } = ours;
  const deflate = new PerMessageDeflate();
  deflate.accept([{}]);
  const sender: Sender = new Sender(new PassThrough(), { [PerMessageDeflate.extensionName]: deflate });
  const sent = written((callback) => sender.send("some text", { compress: true, fin: true }, callback));
  deflate.cleanup();
  await expect(sent).rejects.toThrow("The deflate stream was closed");
});
