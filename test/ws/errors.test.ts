// The documented error codes of ws: the cause of each, the events that it causes, and the Close that the peer gets.

import { describe, expect } from "vitest";
import type { RawFrame } from "../reference/serialize.ts";
import { both, each } from "./support/both.ts";
import type { ClientOptions, ServerOptions } from "./support/implementations.ts";
import { outcome, until } from "./support/log.ts";
import { binary, closing, continuation, ping, text } from "./support/raw.ts";

interface Fault {
  readonly what: string;
  readonly frames: readonly RawFrame[];
  readonly log: readonly string[];
  readonly told: string;
  readonly role?: "server" | "client";
  readonly options?: ServerOptions & ClientOptions;
}

const INVALID = "Invalid WebSocket frame:";
const error = (code: string, message: string, name = "RangeError"): string => `error ${name} ${code}: ${message}`;

const faults: readonly Fault[] = [
  {
    what: "a ping that is a fragment",
    frames: [ping("x", { fin: false })],
    log: [error("WS_ERR_EXPECTED_FIN", `${INVALID} FIN must be set`)],
    told: "close 1002",
  },
  {
    what: "a frame that is not masked",
    frames: [text("x", { maskKey: undefined })],
    log: [error("WS_ERR_EXPECTED_MASK", `${INVALID} MASK must be set`)],
    told: "close 1002",
    role: "server",
  },
  {
    what: "a frame that is masked",
    frames: [text("x", { maskKey: [1, 2, 3, 4] })],
    log: [error("WS_ERR_UNEXPECTED_MASK", `${INVALID} MASK must be clear`)],
    told: "close 1002",
    role: "client",
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) => ({
    what: `a Close with the code ${code}`,
    frames: [closing(code)],
    log: [error("WS_ERR_INVALID_CLOSE_CODE", `${INVALID} invalid status code ${code}`)],
    told: "close 1002",
  })),
  {
    what: "a Close with half a code",
    frames: [{ opcode: 8, payload: Uint8Array.of(3) }],
    log: [error("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", `${INVALID} invalid payload length 1`)],
    told: "close 1002",
  },
  {
    what: "a ping of 126 bytes",
    frames: [ping("x".repeat(126))],
    log: [error("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", `${INVALID} invalid payload length 126`)],
    told: "close 1002",
  },
  {
    what: "a ping of 70,000 bytes",
    frames: [ping("x".repeat(70_000))],
    log: [error("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", `${INVALID} invalid payload length 127`)],
    told: "close 1002",
  },
  ...[3, 7, 11, 15].map((opcode) => ({
    what: `the opcode ${opcode}`,
    frames: [{ opcode }],
    log: [error("WS_ERR_INVALID_OPCODE", `${INVALID} invalid opcode ${opcode}`)],
    told: "close 1002",
  })),
  {
    what: "a continuation without a message",
    frames: [continuation("x")],
    log: [error("WS_ERR_INVALID_OPCODE", `${INVALID} invalid opcode 0`)],
    told: "close 1002",
  },
  {
    what: "a message inside another",
    frames: [text("x", { fin: false }), binary("y")],
    log: [error("WS_ERR_INVALID_OPCODE", `${INVALID} invalid opcode 2`)],
    told: "close 1002",
  },
  {
    what: "text that is not UTF-8",
    frames: [{ opcode: 1, payload: Uint8Array.of(0xce, 0xba, 0xe1, 0xbd) }],
    log: [error("WS_ERR_INVALID_UTF8", `${INVALID} invalid UTF-8 sequence`, "Error")],
    told: "close 1007",
  },
  {
    what: "a reason that is not UTF-8",
    frames: [{ opcode: 8, payload: Uint8Array.of(3, 0xe8, 0xff) }],
    log: [error("WS_ERR_INVALID_UTF8", `${INVALID} invalid UTF-8 sequence`, "Error")],
    told: "close 1007",
  },
  {
    what: "RSV1 without an extension",
    frames: [text("x", { rsv: 4 })],
    log: [error("WS_ERR_UNEXPECTED_RSV_1", `${INVALID} RSV1 must be clear`)],
    told: "close 1002",
  },
  ...[1, 2, 3].map((rsv) => ({
    what: `the reserved bits ${rsv}`,
    frames: [text("x", { rsv })],
    log: [error("WS_ERR_UNEXPECTED_RSV_2_3", `${INVALID} RSV2 and RSV3 must be clear`)],
    told: "close 1002",
  })),
  {
    what: "a length of 2^53",
    frames: [{ opcode: 2, claimedLength: 2n ** 53n }],
    log: [error("WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", "Unsupported WebSocket frame: payload length > 2^53 - 1")],
    told: "close 1009",
  },
  {
    what: "a message longer than maxPayload",
    frames: [binary("x".repeat(11))],
    log: [error("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded")],
    told: "close 1009",
    options: { maxPayload: 10 },
  },
  {
    what: "fragments longer than maxPayload",
    frames: [text("123456", { fin: false }), continuation("12345")],
    log: [error("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded")],
    told: "close 1009",
    options: { maxPayload: 10 },
  },
  {
    what: "more fragments than maxFragments",
    frames: [text("1", { fin: false }), continuation("2", { fin: false }), continuation("3")],
    log: [error("WS_ERR_TOO_MANY_BUFFERED_PARTS", "Too many message fragments")],
    told: "close 1008",
    options: { maxFragments: 2 },
  },
];

