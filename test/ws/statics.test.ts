// The exports of both module forms, and the members of the classes.

import { EventEmitter } from "node:events";
import { describe, expect } from "vitest";
import { both, each } from "./support/both.ts";
import type { Implementation } from "./support/implementations.ts";
import { outcome } from "./support/log.ts";

/** The names and attributes of properties. */
function shape(object: object, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const descriptor = Object.getOwnPropertyDescriptor(object, name);
      if (!descriptor) return [name, "none"];
      const { enumerable, writable, configurable, get, set, value } = descriptor;
      const kind = get ? `get${set ? "/set" : ""}` : typeof value === "number" ? String(value) : typeof value;
      return [
        name,
        `${kind}${enumerable ? " enumerable" : ""}${writable ? " writable" : ""}${configurable ? " configurable" : ""}`,
      ];
    }),
  );
}

const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

describe("exports", () => {
  each("are statics of the main class", ({ api }) => {
    const main = api.main as unknown as Record<string, unknown>;
    const names = [
      "createWebSocketStream",
      "extension",
      "PerMessageDeflate",
      "Receiver",
      "Sender",
      "Server",
      "subprotocol",
      "WebSocket",
      "WebSocketServer",
    ];
    return names.map((name) => `${name} ${typeof main[name]} ${(main[name] as { name?: string }).name ?? ""}`);
  });

  each("contain the main class as WebSocket, and Server as WebSocketServer", ({ api }) => {
    const { main } = api;
    return [
      main === (main.WebSocket as unknown),
      main === (api.WebSocket as unknown),
      main.Server === (main.WebSocketServer as unknown),
      main.Server === (api.WebSocketServer as unknown),
      main.createWebSocketStream === api.createWebSocketStream,
      main.name,
      main.Server.name,
      main.length,
      main.Server.length,
    ];
  });

  each("contain subclasses of EventEmitter", ({ api }) => {
    return [
      api.WebSocket.prototype instanceof EventEmitter,
      api.WebSocketServer.prototype instanceof EventEmitter,
      Object.getPrototypeOf(api.WebSocket) === EventEmitter,
    ];
  });

  each("contain PerMessageDeflate.extensionName", ({ api }) => {
    return (api.main as unknown as { PerMessageDeflate: { extensionName: string } }).PerMessageDeflate.extensionName;
  });

  each("contain extension.parse() and format(), and subprotocol.parse()", ({ api }) => {
    const { extension, subprotocol } = api.main as unknown as {
      extension: { parse(header: string): object; format(extensions: object): string };
      subprotocol: { parse(header: string): Set<string> };
    };
    return {
      extensions: ["a", "a; b", 'a; b=1, a; c="23"', "a,b", "a;b=1;b=2"].map((header) => extension.parse(header)),
      formatted: extension.format({ a: [{ b: [true], c: ["1"] }, {}], d: { e: true } }),
      wrong: ["", "a;", "a=1", ",a", 'a; b="'].map((header) => outcome(() => extension.parse(header))),
      protocols: ["a", "a,b", "a , b"].map((header) => [...subprotocol.parse(header)]),
      wrongProtocols: ["", "a,", "a b", "a,a", ",a", "a;b"].map((header) => outcome(() => subprotocol.parse(header))),
    };
  });
});

