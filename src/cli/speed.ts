// Measures how fast this machine decodes a stream, with wsframe and with ws.

import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { coreInfo, FrameDecoder, type FrameDecoderOptions, type FrameSink } from "wsframe";
import type { Stream } from "./stream.ts";
import type { Inspection, Sample } from "./inspect.ts";

/** Size of the chunks that a socket delivers, in bytes. */
const CHUNK_SIZE = 65536;
/** The minimum size of a measured connection in bytes, so that the cost of creating a decoder does not matter. */
const LEAST_BYTES = 1024 * 1024;
const WARM_UP_MS = 60;
const ROUND_MS = 30;
/** An odd number, so that the median is one of the measured values. */
const ROUNDS = 5;

/** The speed of one decoder. */
export interface Rate {
  readonly framesPerSecond: number;
  /** Bytes on the wire, including headers. */
  readonly bytesPerSecond: number;
}

/** The result of a measurement. */
export interface Speed {
  /** The part of the stream that was repeated. */
  readonly sample: Sample;
  /** "WASM" or "portable". */
  readonly core: string;
  /** push() with a sink that counts. */
  readonly push: Rate;
  /** decode(), reading the payload of each frame. */
  readonly decode: Rate;
  /** The Receiver of ws with listeners for messages and control frames, or the reason why it was not measured. */
  readonly ws: (Rate & { readonly version: string }) | string;
}

/** Creates a decoder for one connection. `take` may write to its chunk; `finish` throws if something went wrong. */
type Contender = () => { take(chunk: Uint8Array): void; finish(): void };

/** The parts of the Receiver class of ws that are used here. */
type Receiver = new (options: { isServer: boolean; maxPayload: number }) => {
  on(event: string, listener: (data: unknown) => void): unknown;
  write(chunk: Uint8Array): boolean;
};

/**
 * Measures the complete messages of a stream, repeated as one long connection. Takes about half a second, and lets other
 * work run in between. Returns undefined if there is no complete message.
 */
export async function measure(stream: Stream, inspection: Inspection): Promise<Speed | undefined> {
  const { sample, counts } = inspection;
  if (sample.frames === 0) return undefined;
  const { role, rsv } = stream;
  const options: FrameDecoderOptions = { role, rsv, maxFrame: Infinity };
  const copies = Math.ceil(LEAST_BYTES / sample.bytes);
  const connection = repeat(stream.bytes.subarray(0, sample.bytes), copies);
  const contenders = [pushing(options), decoding(options)];
  for (const contender of contenders) await run(contender, connection, WARM_UP_MS);
  const ws = await wsContender(counts.compressedFrames > 0, role === "server", sample.deliveries * copies, connection);
  if (typeof ws !== "string") contenders.push(ws.contender);

  const times: number[][] = contenders.map(() => []);
  // In turns, so that other load on the machine affects all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, contender] of contenders.entries()) times[i]!.push(await run(contender, connection, ROUND_MS));
  }
  const rates = times.map((list): Rate => {
    const seconds = list.toSorted((a, b) => a - b)[ROUNDS >> 1]! / 1000;
    return {
      framesPerSecond: (sample.frames * copies) / seconds,
      bytesPerSecond: connection.length / seconds,
    };
  });
  return {
    sample,
    core: coreInfo().kind === "wasm" ? "WASM" : "portable",
    push: rates[0]!,
    decode: rates[1]!,
    ws: typeof ws === "string" ? ws : { ...rates[2]!, version: ws.version },
  };
}

function repeat(bytes: Uint8Array, copies: number): Uint8Array {
  const all = new Uint8Array(bytes.length * copies);
  for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
  return all;
}

/** Decodes connections for at least `least` milliseconds. Returns the milliseconds per connection. */
async function run(contender: Contender, connection: Uint8Array, least: number): Promise<number> {
  let spent = 0;
  let passes = 0;
  while (spent < least) {
    // Copy outside the measured time: decode() and ws unmask in place.
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < connection.length; at += CHUNK_SIZE) {
      chunks.push(Buffer.from(connection.subarray(at, at + CHUNK_SIZE)));
    }
    const { take, finish } = contender();
    const start = performance.now();
    for (const chunk of chunks) take(chunk);
    spent += performance.now() - start;
    finish();
    passes++;
    // ws leaves work for the next turn of the event loop.
    await nextTurn();
  }
  return spent / passes;
}

function pushing(options: FrameDecoderOptions): Contender {
  return () => {
    const decoder = new FrameDecoder(options);
    let payload = 0;
    const sink: FrameSink = {
      header() {},
      payload(_window, start, end) {
        payload += end - start;
      },
      end() {},
    };
    return { take: (chunk) => decoder.push(chunk, sink), finish() {} };
  };
}

function decoding(options: FrameDecoderOptions): Contender {
  return () => {
    const decoder = new FrameDecoder(options);
    let payload = 0;
    return {
      take(chunk) {
        // A payload is created on first access.
        for (const frame of decoder.decode(chunk)) payload += frame.payload.length;
      },
      finish() {},
    };
  };
}

/** Returns the decoder of ws, warmed up, or the reason why ws cannot be measured. */
async function wsContender(
  compressed: boolean,
  isServer: boolean,
  deliveries: number,
  connection: Uint8Array,
): Promise<{ contender: Contender; version: string } | string> {
  if (compressed) return "not compared, because it would have to inflate the compressed messages";
  let receiver: Receiver | undefined;
  try {
    const exported: object = await import("ws");
    receiver = (exported as { Receiver?: Receiver }).Receiver;
  } catch {
    return "not installed";
  }
  if (receiver === undefined) return "not compared, because this version does not export Receiver";
  const contender = receiving(receiver, isServer, deliveries);
  try {
    await run(contender, connection, WARM_UP_MS);
  } catch (error) {
    return `not compared, because it cannot read this stream: ${(error as Error).message}`;
  }
  return { contender, version: wsVersion() };
}

function receiving(receiverClass: Receiver, isServer: boolean, deliveries: number): Contender {
  return () => {
    const receiver = new receiverClass({ isServer, maxPayload: 0 });
    let delivered = 0;
    let failure: unknown;
    for (const event of ["message", "ping", "pong"]) receiver.on(event, () => delivered++);
    receiver.on("error", (error) => (failure = error));
    return {
      take: (chunk) => receiver.write(chunk),
      finish() {
        // ws emits errors in the next turn, but a missing message is noticed now.
        if (failure !== undefined) throw failure;
        if (delivered !== deliveries) throw new Error(`it delivered ${delivered} of ${deliveries} messages`);
      },
    };
  };
}

function wsVersion(): string {
  const { version } = createRequire(import.meta.url)("ws/package.json") as { version?: unknown };
  return typeof version === "string" ? version : "";
}
