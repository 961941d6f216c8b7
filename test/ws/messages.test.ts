// Messages in both directions: accepted data, received data and callbacks.

import { describe, expect } from "vitest";
import { both, differs, each } from "./support/both.ts";
import { outcome, reached, show, until } from "./support/log.ts";
import { binary, continuation, text } from "./support/raw.ts";

const ROLES = ["server", "client"] as const;
const data = Buffer.from("hello");

describe("the data of send()", () => {
  const values: readonly (readonly [string, () => unknown])[] = [
    ["a string", () => "hello"],
    ["an empty string", () => ""],
    ["letters that are not ASCII", () => "größer €😀"],
    ["a lone surrogate", () => "a\ud800b"],
    ["a Buffer", () => Buffer.from(data)],
    ["an empty Buffer", () => Buffer.alloc(0)],
    ["a Uint8Array", () => new Uint8Array(data)],
    ["a view of a part of a buffer", () => new Uint8Array(data).subarray(1, 3)],
    ["a Uint16Array", () => Uint16Array.of(1, 2)],
    ["a Float64Array", () => Float64Array.of(0.5)],
    ["a DataView", () => new DataView(new Uint8Array(data).buffer, 2)],
    ["an ArrayBuffer", () => new Uint8Array(data).buffer],
    ["an empty ArrayBuffer", () => new ArrayBuffer(0)],
    ["a SharedArrayBuffer", () => new SharedArrayBuffer(3)],
    ["a Blob", () => new Blob(["hel", "lo"])],
    ["an empty Blob", () => new Blob([])],
    ["a number", () => 42],
    ["zero", () => 0],
    ["NaN", () => NaN],
    ["an array of bytes", () => [1, 2, 3]],
    ["undefined", () => undefined],
    ["null", () => null],
    ["false", () => false],
    ["an object whose valueOf() returns text", () => ({ valueOf: () => "value" })],
    ["an object with Symbol.toPrimitive", () => ({ [Symbol.toPrimitive]: () => "primitive" })],
    ["a String object", () => Object("wrapped")],
    ["70,000 bytes", () => Buffer.alloc(70_000, "ab")],
    ["200 bytes", () => Buffer.alloc(200, "ab")],
  ];
  both("sends all kinds of data, in both directions", async (lab) => {
    const { client, peer, log } = await lab.pair();
    log.client.length = log.peer.length = 0;
    const arrived: Record<string, string[]> = {};
    for (const [index, [what, make]] of values.entries()) {
      client.send(make() as string);
      peer.send(make() as string);
      await until(log.client, "message", index + 1);
      await until(log.peer, "message", index + 1);
      arrived[what] = [log.client.at(-1)!, log.peer.at(-1)!];
    }
    return arrived;
  });

  for (const [what, make] of [
    ["true", () => true],
    ["a plain object", () => ({ a: 1 })],
    ["a symbol", () => Symbol("x")],
    ["a Date", () => new Date(0)],
  ] as const) {
    each(`throws for ${what}, and keeps the connection`, async (lab) => {
      const { socket, raw } = await lab.serverAgainstRaw();
      const result = outcome(() => socket.send(make() as never));
      socket.send("next");
      const told = await raw.seesFrames(1);
      return { result, told, state: socket.readyState };
    });
  }

  differs(
    "bytes with binary: false that are not UTF-8",
    "bytes sent as text that are not UTF-8",
    async (lab) => {
      const { socket, raw } = await lab.serverAgainstRaw();
      const result = outcome(() => socket.send(Buffer.of(0xff), { binary: false })).split(":", 1)[0];
      socket.send("next");
      await raw.seesFrames(1);
      return [result, raw.frames[0]];
    },
    { ws: ["undefined", "text ff"], wsframe: ["throws TypeError", "text next"] },
  );

  for (const role of ROLES) {
    each(`${role}: does not change a buffer`, async (lab) => {
      const { socket, raw } = await lab.against(role);
      const own = Buffer.alloc(300, "x");
      socket.send(own);
      socket.ping(own.subarray(0, 10));
      await raw.seesFrames(2);
      return [own.every((byte) => byte === 120), ...raw.frames];
    });
  }
});