describe("the class WebSocket", () => {
  each("has constants", ({ api }) => ({
    statics: shape(api.WebSocket, STATES),
    prototype: shape(api.WebSocket.prototype, STATES),
  }));

  each("has accessors", ({ api }) =>
    shape(api.WebSocket.prototype, [
      "binaryType",
      "bufferedAmount",
      "extensions",
      "isPaused",
      "protocol",
      "readyState",
      "url",
      "onopen",
      "onmessage",
      "onerror",
      "onclose",
    ]),
  );

  each("has methods with the same number of parameters", ({ api }) => {
    const prototype = api.WebSocket.prototype as unknown as Record<string, { length: number }>;
    return ["close", "pause", "ping", "pong", "resume", "send", "terminate", "removeEventListener"].map(
      (name) => `${name} ${typeof prototype[name]} ${prototype[name]!.length}`,
    );
  });

  each("has members that for…in lists", async (lab) => {
    const { socket } = await lab.serverAgainstRaw();
    const found: string[] = [];
    for (const name in socket) if (!name.startsWith("_")) found.push(name);
    const own = [
      ...STATES,
      "binaryType",
      "bufferedAmount",
      "extensions",
      "isPaused",
      "protocol",
      "readyState",
      "url",
      "onopen",
      "onmessage",
      "onerror",
      "onclose",
    ];
    return own.filter((name) => !found.includes(name)).concat("(none missing)");
  });

  both("is the class of the sockets on both sides", async (lab) => {
    const { client, peer, server } = await lab.pair();
    return [
      client instanceof lab.client.WebSocket,
      peer instanceof lab.server.WebSocket,
      server instanceof lab.server.WebSocketServer,
      client instanceof EventEmitter,
      client.OPEN,
      peer.CLOSED,
      String(peer.url),
      client.readyState === client.OPEN,
    ];
  });

  each("requires new and an address", ({ api }) => {
    const call = api.WebSocket as unknown as () => void;
    const Class = api.WebSocket as unknown as new () => void;
    return [outcome(() => call()).replace(/Class constructor \w+/, "Class constructor"), outcome(() => new Class())];
  });

  each("may be extended", async (lab) => {
    class Own extends lab.api.WebSocket {
      own = 5;
      greet(): void {
        this.send("greeting");
      }
    }
    const { url, peers } = await lab.listen();
    const socket = new Own(url);
    lab.atEnd(() => socket.terminate());
    await new Promise((resolve) => socket.on("open", resolve));
    socket.greet();
    const raw = peers[0]!;
    await raw.seesFrames(1);
    return [socket.own, socket instanceof lab.api.WebSocket, ...raw.frames];
  });
});

describe("new WebSocket(null, …)", () => {
  each("makes a socket that is not connected", ({ api }) => {
    const create = (...args: unknown[]): WebSocketOf => new (api.WebSocket as never as WebSocketClass)(...args);
    const socket = create(null, undefined, {});
    return [socket.readyState, `"${socket.extensions}"`, `"${socket.protocol}"`, String(socket.url), socket.binaryType];
  });
});

type WebSocketOf = InstanceType<Implementation["WebSocket"]>;
type WebSocketClass = new (...args: unknown[]) => WebSocketOf;

describe("the class WebSocketServer", () => {
  each("has methods", ({ api }) => {
    const prototype = api.WebSocketServer.prototype as unknown as Record<string, { length: number }>;
    return ["address", "close", "shouldHandle", "handleUpgrade"].map(
      (name) => `${name} ${typeof prototype[name]} ${prototype[name]!.length}`,
    );
  });

  each("has the properties clients and options", async (lab) => {
    const { server } = await lab.serve({ path: "/x" });
    const { options } = server;
    return {
      clients: server.clients instanceof Set,
      options: Object.fromEntries(
        [
          "allowSynchronousEvents",
          "autoPong",
          "maxBufferedChunks",
          "maxFragments",
          "maxPayload",
          "maxPendingAutoPongs",
          "skipUTF8Validation",
          "perMessageDeflate",
          "handleProtocols",
          "clientTracking",
          "closeTimeout",
          "verifyClient",
          "noServer",
          "backlog",
          "server",
          "host",
          "path",
          "port",
        ].map((name) => [name, String((options as Record<string, unknown>)[name])]),
      ),
      WebSocket: options.WebSocket === lab.api.WebSocket,
    };
  });
});

describe("the module", () => {
  each("exports the same names", ({ api }) => {
    const names = Object.keys(api.module).toSorted();
    expect(names).toContain("default");
    return names;
  });
});
