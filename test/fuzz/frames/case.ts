// The cases of the frames target, as plain JSON.

import type { ReferenceOptions } from "../../reference/decoder.ts";

/** Options of a decoder. `null` represents Infinity, which JSON does not have. */
export interface CaseOptions extends Omit<ReferenceOptions, "maxFrame"> {
  maxFrame?: number | null;
}

/** A stream for the decoders. Every way of decoding must give the same result. */
export interface StreamCase {
  readonly kind: "stream";
  readonly options: CaseOptions;
  /** The bytes, in hex. */
  readonly stream: string;
  /** The positions where it is cut into chunks, in rising order and within the stream. */
  readonly cuts: readonly number[];
  /** The seed for pauses, and for the positions where the decoder is saved and restored. */
  readonly seed: number;
}

/** The first `count` frames for the encoder, made from a seed. */
export interface EncodingCase {
  readonly kind: "encoding";
  readonly seed: number;
  readonly count: number;
}

/** The first `frames` of many short frames, made from a seed, for one way of decoding or encoding. */
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
