// Streams over a Wire: a Duplex in JavaScript, and a net.Socket with a simulated handle. The net.Socket is read and
// written through the fast paths, as far as Node exposes its handles.

import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { CaseSocket } from "./case.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Wire } from "./wire.ts";

const ECONNRESET = -104;
const EPIPE = -32;
const ECANCELED = -125;
const EOF = -4095;

class Failure extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

type Done = (error?: Error | null) => void;

class ScriptedDuplex extends Duplex {
  readonly #wire: Wire;
  readonly #scheduler: Scheduler;
  readonly #socket: CaseSocket;

  constructor(wire: Wire, scheduler: Scheduler, socket: CaseSocket) {
    super({ writableHighWaterMark: socket.mark, readableHighWaterMark: 16384 });
    this.#wire = wire;
    this.#scheduler = scheduler;
    this.#socket = socket;
    if (socket.writev) {
      this._writev = (chunks, done) => this.#give(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done);
    }
    wire.receiver = {
      data: (chunk) => {
        if (!this.push(chunk)) wire.setReading(false);
      },
      end: () => void this.push(null),
      fail: () => this.destroy(new Failure("ECONNRESET")),
    };
  }

  override _read(): void {
    this.#wire.setReading(true);
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#give(chunk, done);
  }

  override _final(done: Done): void {
    this.#wire.shutdown();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#wire.close();
    if (this.#socket.replies === "later") this.#scheduler.poll(0, () => done(error));
    else done(error);
  }

  #give(chunk: Buffer, done: Done): void {
    const acknowledge = (failed: boolean): void => {
      if (!failed) this.#wire.acknowledged += chunk.length;
      done(failed ? new Failure("EPIPE") : null);
    };
    const taken = this.#wire.write(chunk, acknowledge);
    if (this.#socket.eager) this.#wire.deliverNow();
    if (!taken) return;
    if (this.#socket.replies === "now") acknowledge(false);
    else if (this.#socket.replies === "tick") process.nextTick(acknowledge, false);
    else this.#scheduler.poll(0, () => acknowledge(false));
  }
}

/** The fields that Node shares with its handles. */
interface StreamWrap {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kArrayBufferOffset: number;
  readonly kBytesWritten: number;
  readonly kLastWriteWasAsync: number;
}

interface Request {
  readonly oncomplete: (status: number, handle: Handle, error: undefined) => void;
}

let wrap: StreamWrap | undefined;

/** Undefined if Node does not expose its handles. */
function streamWrap(): StreamWrap | undefined {
  if (wrap !== undefined) return wrap;
  try {
    const binding = Reflect.get(process, "binding") as (name: string) => StreamWrap;
    wrap = binding("stream_wrap");
  } catch {
    return undefined;
  }
  return wrap;
}

/** Whether a net.Socket can be simulated on this Node. */
export function hasHandles(): boolean {
  return streamWrap()?.streamBaseState instanceof Int32Array;
}

class Handle {
  onread: ((buffer: ArrayBuffer | undefined) => void) | undefined = undefined;
  readonly #wire: Wire;
  readonly #scheduler: Scheduler;
  readonly #wrap: StreamWrap;
  #userBuffer: Uint8Array | undefined = undefined;

  constructor(wire: Wire, scheduler: Scheduler, wrap: StreamWrap) {
    this.#wire = wire;
    this.#scheduler = scheduler;
    this.#wrap = wrap;
    wire.receiver = {
      data: (chunk) => {
        // The memory may be shorter than the received bytes.
        const most = this.#userBuffer?.length ?? 65536;
        for (let at = 0; at < chunk.length; at += most) this.#read(chunk.subarray(at, at + most));
      },
      end: () => this.#tell(EOF, undefined),
      fail: () => this.#tell(ECONNRESET, undefined),
    };
  }

  readStart(): number {
    this.#wire.setReading(true);
    return 0;
  }

  readStop(): number {
    this.#wire.setReading(false);
    return 0;
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#userBuffer = buffer;
  }

  writeBuffer(request: Request, bytes: Uint8Array): number {
    return this.#write(request, bytes);
  }

  writev(request: Request, chunks: Uint8Array[]): number {
    return this.#write(request, Buffer.concat(chunks));
  }

  shutdown(request: Request): number {
    this.#scheduler.poll(0, () => {
      this.#wire.shutdown();
      request.oncomplete(0, this, undefined);
    });
    return 0;
  }

  close(closed?: () => void): void {
    this.#wire.close();
    this.#scheduler.poll(0, () => closed?.call(this));
  }

  reset(closed?: () => void): number {
    this.close(closed);
    return 0;
  }

  ref(): void {}

  unref(): void {}

  #write(request: Request, bytes: Uint8Array): number {
    const { streamBaseState, kBytesWritten, kLastWriteWasAsync } = this.#wrap;
    const taken = this.#wire.write(bytes, (failed) => {
      if (!failed) this.#wire.acknowledged += bytes.length;
      request.oncomplete(failed ? (this.#wire.closed ? ECANCELED : EPIPE) : 0, this, undefined);
    });
    if (taken) this.#wire.acknowledged += bytes.length;
    streamBaseState[kBytesWritten] = bytes.length;
    streamBaseState[kLastWriteWasAsync] = taken ? 0 : 1;
    return 0;
  }

  #read(chunk: Uint8Array): void {
    if (this.#userBuffer === undefined) {
      const own = new Uint8Array(chunk);
      this.#tell(own.length, own.buffer);
    } else {
      this.#userBuffer.set(chunk);
      this.#tell(chunk.length, undefined);
    }
  }

  #tell(length: number, buffer: ArrayBuffer | undefined): void {
    if (this.#wire.closed) return;
    const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = this.#wrap;
    streamBaseState[kReadBytesOrError] = length;
    streamBaseState[kArrayBufferOffset] = 0;
    this.onread?.(buffer);
  }
}

export function socketOver(wire: Wire, scheduler: Scheduler, socket: CaseSocket): Duplex {
  const shown = streamWrap();
  if (socket.kind === "duplex" || shown === undefined) return new ScriptedDuplex(wire, scheduler, socket);
  const handle = new Handle(wire, scheduler, shown);
  // Not a public option, although Node's own servers use it.
  const options: object = { handle, allowHalfOpen: true };
  return new Socket(options);
}
