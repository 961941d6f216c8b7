// The arguments of the constructor, and the members of the class, without a connection.

import { describe, expect, test } from "vitest";
import { until, watchLeftovers } from "../node/support/watch.ts";
import { type Constructor, IMPLEMENTATIONS, next, thrown } from "./support/implementations.ts";

watchLeftovers();

/** A URL where no server listens. */
const NOWHERE = "ws://127.0.0.1:1/";

describe.each(IMPLEMENTATIONS)("%s", (_name, WebSocket) => {
  const make = WebSocket as unknown as new (...args: unknown[]) => InstanceType<Constructor>;

  /** Makes a socket that fails to connect, and returns its URL. */
  async function urlOf(...args: unknown[]): Promise<string> {
    const socket = new make(...args);
    await next(socket, "close");
    return socket.url;
  }

  test.each([
    "",
    "/relative",
    "?relative",
    "#test",
    "//127.0.0.1/",
    "ws://foo bar.com/",
    "ws://a:99999/",
    "ws:",
    "ftp://127.0.0.1/",
    "mailto:example@example.org",
    "about:blank",
    "ws://127.0.0.1/#",
    "ws://127.0.0.1/#test",
    "https://127.0.0.1/#test",
  ])("a SyntaxError for the URL %j", (url) => {
    expect(thrown(() => new make(url))).toBe("SyntaxError");
    expect(() => new make(url)).toThrow(DOMException);
  });

  test.each([
    ["", "empty"],
    ["a b", "with a space"],
    ["a,b", "a list"],
    ["a\u007f", "with a control character"],
    ["ä", "not ASCII"],
    ["a/b", "with a separator"],
    [["echo", "echo"], "the same twice"],
    [["echo", "eCho"], "the same twice, but for case"],
    [["good", "b;d"], "one of two wrong"],
  ] as [string | string[], string][])("throws a SyntaxError for the subprotocols %j: %s", (protocols) => {
    expect(thrown(() => new make(NOWHERE, protocols))).toBe("SyntaxError");
  });

  test("throws a TypeError without arguments, for a symbol, and without new", () => {
    expect(thrown(() => new make())).toBe("TypeError");
    expect(thrown(() => new make(Symbol("url")))).toBe("TypeError");
    expect(thrown(() => (WebSocket as unknown as (url: string) => void)(NOWHERE))).toBe("TypeError");
  });

  test.each([
    ["ws://127.0.0.1:1", "ws://127.0.0.1:1/"],
    ["http://127.0.0.1:1/a?b", "ws://127.0.0.1:1/a?b"],
    ["https://127.0.0.1:1", "wss://127.0.0.1:1/"],
    ["  WS://127.0.0.1:1/a b%20c/../d  ", "ws://127.0.0.1:1/d"],
    [new URL("wss://127.0.0.1:1/x"), "wss://127.0.0.1:1/x"],
    [{ toString: (): string => NOWHERE }, NOWHERE],
    ["ws://127.1:1/\ud800", "ws://127.0.0.1:1/%EF%BF%BD"],
  ])("the URL %j is %j", async (url, href) => {
    expect(await urlOf(url)).toBe(href);
  });

  test("accepts all forms of subprotocols", async () => {
    for (const protocols of [undefined, [], "chat", ["chat", "super-chat"], new Set(["a", "b"])]) {
      expect(await urlOf(NOWHERE, protocols)).toBe(NOWHERE);
    }
  });

  test("has the constants on the class and on its prototype", () => {
    const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
    for (const [name, value] of Object.entries(constants)) {
      for (const target of [WebSocket, WebSocket.prototype]) {
        expect(Object.getOwnPropertyDescriptor(target, name)).toEqual({
          value,
          writable: false,
          enumerable: true,
          configurable: false,
        });
      }
    }
    expect(Object.keys(WebSocket)).toEqual(Object.keys(constants));
  });

  test("has the members of the standard", () => {
    expect(Object.keys(WebSocket.prototype).toSorted()).toEqual(
      [
        "CONNECTING,OPEN,CLOSING,CLOSED,url,readyState,bufferedAmount,extensions,protocol,binaryType",
        "onopen,onmessage,onerror,onclose,send,close",
      ]
        .flatMap((names) => names.split(","))
        .toSorted(),
    );
    expect([WebSocket.name, WebSocket.length]).toEqual(["WebSocket", 1]);
    expect(Object.getPrototypeOf(WebSocket)).toBe(EventTarget);
    expect(Object.prototype.toString.call(WebSocket.prototype)).toBe("[object WebSocket]");
    const { set, get } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "url")!;
    expect([set, typeof get]).toEqual([undefined, "function"]);
    expect(thrown(() => get!.call({}))).toBe("TypeError");
    expect([WebSocket.prototype.send.length, WebSocket.prototype.close.length]).toEqual([1, 0]);
  });

  test("may be extended", async () => {
    class Special extends WebSocket {
      extra = 1;
    }
    const socket = new Special(NOWHERE);
    expect([socket instanceof WebSocket, socket.readyState, socket.extra]).toEqual([true, Special.CONNECTING, 1]);
    await next(socket, "close");
  });

  test("binaryType can be set while connecting", async () => {
    const socket = new WebSocket(NOWHERE);
    socket.binaryType = "arraybuffer";
    expect(socket.binaryType).toBe("arraybuffer");
    await next(socket, "close");
    await until(
      () => socket.readyState === 3,
      () => `readyState is ${socket.readyState}`,
    );
  });
});
