// Tests with nginx between a client and serve().

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HandshakeError } from "../../../src/index.ts";
import { connect, type ConnectionOptions } from "../../../src/node/index.ts";
import type { End } from "./end.ts";
import { Nginx } from "./nginx.ts";
import { ourClient, ourServer, type Way, withClient } from "./ours.ts";
import { find, type Report } from "./process.ts";
import { suite } from "./suite.ts";
import { dialWs } from "./ws.ts";

const program = find(["/usr/sbin/nginx"], "nginx-light");

const ABNORMAL = { code: 1006, reason: "", wasClean: false };

describe.skipIf(program === undefined)("nginx", () => {
  const nginx = new Nginx();
  beforeAll(() => nginx.start(program!));
  afterAll(() => nginx.stop());

  const path = (address: string, location = "to") => address.replace("localhost:", `${location}/`);
  const plain: Way = { via: (address) => `localhost:${nginx.port}/${path(address)}` };
  const secure: Way = { scheme: "wss", via: (address) => `localhost:${nginx.securePort}/${path(address)}` };

  suite("ws to nginx to serve()", { open: withClient(dialWs, plain) });
  suite("ws to nginx with TLS to serve()", { open: withClient(dialWs, secure) });

  suite("connect() to nginx to serve()", {
    async open(options = {}) {
      const { connections, address } = await ourServer({ ...options, oursDeflate: options.deflate ?? false });
      const ours = await ourClient(`ws://localhost:${nginx.port}/${path(address)}`, options);
      const report = converse((await connections.next()).end);
      return { ours, report: () => report };
    },
  });

  /** Two connections of ours with nginx between them. */
  async function both(location: string = "to", options: ConnectionOptions = {}) {
    const { connections, address } = await ourServer({}, options);
    const client = await ourClient(`ws://localhost:${nginx.port}/${path(address, location)}`, {}, options);
    const { end: server } = await connections.next();
    return { client, server };
  }

  async function expectTalk({ client, server }: { client: End; server: End }): Promise<void> {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.connection.send("hello");
      expect(await to.messages.next()).toBe("hello");
    }
  }

  async function expectCut({ client, server }: { client: End; server: End }): Promise<void> {
    for (const { closed, errors, connection } of [client, server]) {
      expect(await closed).toEqual(ABNORMAL);
      expect([errors, connection.readyState]).toEqual([[], 3]);
    }
  }

  test("it cuts a silent connection: 1006 at both ends", async () => {
    const ends = await both("impatient");
    await expectTalk(ends);
    await expectCut(ends);
  });

  test("pings keep a silent connection open", async () => {
    const ends = await both("impatient", { pingInterval: 1000 });
    // Longer than nginx's limit of two seconds. Only these Pings pass.
    await ends.server.pings.take(4);
    expect(ends.client.sent.heads.every(({ opcode }) => opcode >= 9)).toBe(true);
    await expectTalk(ends);
  });

  test("after a reload, connections continue until the old worker must exit", async () => {
    const ends = await both();
    await expectTalk(ends);
    await nginx.reload();
    await expectTalk(ends);
    const after = await both();
    await expectCut(ends);
    await expectTalk(after);
  });

  test("both ends notice when nginx's worker dies", async () => {
    const ends = await both();
    await expectTalk(ends);
    await nginx.crash();
    await expectCut(ends);
    await expectTalk(await both());
  });

  test("the server behind it cuts the connection, also inside a message", async () => {
    for (const size of [0, 1 << 20]) {
      const { client, server } = await both();
      await expectTalk({ client, server });
      server.connection.send(new Uint8Array(size), { fin: false });
      if (size > 0) await server.connection.drained();
      server.connection.terminate();
      await expectCut({ client, server });
    }
  });

  test("connect() reports the status if there is no server behind it or the server refuses", async () => {
    const { server, address } = await ourServer({}, { path: "/chat" });
    const url = `ws://localhost:${nginx.port}/${path(address)}`;
    await expect(connect(`${url}other`)).rejects.toMatchObject({ name: HandshakeError.name, status: 404 });
    await server.close();
    await expect(connect(`${url}chat`)).rejects.toMatchObject({ name: HandshakeError.name, status: 502 });
  });
});

/** The behaviour of a peer, implemented with one of our ends. */
function converse({ connection, closed }: End): Promise<Report> {
  const pings: string[] = [];
  const pongs: string[] = [];
  const obey = (command: string) => {
    const [name, ...rest] = command.split(" ");
    if (name === "!ping") connection.ping(rest.join(" "));
    else if (name === "!close" && rest.length > 0) connection.close(Number(rest[0]), rest.slice(1).join(" "));
    else if (name === "!close") connection.close();
    else if (name === "!abort") connection.terminate();
    else void connection.send(fragments());
  };
  async function* fragments() {
    for (const [i, part] of ["Zwölf ", "", "Boxkämpfer", " 🥊"].entries()) {
      if (i > 0) connection.ping(`between ${i}`);
      yield part;
    }
  }
  connection.on("message", (data) => {
    if (typeof data === "string" && data.startsWith("!")) obey(data);
    else connection.send(data);
  });
  connection.on("ping", (data) => pings.push(Buffer.from(data).toString()));
  connection.on("pong", (data) => pongs.push(Buffer.from(data).toString()));
  return closed.then(({ code, reason }) => ({ code, reason, subprotocol: connection.protocol, pings, pongs }));
}