describe("the options of send()", () => {
  for (const [what, value, options] of [
    ["binary: true with a string", "text", { binary: true }],
    ["binary: false with bytes", Buffer.from("bytes"), { binary: false }],
    ["binary: undefined with a string", "text", { binary: undefined }],
    ["binary: undefined with bytes", Buffer.from("x"), { binary: undefined }],
    ["binary: false with a Blob", new Blob(["blob"]), { binary: false }],
    ["compress without the extension", "text", { compress: true }],
    ["fin: undefined", "text", { fin: undefined }],
    ["no option", "text", {}],
    ["undefined", "text", undefined],
    ["an unknown option", "text", { other: 1 }],
  ] as const) {
    for (const role of ROLES) {
      each(`${role}: ${what}`, async (lab) => {
        const { socket, raw } = await lab.against(role);
        socket.send(value as string, options as object);
        return raw.seesFrames(1);
      });
    }
  }

  for (const role of ROLES) {
    each(`${role}: mask as the role requires`, async (lab) => {
      const { socket, raw } = await lab.against(role);
      socket.send("one", { mask: role === "client" });
      socket.ping("three", role === "client");
      socket.pong("four", role === "client");
      return raw.seesFrames(3);
    });

    differs(
      `${role}: mask as the role forbids`,
      "`mask` of `send()`, `ping()` and `pong()`",
      async (lab) => {
        const { socket, raw } = await lab.against(role);
        socket.send("one", { mask: role === "server" });
        socket.ping("two", role === "server");
        socket.pong("three", role === "server");
        return raw.seesFrames(3);
      },
      {
        ws: ["text one wrong mask", "ping two wrong mask", "pong three wrong mask"],
        wsframe: ["text one", "ping two", "pong three"],
      },
    );

    each(
      `${role}: fin: false sends fragments`,
      async (lab) => {
        const { socket, raw } = await lab.against(role);
        socket.send("one", { fin: false });
        socket.send("two", { fin: false });
        socket.ping("between");
        socket.send(Buffer.from("three"), { fin: true });
        socket.send("next");
        return raw.seesFrames(5);
      },
      ["text one more", "continuation two more", "ping between", "continuation three", "text next"],
    );

    each(`${role}: fragments with callbacks`, async (lab) => {
      const { socket, raw } = await lab.against(role);
      const order: string[] = [];
      socket.send("one", { fin: false }, (error) => order.push(`one ${show(error ?? undefined)}`));
      socket.send("", { fin: false }, (error) => order.push(`two ${show(error ?? undefined)}`));
      socket.send("", { fin: true }, (error) => order.push(`three ${show(error ?? undefined)}`));
      await raw.seesFrames(3);
      await reached(
        () => order.length === 3,
        () => order.join(),
      );
      return { order, told: raw.frames };
    });
  }

  both("fragments are received as one message", async (lab) => {
    const { client, log } = await lab.pair();
    log.peer.length = 0;
    client.send("ä".repeat(10), { fin: false });
    client.send("b", { fin: false });
    client.send("c");
    client.send(Buffer.from("d"), { fin: false });
    client.send(Buffer.from("e"));
    await until(log.peer, "message", 2);
    return log.peer;
  });
});

