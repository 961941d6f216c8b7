// What ws's Receiver makes of a stream, and what it would make of the frames that we found in it.

import { createRequire } from "node:module";
import type { Seen } from "../support/run.ts";

export interface WsSeen {
  /** Messages and control frames in the order in which they were complete. */
  events: string[];
  code: string | undefined;
}

interface Receiver {
  on(event: string, listener: (...values: never[]) => void): void;
  _write(chunk: Buffer, encoding: string, callback: (error?: Error & { code?: string }) => void): void;
}

const require = createRequire(import.meta.url);
const { Receiver } = require("ws") as { Receiver: new (options: object) => Receiver };

const event = (type: string, payload: Uint8Array): string => `${type} ${Buffer.from(payload).toString("latin1")}`;

export function viaWs(server: boolean, chunks: readonly Uint8Array[]): WsSeen {
  const events: string[] = [];
  let code: string | undefined;
  let ended = false;
  const receiver = new Receiver({ isServer: server, maxPayload: 0, allowSynchronousEvents: true });
  receiver.on("message", (data: Buffer, isBinary: boolean) => events.push(event(isBinary ? "binary" : "text", data)));
  receiver.on("ping", (data: Buffer) => events.push(event("ping", data)));
  receiver.on("pong", (data: Buffer) => events.push(event("pong", data)));
  receiver.on("conclude", (closeCode: number, reason: Buffer) => {
    events.push(event(`close ${closeCode}`, reason));
    ended = true;
  });
  receiver.on("error", () => {});
  for (const chunk of chunks) {
    if (ended || code !== undefined) break;
    receiver._write(Buffer.from(chunk), "buffer", (error) => {
      code = error?.code;
    });
  }
  return { events, code };
}

/** The same events from frames. */
export function eventsOf(seen: Seen): string[] {
  const events: string[] = [];
  let type = "";
  let parts: Buffer[] = [];
  for (const { opcode, fin, payload } of seen.frames) {
    if (opcode === 9) events.push(event("ping", payload));
    else if (opcode === 10) events.push(event("pong", payload));
    else if (opcode === 8) {
      events.push(event(`close ${payload.length === 0 ? 1005 : payload.readUInt16BE(0)}`, payload.subarray(2)));
    } else {
      if (opcode !== 0) type = opcode === 1 ? "text" : "binary";
      parts.push(payload);
      if (!fin) continue;
      events.push(event(type, Buffer.concat(parts)));
      parts = [];
    }
  }
  return events;
}

/** Why ws and we disagree on a stream, or undefined. `total` is the stream's length. */
export function disagreement(ours: Seen, ws: WsSeen, total: number): string | undefined {
  const events = eventsOf(ours);
  if (ours.error?.code === "WS_ERR_INVALID_UTF8") {
    // ws looks at text when the message is complete, or not at all if something else goes wrong first.
    const differs = events.findIndex((value, i) => value !== ws.events[i]);
    if (differs >= 0) return `event ${differs}: ours ${events[differs]}, of ws ${ws.events[differs]}`;
    const later = ws.events.slice(events.length);
    return later.every((value) => /^(ping|pong|close)/.test(value))
      ? undefined
      : `ws went on to ${later[0]?.slice(0, 60)}`;
  }
  if (events.join("\n") !== ws.events.join("\n")) {
    const i = events.findIndex((value, index) => value !== ws.events[index]);
    return `event ${i}: ours ${events[i]?.slice(0, 80)}, of ws ${ws.events[i]?.slice(0, 80)} (${events.length}, ${ws.events.length})`;
  }
  // ws reads the first two bytes, a whole length, a whole Close before it looks: the stream may end before.
  const frameEnd = ours.partial
    ? ours.partial.payloadOffset + ours.partial.payloadLength
    : (ours.error?.byteOffset ?? 0) + 9;
  if (ours.error && ws.code === undefined && frameEnd >= total) return undefined;
  return ours.error?.code === ws.code ? undefined : `error: ours ${ours.error?.code}, of ws ${ws.code}`;
}
