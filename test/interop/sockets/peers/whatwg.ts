// The behaviour of a peer with a WebSocket like that of browsers: it echoes messages and obeys those of the form
// "!...". One function without outside references, so that it can be passed to a page.

import type { Order, Report } from "../process.ts";

/** Additions of some implementations to the standard. */
interface Extras {
  ping?(data: string): void;
  terminate?(): void;
}

export function converse(
  { url, protocols, deflate }: Order,
  make: (url: string, protocols: string[], deflate: boolean) => WebSocket = (url, protocols) =>
    new WebSocket(url, protocols),
): Promise<Report & { id: string }> {
  const ws = make(url, [...protocols], deflate);
  const extras: Extras = ws as object;
  const pings: string[] = [];
  const pongs: string[] = [];
  const toText = (data: ArrayBuffer) => new TextDecoder().decode(data);
  const obey = (command: string) => {
    const [name, ...rest] = command.split(" ");
    if (name === "!ping") extras.ping!(rest.join(" "));
    else if (name === "!close" && rest.length > 0) ws.close(Number(rest[0]), rest.slice(1).join(" "));
    else if (name === "!close") ws.close();
    else if (name === "!abort") extras.terminate!();
  };
  ws.binaryType = "arraybuffer";
  ws.addEventListener("message", ({ data }) => {
    if (typeof data === "string" && data.startsWith("!")) obey(data);
    else ws.send(data as string | ArrayBuffer);
  });
  // No browser has these events.
  ws.addEventListener("ping", (event) => pings.push(toText((event as MessageEvent<ArrayBuffer>).data)));
  ws.addEventListener("pong", (event) => pongs.push(toText((event as MessageEvent<ArrayBuffer>).data)));
  return new Promise((resolve) => {
    ws.addEventListener("close", ({ code, reason }) => {
      const id = url.slice(url.lastIndexOf("/") + 1);
      resolve({ id, code, reason, subprotocol: ws.protocol ?? "", pings, pongs });
    });
  });
}