describe("callbacks", () => {
  both("of send(), ping() and pong() are called in the order of the calls", async (lab) => {
    const { client, peer } = await lab.pair();
    const result: Record<string, string[]> = {};
    for (const [name, socket] of [
      ["client", client],
      ["peer", peer],
    ] as const) {
      const order: string[] = [];
      const done = (what: string) => (error?: Error | null) => void order.push(`${what} ${show(error ?? undefined)}`);
      socket.send("1", done("send"));
      socket.send("2", {}, done("send with options"));
      socket.send(Buffer.alloc(5000), done("send of bytes"));
      socket.ping(done("ping"));
      socket.ping("x", done("ping with data") as never);
      socket.ping("x", undefined, done("ping with all"));
      socket.pong(done("pong"));
      socket.pong("x", done("pong with data") as never);
      socket.send("", done("send of nothing"));
      order.push("returned");
      await reached(
        () => order.length === 10,
        () => order.join(),
      );
      result[name] = order;
    }
    return result;
  });

  both("may call send()", async (lab) => {
    const { client, log } = await lab.pair();
    log.peer.length = 0;
    client.send("1", () => client.send("2", () => client.close()));
    await until(log.peer, "close");
    return log.peer;
  });

  both("stay in order with a Blob", async (lab) => {
    const { client, log } = await lab.pair();
    log.peer.length = 0;
    const order: string[] = [];
    client.send("before", () => order.push("before"));
    client.send(new Blob(["blob"]), () => order.push("blob"));
    client.send("after", () => order.push("after"));
    client.ping("ping", undefined, () => order.push("ping"));
    client.send(new Blob(["other"]), () => order.push("other"));
    client.close(1000, "end");
    await until(log.peer, "close");
    return { order, log: log.peer };
  });

  each("bufferedAmount counts a Blob and the messages that wait for it", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    const amounts = [socket.bufferedAmount];
    socket.send(new Blob(["12345"]));
    amounts.push(socket.bufferedAmount);
    socket.send("678");
    amounts.push(socket.bufferedAmount);
    await raw.seesFrames(2);
    amounts.push(socket.bufferedAmount);
    return { amounts, told: raw.frames };
  });

  each("get an error if a Blob cannot be read", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    const blob = new Blob(["x"]);
    blob.arrayBuffer = () => Promise.reject(new Error("unreadable"));
    socket.send(blob, (error) => log.push(`callback ${show(error)}`));
    socket.send("after", (error) => log.push(`second ${show(error)}`));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("get an error if the connection ends while a Blob is read", async (lab) => {
    const { socket, log } = await lab.serverAgainstRaw();
    log.length = 0;
    socket.send(new Blob(["x"]), (error) => log.push(`callback ${error instanceof Error}`));
    socket.send("after", (error) => log.push(`second ${error instanceof Error}`));
    socket.terminate();
    await until(log, "close");
    await until(log, "second");
    return log.toSorted();
  });

  each("get an error if the socket can no longer be written", async (lab) => {
    const { socket, log } = await lab.serverAgainstRaw();
    log.length = 0;
    const errors: string[] = [];
    socket.send("x".repeat(100), () => {});
    socket.terminate();
    socket.send("late", (error) => errors.push(show(error)));
    await until(log, "close");
    await reached(
      () => errors.length === 1,
      () => "no callback",
    );
    return errors;
  });

  each("of messages that wait when the connection ends", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    raw.socket.pause();
    const results: boolean[] = [];
    for (let index = 0; index < 100; index++) {
      socket.send(Buffer.alloc(200_000), (error) => results.push(error instanceof Error));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    const waits = socket.bufferedAmount > 1_000_000;
    socket.terminate();
    await until(log, "close");
    await reached(
      () => results.length === 100,
      () => `${results.length} callbacks`,
    );
    return { waits, last: results.at(-1), log };
  });
});

describe("received messages", () => {
  for (const role of ROLES) {
    each(
      `${role}: are Buffers, with a flag for binary`,
      async (lab) => {
        const { log, raw } = await lab.against(role);
        log.length = 0;
        raw.write(text("text"), binary("bytes"), text(""), binary(""));
        await until(log, "message", 4);
        return log;
      },
      ["message Buffer text", "message Buffer bytes binary", "message Buffer ", "message Buffer  binary"],
    );

    for (const type of ["nodebuffer", "arraybuffer", "blob"] as const) {
      each(`${role}: binaryType ${type}`, async (lab) => {
        const { socket, log, raw } = await lab.against(role);
        log.length = 0;
        socket.binaryType = type as "nodebuffer";
        raw.write(
          text("text"),
          binary("bytes"),
          binary(""),
          binary("one", { fin: false }),
          continuation("two"),
          binary("one", { fin: false }),
          continuation("", { fin: false }),
          continuation("two"),
        );
        await until(log, "message", 5);
        return [socket.binaryType, ...log];
      });
    }

    each(`${role}: binaryType fragments`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.binaryType = "fragments";
      raw.write(text("text"), text("te", { fin: false }), continuation("xt"), binary("bytes"), binary(""));
      await until(log, "message", 4);
      return [socket.binaryType, ...log];
    });

    differs(
      `${role}: binaryType fragments, for a message in fragments`,
      '`binaryType` "fragments"',
      async (lab) => {
        const { socket, log, raw } = await lab.against(role);
        log.length = 0;
        socket.binaryType = "fragments";
        raw.write(binary("one", { fin: false }), continuation("", { fin: false }), continuation("two"));
        await until(log, "message");
        return log;
      },
      { ws: ["message [Buffer one, Buffer two] binary"], wsframe: ["message [Buffer onetwo] binary"] },
    );

    differs(
      `${role}: a length of 1 encoded in 3 bytes`,
      "a length encoded in more bytes than needed",
      async (lab) => {
        const { log, raw } = await lab.against(role);
        log.length = 0;
        raw.write(text("x", { lengthBytes: 3 }));
        await until(log, "", 1);
        return log.map((line) => line.split(":", 1)[0]);
      },
      { ws: ["message Buffer x"], wsframe: ["error RangeError WS_ERR_NON_MINIMAL_LENGTH"] },
    );

    each(`${role}: a Blob has the bytes of the message`, async (lab) => {
      const { socket, raw } = await lab.against(role);
      socket.binaryType = "blob" as never;
      const came = new Promise<unknown>((resolve) => socket.once("message", resolve));
      raw.write(binary("one", { fin: false }), continuation("two"));
      const blob = (await came) as Blob;
      return [blob instanceof Blob, blob.type, await blob.text()];
    });

    each(`${role}: binaryType may change between messages, and ignores unknown values`, async (lab) => {
      const { socket, log, raw } = await lab.against(role);
      log.length = 0;
      socket.once("message", () => (socket.binaryType = "arraybuffer"));
      raw.write(binary("one"), binary("two"));
      await until(log, "message", 2);
      socket.binaryType = "nonsense" as "nodebuffer";
      return [...log, socket.binaryType];
    });
  }

  each("an ArrayBuffer has only the bytes of the message", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    socket.binaryType = "arraybuffer";
    const came = new Promise<unknown>((resolve) => socket.once("message", resolve));
    raw.write(binary("one"));
    const buffer = (await came) as ArrayBuffer;
    return [buffer instanceof ArrayBuffer, buffer.byteLength];
  });

  each("a message does not change when more arrives", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    const kept: Buffer[] = [];
    socket.on("message", (data) => kept.push(data as Buffer));
    for (let index = 0; index < 50; index++) raw.write(binary(`message ${index} `.repeat(index)));
    await until(log, "message", 50);
    expect(kept.every((one, index) => one.toString() === `message ${index} `.repeat(index))).toBe(true);
    return [kept.length];
  });

  each("a program may change a message", async (lab) => {
    const { socket, log, raw } = await lab.serverAgainstRaw();
    log.length = 0;
    socket.prependListener("message", (data) => void (data as Buffer).fill("z", 0, 1));
    raw.write(text("one"), binary("two"), text("three"));
    await until(log, "message", 3);
    return log;
  });

  both("a new socket has the binaryType nodebuffer", async (lab) => {
    const { client, peer } = await lab.pair();
    return [client.binaryType, peer.binaryType];
  });

  each("are dropped without a listener", async (lab) => {
    const { socket, raw } = await lab.serverAgainstRaw();
    socket.removeAllListeners("message");
    raw.write(text("one"), { opcode: 9, payload: Buffer.from("mark") });
    await raw.seesFrames(1);
    const log: string[] = [];
    socket.on("message", (data) => log.push(show(data)));
    raw.write(text("two"));
    await until(log, "Buffer");
    return log;
  });
});

