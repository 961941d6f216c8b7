// What a Protocol says of its extensions, and what comes through commit().

import { expect, test } from "vitest";
import { type Extension, type MessageSink, Protocol } from "../../src/index.ts";
import { ROLES, text, toRole } from "../support/wire.ts";

function extension(rsv: number, releaseAfter: number | undefined, wanted?: (length: number) => boolean): Extension {
  return {
    name: `extension-${rsv}`,
    rsv,
    offer: () => [[]],
    accept: () => [],
    confirm: () => true,
    open: () => ({
      encode: ({ payload }) => payload,
      decode: ({ payload }) => payload,
      releaseAfter,
      ...(wanted && { wants: (length, compress) => compress ?? wanted(length) }),
    }),
  };
}

test("memory can be released after the least of the times of all extensions", () => {
  const after = (...times: (number | undefined)[]): number =>
    new Protocol({ role: "server", extensions: times.map((time, i) => extension(1 << i, time)) }).releaseAfter;
  expect([after(), after(undefined), after(500), after(500, undefined, 200)]).toEqual([Infinity, Infinity, 500, 200]);
});

test("a message would be changed if one extension wants it, or does not say", () => {
  const long = (length: number): boolean => length > 100;
  const make = (...extensions: Extension[]): Protocol => new Protocol({ role: "server", extensions });
  const some = make(
    extension(4, undefined, long),
    extension(2, undefined, () => false),
  );
  expect([99, 101].map((length) => some.compresses(length, undefined))).toEqual([false, true]);
  expect([true, false].map((compress) => some.compresses(5, compress))).toEqual([true, false]);
  expect(make().compresses(1000, true)).toBe(false);
  expect(make(extension(4, undefined)).compresses(5, undefined)).toBe(true);
});

test.each(ROLES)("what is wrong in a buffer that was reserved is an error event, role %s", (role) => {
  const seen: string[] = [];
  const sink: MessageSink = {
    text: (data) => void seen.push(data),
    binary() {},
    ping() {},
    pong() {},
    error: ({ code }) => void seen.push(code),
    close: (code) => void seen.push(String(code)),
  };
  const protocol = new Protocol({ role });
  const bytes = toRole(role, text("one"), { opcode: 3 });
  protocol.reserve().set(bytes);
  protocol.commit(bytes.length, sink);
  // What is read after that is ignored.
  protocol.reserve().set(bytes);
  protocol.commit(bytes.length, sink);
  expect(seen).toEqual(["one", "WS_ERR_INVALID_OPCODE", "1006"]);
  const thrown = new Error("from the sink");
  const other = new Protocol({ role });
  other.reserve().set(bytes);
  const fails = (): never => {
    throw thrown;
  };
  expect(() => other.commit(bytes.length, { ...sink, text: fails })).toThrow(thrown);
});
