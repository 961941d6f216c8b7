// Unix sockets on both sides.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type ConnectOptions, serve, type ServeOptions } from "../../src/node/index.ts";
import { CA, TLS } from "./support/peer.ts";
import { atEnd, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "wsframe-unix-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function listen(name: string, options: ServeOptions = {}): Promise<string> {
  const socketPath = join(folder, name);
  const server = await serve({ socketPath, ...options }, (connection, { url, headers }) =>
    connection.send(`${headers.host ?? headers[":authority"]} ${url}`),
  );
  expect(server.port).toBe(0);
  expect(server.server.address()).toBe(socketPath);
  atEnd(async () => {
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
  });
  return socketPath;
}

async function hello(url: string, options: ConnectOptions = {}): Promise<unknown> {
  for await (const message of await connect(url, { tls: CA, ...options })) return message;
  return undefined;
}

describe("socketPath", () => {
  test("works in serve() and connect()", async () => {
    const socketPath = await listen("plain.sock");
    expect(await hello("ws://example.test/chat?a=b", { socketPath })).toBe("example.test /chat?a=b");
  });

  test("works with TLS and with HTTP/2", async () => {
    const socketPath = await listen("tls.sock", { tls: TLS });
    expect(await hello("wss://localhost/chat", { socketPath })).toBe("localhost /chat");
    expect(await hello("wss://localhost/chat", { socketPath, http2: true })).toBe("localhost /chat");
  });

  test("must not be empty, and excludes port and host", async () => {
    await expect(serve({ socketPath: "x", port: 1 }, () => {})).rejects.toThrow(TypeError);
    await expect(serve({ socketPath: "x", host: "x" }, () => {})).rejects.toThrow(TypeError);
    await expect(serve({ socketPath: "" }, () => {})).rejects.toThrow(TypeError);
    for (const socketPath of ["", 3 as never]) {
      await expect(connect("ws://localhost/", { socketPath })).rejects.toThrow(/^socketPath must be a string/);
    }
  });
});

describe("ws+unix: URLs", () => {
  test("name the path of the socket, then after a colon the path of the request, as in ws", async () => {
    const socketPath = await listen("url.sock");
    expect(await hello(`ws+unix:${socketPath}:/chat?a=b:c`)).toBe("localhost /chat?a=b:c");
    expect(await hello(`ws+unix://${socketPath}:/chat`)).toBe("localhost /chat");
    expect(await hello(`ws+unix:${socketPath}`)).toBe("localhost /");
    expect(await hello(`ws+unix:${socketPath}:chat?a`)).toBe("localhost /chat?a");
    expect(await hello(`ws+unix:${socketPath}?a`)).toBe("localhost /?a");
    expect(await hello(new URL(`ws+unix:${socketPath}:/x`) as unknown as string)).toBe("localhost /x");
  });

  test("may be percent-encoded, relative, or with TLS", async () => {
    const socketPath = await listen("with space.sock");
    expect(await hello(`ws+unix:${socketPath}:/`)).toBe("localhost /");
    expect(await hello(`ws+unix:${socketPath.replace(" ", "%20")}:/`)).toBe("localhost /");
    const secure = await listen("secure.sock", { tls: TLS });
    expect(await hello(`wss+unix:${secure}:/a`)).toBe("localhost /a");
    await expect(hello("ws+unix:./none.sock:/")).rejects.toMatchObject({ code: "ENOENT", address: "./none.sock" });
  });

  test("an invalid one is a TypeError", async () => {
    for (const url of ["ws+unix:", "ws+unix::/x", "ws+unix:/a:/x#y", "ws+unix:/%ff:/"]) {
      await expect(connect(url), url).rejects.toThrow(TypeError);
    }
    await expect(connect("ws+unix:/a:/", { socketPath: "/b" })).rejects.toThrow(/socketPath/);
  });
});
