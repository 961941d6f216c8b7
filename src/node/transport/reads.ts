// Reads from sockets into one window that a thread shares: no memory is allocated for a chunk, and it is decoded in
// place. The public option `onread` of net.Socket does the same, but only for new sockets.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import { Duplex, Readable } from "node:stream";
import { Protocol } from "../../index.ts";
import { isSocket } from "./sockets.ts";

/** The window that sockets read into. @internal */
export type ReadWindow = ReturnType<typeof Protocol.readWindow>;

/** The functions that get the data of a socket, which is `this`. @internal */
export interface Receivers {
  /** Gets a chunk of the stream. */
  chunk(this: Duplex, chunk: Uint8Array): void;
  /** Gets the first `length` bytes of the window, which are valid until this returns. */
  filled(this: Duplex, window: ReadWindow, length: number): void;
}

/** The fields in which a socket keeps the values of `onread`. */
interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

interface Handle {
  useUserBuffer?: (buffer: Uint8Array) => void;
}

type Inside = { [field: symbol]: unknown; readonly _handle?: Handle | null };

/** Undefined until they have been searched for, null if they were not found. */
let fields: Fields | null | undefined;

/** Finds them by their values, not by their names. If anything is unexpected, they are not used. */
function findFields(): Fields | null {
  try {
    return probeFields();
  } catch {
    return null;
  }
}

function probeFields(): Fields | null {
  const buffer = new Uint8Array(1);
  const callback = (): boolean => true;
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = { onread: { buffer, callback } };
  const probe = new Socket(options);
  const inside = probe as unknown as Inside;
  const symbols = Object.getOwnPropertySymbols(probe);
  const find = (value: unknown): symbol | undefined => symbols.find((symbol) => inside[symbol] === value);
  const found = { buffer: find(buffer), callback: find(callback) };
  probe.destroy();
  return found.buffer === undefined || found.callback === undefined ? null : (found as Fields);
}

/**
 * Pauses a stream. A socket that reads into the window continues until it has read something, as others do: if there is
 * nothing left to read, it notices that its peer has ended.
 * @internal
 */
export function pause(socket: Duplex): void {
  const lands = fields && shared && (socket as unknown as Inside)[fields.buffer] === shared.bytes;
  if (lands) Duplex.prototype.pause.call(socket);
  else socket.pause();
}

let shared: ReadWindow | undefined;

/** The window of this thread. */
function sharedWindow(): ReadWindow {
  return (shared ??= Protocol.readWindow(undefined, ({ buffer }) => {
    const bytes = Buffer.from(buffer);
    return (start, end) => bytes.toString("latin1", start, end);
  }));
}

/**
 * Returns a function that makes a socket call `receivers`. Call it while the socket may be reading, and pause the
 * socket afterwards. The data takes the normal path through the stream while the stream is paused or has queued chunks,
 * or if direct reads are not possible. Call readerFor() once, so that all sockets share its functions.
 * @internal
 */
export function readerFor({ chunk, filled }: Receivers): (socket: Duplex, direct: boolean) => void {
  function onRead(this: Duplex, length: number, window: Uint8Array<ArrayBuffer>): boolean {
    if (this.readableFlowing === true && this.readableLength === 0 && window === shared!.bytes) {
      filled.call(this, shared!, length);
      // Never false, because the socket would stop. If it is paused, it has already stopped.
      return true;
    }
    return this.push(Buffer.from(window.subarray(0, length)));
  }

  /** Makes the socket read into the window, if it has the expected fields. */
  function land(socket: Duplex): void {
    if (!isSocket(socket) || socket.connecting || socket.push !== Readable.prototype.push) return;
    fields ??= findFields();
    const inside = socket as unknown as Inside;
    const handle = inside._handle;
    if (fields === null || typeof handle?.useUserBuffer !== "function") return;
    if (inside[fields.buffer] !== null || inside[fields.callback] !== null) return;
    const { bytes } = sharedWindow();
    inside[fields.buffer] = bytes;
    inside[fields.callback] = onRead;
    handle.useUserBuffer(bytes);
  }

  return (socket, direct) => {
    if (direct) land(socket);
    socket.on("data", chunk);
  };
}