describe("ping() and pong()", () => {
  for (const method of ["ping", "pong"] as const) {
    const values = [
      ["undefined", undefined],
      ["text", "hello"],
      ["bytes", Buffer.from("bytes")],
      ["a number", 5],
      ["zero", 0],
      ["125 bytes", "x".repeat(125)],
      ["a Uint16Array", Uint16Array.of(1)],
      ["an ArrayBuffer", new Uint8Array(3).buffer],
      ["a Blob", new Blob(["blob"])],
      ["null", null],
      ["an array", [1, 2]],
    ] as const;
    for (const role of ROLES) {
      each(`${role}: ${method}() accepts all kinds of data`, async (lab) => {
        const { socket, raw } = await lab.against(role);
        const told: Record<string, string> = {};
        for (const [index, [what, value]] of values.entries()) {
          socket[method](value);
          told[what] = (await raw.seesFrames(index + 1))[index]!;
        }
        return told;
      });
    }

    for (const [what, value] of [
      ["126 bytes", "x".repeat(126)],
      ["126 bytes in 63 letters", "ä".repeat(63)],
      ["a Buffer of 126 bytes", Buffer.alloc(126)],
      ["true", true],
    ] as const) {
      each(`${method}() refuses ${what}`, async (lab) => {
        const { socket } = await lab.serverAgainstRaw();
        return [outcome(() => socket[method](value)), socket.readyState];
      });
    }
  }
});

both("500 messages in one turn", async (lab) => {
  const { client, peer } = await lab.pair();
  let count = 0;
  let length = 0;
  const done = new Promise<void>((resolve) => {
    peer.on("message", (data) => {
      count++;
      length += (data as Buffer).length;
      if (count === 500) resolve();
    });
  });
  for (let index = 0; index < 500; index++) client.send("x".repeat(index % 200));
  await done;
  return [count, length];
});

both("a message of 1 MiB, back and forth", async (lab) => {
  const { client, peer, log } = await lab.pair();
  log.client.length = log.peer.length = 0;
  peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
  client.send(Buffer.alloc(1 << 20, "0123456789"));
  await until(log.client, "message");
  return log;
});