for (const role of ["server", "client"] as const) {
  describe(`a ${role} that receives`, () => {
    for (const { what, frames, log: expected, told, role: only, options } of faults) {
      if (only !== undefined && only !== role) continue;
      each(
        what,
        async (lab) => {
          const { log, raw } = await lab.against(role, options);
          log.length = 0;
          raw.write(...frames);
          await raw.gone();
          raw.socket.end();
          await until(log, "close");
          return { log, told: raw.frames };
        },
        { log: [...expected, "close 1006 Buffer "], told: [told] },
      );
    }

    each(
      "delivers the messages before an error",
      async (lab) => {
        const { log, raw } = await lab.against(role);
        log.length = 0;
        raw.write(text("one"), ping("two"), { opcode: 3 }, text("dropped"));
        await raw.gone();
        raw.write(text("late"));
        raw.socket.end();
        await until(log, "close");
        return { log, told: raw.frames };
      },
      {
        log: [
          "message Buffer one",
          "ping Buffer two",
          error("WS_ERR_INVALID_OPCODE", `${INVALID} invalid opcode 3`),
          "close 1006 Buffer ",
        ],
        told: ["pong two", "close 1002"],
      },
    );

    each(
      "the state in the 'error' event, and calls of methods there",
      async (lab) => {
        const { socket, log, raw } = await lab.against(role);
        log.length = 0;
        socket.on("error", () => {
          log.push(`state ${socket.readyState}`, `close() ${outcome(() => socket.close(1000))}`);
          socket.send("late", (late) => log.push(`send: ${late?.message}`));
        });
        raw.write({ opcode: 3 });
        await raw.gone();
        raw.socket.end();
        await until(log, "close 1006");
        return { log, told: raw.frames };
      },
      {
        log: [
          error("WS_ERR_INVALID_OPCODE", `${INVALID} invalid opcode 3`),
          "state 2",
          "close() undefined",
          "send: WebSocket is not open: readyState 2 (CLOSING)",
          "close 1006 Buffer ",
        ],
        told: ["close 1002"],
      },
    );

    for (const [what, frames] of [
      ["a reserved opcode", [{ opcode: 3 }]],
      ["a message that is too long", [binary("12345678901")]],
      ["text that is not UTF-8", [{ opcode: 1, payload: Uint8Array.of(0xff) }]],
      ["an invalid Close", [closing(5)]],
    ] as const) {
      each(`${what} after close()`, async (lab) => {
        const { socket, log, raw } = await lab.against(role, { maxPayload: 10 });
        log.length = 0;
        socket.close(1000);
        await raw.seesFrames(1);
        raw.write(...frames);
        await raw.gone();
        raw.socket.end();
        await until(log, "close");
        return { log, told: raw.frames };
      });
    }

    each("terminate() in the 'error' event", async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.on("error", () => socket.terminate());
      raw.write({ opcode: 3 });
      await until(log, "close");
      await raw.gone();
      return log;
    });
  });
}

both(
  "a message that is too long, on both sides",
  async (lab) => {
    const { client, log } = await lab.pair({ server: { maxPayload: 100 } });
    log.client.length = log.peer.length = 0;
    client.send("x".repeat(101));
    await until(log.client, "close");
    await until(log.peer, "close");
    return log;
  },
  {
    client: ["close 1009 Buffer "],
    peer: [error("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded"), "close 1006 Buffer "],
  },
);

each("throws an 'error' without a listener", async (lab) => {
  const { socket, raw } = await lab.serverAgainstRaw();
  socket.removeAllListeners("error");
  const caught = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  try {
    raw.write({ opcode: 3 });
    const { message } = await caught;
    return message;
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});

each("error.code is an enumerable own property", async (lab) => {
  const { socket, log, raw } = await lab.serverAgainstRaw();
  let found: Error | undefined;
  socket.on("error", (error) => (found = error));
  raw.write({ opcode: 3 });
  await until(log, "error");
  expect(found).toBeInstanceOf(RangeError);
  return Object.keys(found!).filter((key) => key === "code");
});
