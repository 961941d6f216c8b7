// What a case of the frames target is: plain JSON.

import type { ReferenceOptions } from "../../reference/decoder.ts";

/** Options of a decoder. JSON has no Infinity: `null` is it. */
export interface CaseOptions extends Omit<ReferenceOptions, "maxFrame"> {
  maxFrame?: number | null;
}

/** A stream for the decoders, which every way of decoding must read alike. */
export interface StreamCase {
  readonly kind: "stream";
  readonly options: CaseOptions;
  /** The bytes, in hex. */
  readonly stream: string;
  /** Where it is cut into chunks: rising, within the stream. */
  readonly cuts: readonly number[];
  /** Of the pauses, and of where the decoder is saved and restored. */
  readonly seed: number;
}

/** Frames for the encoder, made from a seed: the first `count` of them. */
export interface EncodingCase {
  readonly kind: "encoding";
  readonly seed: number;
  readonly count: number;
}

/** Many short frames through one way of decoding or encoding them, made from a seed: the first `frames` of them. */
export interface BulkCase {
  readonly kind: "bulk";
  readonly seed: number;
  readonly frames: number;
  readonly way: "push" | "strings" | "commit" | "decode" | "encode";
  readonly core: "wasm" | "portable";
}

export type FramesCase = StreamCase | EncodingCase | BulkCase;

export function toCaseOptions({ maxFrame, ...rest }: ReferenceOptions): CaseOptions {
  return { ...rest, ...(maxFrame !== undefined && { maxFrame: maxFrame === Infinity ? null : maxFrame }) };
}

export function fromCaseOptions({ maxFrame, ...rest }: CaseOptions): ReferenceOptions {
  return { ...rest, ...(maxFrame !== undefined && { maxFrame: maxFrame ?? Infinity }) };
}
