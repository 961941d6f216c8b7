// How fast this machine decodes a stream, with wsframe and with ws.

import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { coreInfo, FrameDecoder, type FrameDecoderOptions, type FrameSink } from "wsframe";
import type { Stream } from "./input.ts";
import type { Inspection, Sample } from "./inspect.ts";

/** How a socket hands bytes on, in bytes. */
const CHUNK_SIZE = 65536;
/** A connection that is measured has at least this many bytes, so that making its decoder does not count. */
const LEAST_BYTES = 1024 * 1024;
const WARM_UP_MS = 60;
const ROUND_MS = 30;
/** 150 ms in all. Odd: the median is one of them. */
const ROUNDS = 5;

/** What one decoder does. */
export interface Rate {
  readonly framesPerSecond: number;
  /** Bytes on the wire, headers and all. */
  readonly bytesPerSecond: number;
}

/** What was measured. */
export interface Speed {
  /** The part of the stream that was repeated. */
  readonly sample: Sample;
  /** "WASM" or "portable". */
  readonly core: string;
  /** push() to a sink that counts. */
  readonly push: Rate;
  /** decode(), each frame's payload looked at. */
  readonly decode: Rate;
  /** The Receiver of ws, each message and control frame listened to, or why there is no number. */
  readonly ws: (Rate & { readonly version: string }) | string;
}

/** Someone who decodes: for each connection a function that takes its chunks, and how many bytes of payload there were. */
interface Contender {
  connect(): { take(chunk: Uint8Array): void; finish(): void };
}

/** What is used of the class that ws exports. */
type Receiver = new (options: { isServer: boolean; maxPayload: number }) => NodeJS.WritableStream & {
  on(event: "message" | "ping" | "pong", listener: (data: Uint8Array) => void): unknown;
};

/**
 * Measures the part of a stream that is whole messages, again and again as one long connection. Takes about
 * half a second. Undefined if there is no whole message.
 */
export async function measure(stream: Stream, inspection: Inspection): Promise<Speed | undefined> {
  const { sample, counts } = inspection;
  if (sample.frames === 0) return undefined;
  const { role, rsv } = stream;
  const options: FrameDecoderOptions = { role, rsv, maxPayload: Infinity };
  const copies = Math.ceil(LEAST_BYTES / sample.bytes);
  const connection = repeat(stream.bytes.subarray(0, sample.bytes), copies);
  const contenders = [pushing(options), decoding(options)];
  const ws = counts.compressedFrames > 0 ? "not compared, it would have to inflate the compressed messages" : await loadWs();
  if (typeof ws !== "string") contenders.push(receiving(ws.Receiver, role === "server", copies * sample.deliveries));
  const passes = await race(contenders, connection).catch((error: unknown) => {
    if (error instanceof RefusedError) return error;
    throw error;
  });
  if (passes instanceof RefusedError) {
    return { ...(await rates(contenders.slice(0, 2))), ws: passes.message };
  }
  return undefined as never;
}
