// A user's decoder as a Peer. docs/reliability.md describes what its module exports.

import { closeEvent, type Found, type FoundError, FrameEvents, hex, type Input, type Peer, type Role } from "./peer.ts";

/** The type of a module's export `decode`. */
export type Decode = (input: {
  readonly role: Role;
  /** Copies, which the decoder may change. */
  readonly chunks: Iterable<Uint8Array>;
}) => Decoded | Promise<Decoded>;

/** The decoder returns either frames or messages. */
export interface Decoded {
  readonly frames?: readonly { readonly opcode: number; readonly fin: boolean; readonly payload: Uint8Array }[];
  /** The messages include control frames. For a Close, `code` is its code, if it has one, and `data` its reason. */
  readonly messages?: readonly {
    readonly type: "text" | "binary" | "ping" | "pong" | "close";
    readonly data?: Uint8Array | string | undefined;
    readonly code?: number | undefined;
  }[];
  readonly error?: { readonly closeCode?: number | undefined } | undefined;
}

function eventsOf({ frames, messages }: Decoded): string[] {
  if (frames) {
    const found = new FrameEvents();
    for (const { opcode, fin, payload } of frames) found.add(opcode, fin, payload);
    return found.events;
  }
  if (!messages) throw new TypeError("decode() must return an object with `frames` or `messages`");
  return messages.map(({ type, data = "", code }) => {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (type !== "close") return `${type}:${hex(bytes)}`;
    return code === undefined ? closeEvent(new Uint8Array(0)) : `close:${code}:${hex(bytes)}`;
  });
}

async function run(decode: Decode, { role, chunks }: Input): Promise<Found> {
  let after = 0;
  // A decoder that finds an error requests no more chunks, which shows when it found the error.
  function* arriving(): Generator<Uint8Array> {
    for (const chunk of chunks) {
      after += chunk.length;
      yield Uint8Array.from(chunk);
    }
  }
  const decoded = await decode({ role, chunks: arriving() });
  const error: FoundError | undefined = decoded.error && { closeCode: decoded.error.closeCode, after };
  return { events: eventsOf(decoded), error };
}

/** @throws TypeError for a module without decode() */
export function ownDecoder(name: string, module: { decode?: unknown; roles?: unknown }): Peer {
  const { decode, roles = ["server", "client"] } = module;
  if (typeof decode !== "function") throw new TypeError(`${name} must export a function decode()`);
  if (!Array.isArray(roles) || !roles.every((role) => role === "server" || role === "client")) {
    throw new TypeError(`${name}: the export roles must be a list of "server" and "client"`);
  }
  return {
    name,
    version: "",
    roles: roles as Role[],
    async run(inputs) {
      const all: Found[] = [];
      for (const input of inputs) all.push(await run(decode as Decode, input));
      return all;
    },
  };
}
