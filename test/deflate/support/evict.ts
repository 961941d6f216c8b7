import { INFLATE_SLOT_COUNT } from "../../../assembly/deflate/memory.ts";
import { bytes, open, receive, send } from "./session.ts";

/** Uses this many other connections, by default as many as the core has slots for each direction. */
export function evict(count = INFLATE_SLOT_COUNT): void {
  const others = Array.from({ length: count }, () => [open("client"), open("server")] as const);
  for (const [client, server] of others) receive(client, send(server, bytes("something"))!);
  for (const other of others.flat()) other.end();
}
