// ws as a peer, in this process.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { cleanUp, type Dial, TLS } from "./ours.ts";
import type { Report } from "./process.ts";

const PARTS = ["Zwölf ", "", "Boxkämpfer", " 🥊"];

/** Echoes messages and obeys those of the form "!...", until the connection has ended. */
function talk(ws: WebSocket): Promise<Report> {
  const pings: string[] = [];
  const pongs: string[] = [];
  const obey = (command: string) => {
    const [name, ...rest] = command.split(" ");
    if (name === "!ping") ws.ping(rest.join(" "));
    else if (name === "!close" && rest.length > 0) ws.close(Number(rest[0]), rest.slice(1).join(" "));
    else if (name === "!close") ws.close();
    else if (name === "!abort") ws.terminate();
    else {
      for (const [i, part] of PARTS.entries()) {
        if (i > 0) ws.ping(`between ${i}`);
        ws.send(part, { fin: i === PARTS.length - 1 });
      }
    }
  };
  ws.on("message", (data: Buffer, binary) => {
    if (!binary && data.toString().startsWith("!")) obey(data.toString());
    else ws.send(data, { binary });
  });
  ws.on("ping", (data) => pings.push(data.toString()));
  ws.on("pong", (data) => pongs.push(data.toString()));
  ws.on("error", () => {});
  cleanUp(() => ws.terminate());
  return new Promise((resolve) => {
    ws.on("close", (code, reason) =>
      resolve({ code, reason: reason.toString(), subprotocol: ws.protocol, pings, pongs }),
    );
  });
}

/** Its client. */
export const dialWs: Dial = ({ url, protocols, deflate }) =>
  talk(new WebSocket(url, [...protocols], { perMessageDeflate: deflate && { threshold: 0 }, ca: TLS.cert }));

/** Its server, for the duration of a test. */
export async function wsServer(deflate: boolean): Promise<{ port: number; report(): Promise<Report> }> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: deflate && { threshold: 0 },
  });
  cleanUp(() => server.close());
  const report = new Promise<Report>((resolve) => server.on("connection", (ws) => resolve(talk(ws))));
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, report: () => report };
}
