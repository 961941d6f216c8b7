// Options that limit a peer, and options that turn off a check.

import { setImmediate as turn } from "node:timers/promises";
import { deflateRawSync } from "node:zlib";
import { describe } from "vitest";
import { request } from "../node/support/peer.ts";
import { differs, each } from "./support/both.ts";
import type { ClientOptions, ServerOptions, Socket } from "./support/implementations.ts";
import { until } from "./support/log.ts";
import { binary, closing, continuation, ping, pong, text } from "./support/raw.ts";

const ROLES = ["server", "client"] as const;

for (const role of ROLES) {
  describe(`a ${role}`, () => {
    each(`maxPayload accepts a message of exactly this length`, async (lab) => {
      const { log, raw } = await lab.against(role, { maxPayload: 10 });
      log.length = 0;
      raw.write(text("1234567890"), binary("12345", { fin: false }), continuation("67890"), ping("x".repeat(125)));
      await until(log, "ping");
      return log;
    });

    each("maxPayload counts bytes", async (lab) => {
      const { log, raw } = await lab.against(role, { maxPayload: 10 });
      log.length = 0;
      raw.write(text("ääääää"));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each("maxPayload is checked when the header has arrived", async (lab) => {
      const { log, raw } = await lab.against(role, { maxPayload: 1000 });
      log.length = 0;
      raw.write(binary("", { claimedLength: 1001n }));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each("maxPayload: 0 is no limit", async (lab) => {
      const { log, raw } = await lab.against(role, { maxPayload: 0 });
      log.length = 0;
      raw.write(binary("x".repeat(100_000)));
      await until(log, "message");
      return log;
    });

    each("maxPayload is 100 MiB by default", async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      raw.write(binary("", { claimedLength: BigInt(100 * 2 ** 20 + 1) }));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each("maxFragments accepts exactly this many fragments, and counts empty ones", async (lab) => {
      const { log, raw } = await lab.against(role, { maxFragments: 3 });
      log.length = 0;
      for (let index = 0; index < 2; index++) {
        raw.write(text("a", { fin: false }), continuation("", { fin: false }), ping("x"), continuation("c"));
      }
      await until(log, "message", 2);
      raw.write(text("", { fin: false }), continuation("", { fin: false }), continuation("", { fin: false }));
      raw.write(continuation(""));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each("autoPong: false sends no Pong", async (lab) => {
      const { socket, log, raw } = await lab.against(role, { autoPong: false });
      log.length = 0;
      socket.on("ping", (data) => {
        if (String(data) === "two") socket.pong(`mine ${String(data)}`);
      });
      raw.write(ping("one"), ping("two"));
      await raw.seesFrames(1);
      return { log, told: raw.frames };
    });

    each("answers Pings in order", async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      for (let index = 0; index < 50; index++) raw.write(ping(`${index}`));
      await raw.seesFrames(50);
      return { log, told: raw.frames };
    });

    each("answers no Ping after close()", async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.close(1000);
      await raw.seesFrames(1);
      raw.write(ping("late"), closing(1000));
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });

    each("skipUTF8Validation accepts text that is not UTF-8", async (lab) => {
      const { log, raw } = await lab.against(role, { skipUTF8Validation: true });
      log.length = 0;
      raw.write({ opcode: 1, payload: Uint8Array.of(0xff, 0xfe) });
      await until(log, "message");
      return log;
    });

    differs(
      "skipUTF8Validation and a close reason that is not UTF-8",
      "`skipUTF8Validation`",
      async (lab) => {
        const { log, raw } = await lab.against(role, { skipUTF8Validation: true });
        log.length = 0;
        raw.write({ opcode: 8, payload: Uint8Array.of(3, 0xe8, 0xff) });
        await raw.gone();
        raw.socket.end();
        await until(log, "close");
        return { log, told: raw.frames };
      },
      {
        ws: { log: ["close 1000 Buffer ff"], told: ["close 1000 ff"] },
        wsframe: {
          log: [
            "error Error WS_ERR_INVALID_UTF8: Invalid WebSocket frame: invalid UTF-8 sequence",
            "close 1006 Buffer ",
          ],
          told: ["close 1007"],
        },
      },
    );

    differs(
      "text that is not UTF-8, before its last fragment",
      "received text that is not UTF-8",
      async (lab) => {
        const { log, raw } = await lab.against(role);
        log.length = 0;
        raw.write({ opcode: 1, fin: false, payload: Uint8Array.of(0xff) }, ping("x"));
        await raw.seesFrames(1);
        return raw.frames;
      },
      { ws: ["pong x"], wsframe: ["close 1007"] },
    );

    each("accepts a letter that is split between two fragments", async (lab) => {
      const { log, raw } = await lab.against(role);
      log.length = 0;
      const [first, second] = [Buffer.of(0xe2, 0x82), Buffer.of(0xac)];
      raw.write({ opcode: 1, fin: false, payload: first }, ping("x"), { opcode: 0, payload: second });
      await until(log, "message");
      return log;
    });

    each("allowSynchronousEvents: true emits the events of a chunk in one turn", async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      const turns = new Turns(socket);
      raw.write(text("1"), ping("2"), text("3"), pong("4"), binary("5"));
      await until(log, "message", 3);
      return { log, turns: turns.counts() };
    });

    each("allowSynchronousEvents: false emits one event per turn", async (lab) => {
      const { socket, log, raw } = await lab.against(role, { allowSynchronousEvents: false });
      log.length = 0;
      const turns = new Turns(socket);
      raw.write(text("1"), ping("2"), text("3"), pong("4"), binary("5"), closing(1000));
      await until(log, "message", 3);
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, turns: turns.counts(), told: raw.frames };
    });
  });
}

each("maxFragments: 0 is no limit", async (lab) => {
  const { log, raw } = await lab.serverAgainstRaw({ maxFragments: 0 });
  log.length = 0;
  raw.write(text("a", { fin: false }), ...Array.from({ length: 17_000 }, () => continuation("", { fin: false })));
  raw.write(continuation("b"));
  await until(log, "message");
  return log;
});

each("maxFragments is 16,384 by default", async (lab) => {
  const { log, raw } = await lab.serverAgainstRaw();
  log.length = 0;
  raw.write(text("a", { fin: false }), ...Array.from({ length: 16_382 }, () => continuation("", { fin: false })));
  raw.write(continuation(""));
  raw.write(text("a", { fin: false }), ...Array.from({ length: 16_383 }, () => continuation("", { fin: false })));
  raw.write(continuation(""));
  await raw.gone();
  raw.socket.end();
  await until(log, "close");
  return { log, told: raw.frames };
});

/** Counts the events of each turn of the event loop. */
class Turns {
  readonly #counts: number[] = [];
  #open = false;

  constructor(socket: Socket) {
    for (const event of ["message", "ping", "pong"] as const) socket.on(event, () => this.#count());
  }

  #count(): void {
    if (this.#open) {
      this.#counts[this.#counts.length - 1]! += 1;
      return;
    }
    this.#open = true;
    this.#counts.push(1);
    // Runs after all microtasks.
    process.nextTick(() => queueMicrotask(() => (this.#open = false)));
  }

  counts(): number[] {
    return this.#counts;
  }
}

describe("maxPendingAutoPongs", () => {
  for (const [what, options] of [
    ["10", { maxPendingAutoPongs: 10 }],
    ["the default", {}],
  ] as readonly (readonly [string, ServerOptions & ClientOptions])[]) {
    each(`${what}: ends a peer that does not read its Pongs`, async (lab) => {
      const { socket, log, raw } = await lab.serverAgainstRaw(options);
      log.length = 0;
      raw.socket.pause();
      // Fill the buffers of the operating system.
      const chunk = Buffer.alloc(1 << 20);
      while (socket.bufferedAmount < 1 << 22) {
        socket.send(chunk);
        await turn();
      }
      for (let index = 0; index < 200; index++) raw.write(ping("x"));
      await until(log, "close");
      return [...log.filter((line) => !line.startsWith("ping")), socket.readyState];
    });
  }

  each("0 is no limit", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw({ maxPendingAutoPongs: 0 });
    log.length = 0;
    raw.socket.pause();
    const chunk = Buffer.alloc(1 << 20);
    while (socket.bufferedAmount < 1 << 22) {
      socket.send(chunk);
      await turn();
    }
    for (let index = 0; index < 200; index++) raw.write(ping("x"));
    await until(log, "ping", 200);
    return socket.readyState;
  });
});

describe("maxBufferedChunks", () => {
  differs(
    "a frame in more chunks than the limit",
    "`maxBufferedChunks`",
    async (lab) => {
      const { log, raw } = await lab.serverAgainstRaw({ maxBufferedChunks: 3 });
      log.length = 0;
      const frame = raw.serialize(text("0123456789"));
      for (let at = 0; at < frame.length; at++) {
        raw.socket.write(frame.subarray(at, at + 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await until(log, "", 1);
      return { log, told: raw.frames };
    },
    {
      ws: {
        log: ["error RangeError WS_ERR_TOO_MANY_BUFFERED_PARTS: Too many buffered chunks"],
        told: ["close 1008"],
      },
      wsframe: { log: ["message Buffer 0123456789"], told: [] },
    },
  );

  each("0 is no limit", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ maxBufferedChunks: 0 });
    log.length = 0;
    const frame = raw.serialize(text("0123456789"));
    for (let at = 0; at < frame.length; at++) {
      raw.socket.write(frame.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(log, "message");
    return log;
  });
});

describe("compressed messages", () => {
  const offer = request({ "Sec-WebSocket-Extensions": "permessage-deflate" });
  const compressed = (data: string | Buffer): Buffer => {
    const bytes = deflateRawSync(data, { finishFlush: 2 });
    return bytes.subarray(0, -4);
  };

  each("maxPayload counts inflated bytes", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true, maxPayload: 1000 }, offer);
    log.length = 0;
    raw.write({ opcode: 1, rsv: 4, payload: compressed("x".repeat(1000)) });
    await until(log, "message");
    raw.write({ opcode: 1, rsv: 4, payload: compressed("x".repeat(1001)) });
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("maxPayload counts all compressed fragments of a message", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true, maxPayload: 1000 }, offer);
    log.length = 0;
    const bytes = compressed("x".repeat(1001));
    raw.write(
      { opcode: 1, rsv: 4, fin: false, payload: bytes.subarray(0, 4) },
      { opcode: 0, payload: bytes.subarray(4) },
    );
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("accepts a short message that inflates to a thousand times its length", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true }, offer);
    log.length = 0;
    raw.write({ opcode: 2, rsv: 4, payload: compressed(Buffer.alloc(5 << 20)) });
    await until(log, "message");
    return log;
  });

  differs(
    "a message that inflates to 17 MiB, a thousand times its length",
    "a decompression bomb",
    async (lab) => {
      const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true }, offer);
      log.length = 0;
      raw.write({ opcode: 2, rsv: 4, payload: compressed(Buffer.alloc(17 << 20)) });
      await until(log, "", 1);
      return log[0]!.split(/[,:]/, 1)[0];
    },
    { ws: "message Buffer 17825792 bytes", wsframe: "error RangeError WS_ERR_INFLATE_RATIO" },
  );

  each("accepts a message whose last block is final", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true }, offer);
    log.length = 0;
    const bytes = Buffer.concat([deflateRawSync("hello"), Buffer.of(0)]);
    raw.write({ opcode: 1, rsv: 4, payload: bytes }, { opcode: 1, rsv: 4, payload: bytes });
    await until(log, "message", 2);
    return log;
  });

  each("refuses compressed text that is not UTF-8", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true }, offer);
    log.length = 0;
    raw.write({ opcode: 1, rsv: 4, payload: compressed(Buffer.of(0xff, 0xfe)) });
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("sends a Close for bytes that cannot be inflated", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw({ perMessageDeflate: true }, offer);
    log.length = 0;
    raw.write({ opcode: 1, rsv: 4, payload: Uint8Array.of(0xff, 0xff, 0xff) });
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });
});
