import type { TextMemory } from "../frame/bytes.ts";
import type { AgreedExtension, Extension } from "../frame/extension.ts";
import type { FrameDecoderOptions, FrameEncoderOptions } from "../frame/options.ts";
import type { Limits } from "./limits.ts";

/**
 * Options of Protocol: those of its decoder and encoder, and its own. The checks that they relax are the decoder's.
 */
export interface ProtocolOptions
  extends Omit<FrameDecoderOptions, "allocate" | "copy" | "maxFrame" | "rsv">, Pick<FrameEncoderOptions, "maskKey"> {
  /** What the handshake agreed on, or an extension, which then has no parameters. Default none. */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  /** What the peer can cost you. Default: the default of each limit. */
  readonly limits?: Limits | undefined;
  /** Answer each Ping with a Pong (RFC 6455 §5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** Deliver messages in pieces as they arrive: start, piece, end in place of text and binary. Default false. */
  readonly fragments?: boolean | undefined;
  /** Send longer messages in fragments of this many bytes. Default Infinity: each message in one frame. */
  readonly fragmentSize?: number | undefined;
  /**
   * How many bytes of compressed messages one call of receive(), push(), commit() or resume() inflates, about: then it stops
   * and `unfinished` is true, so that others get a turn before resume() goes on. Default Infinity.
   */
  readonly sliceSize?: number | undefined;
  /**
   * Makes the buffers in which messages are collected: a function that returns a Uint8Array of the given length, and uses no
   * connection. It need not
   * be zeroed: on Node, `Buffer.allocUnsafeSlow` saves that. Do not use `Buffer.allocUnsafe`: messages may be views of what
   * it returns, through which all of the `buffer` can be reached, and its pool holds other data. Default `new
   * Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
  /** How the platform makes strings of large texts. @internal */
  readonly texts?: TextMemory | undefined;
}

/** Options of Protocol.send(). */
export interface SendOptions {
  /**
   * Whether this is a binary message. Default: bytes are, strings are not. Bytes that are sent as text must be UTF-8;
   * strings that are sent as binary are encoded so.
   */
  readonly binary?: boolean | undefined;
  /**
   * Whether this ends the message. With false it is a piece: the next send() sends the next one. Pings may be sent between.
   * Default true.
   */
  readonly fin?: boolean | undefined;
  /** Whether to compress the message. Default: as the extension is configured. */
  readonly compress?: boolean | undefined;
  /** Like the option of ProtocolOptions, for this message. Default: that option. */
  readonly fragmentSize?: number | undefined;
}

/** @throws RangeError @internal */
export function readSliceSize(size: number = Infinity): number {
  if (typeof size !== "number" || !(size > 0)) throw new RangeError("sliceSize must be a number of bytes above 0");
  return size;
}

/** @throws RangeError @internal */
export function readFragmentSize(size: number = Infinity): number {
  if (size !== Infinity && (!Number.isInteger(size) || size < 1)) {
    throw new RangeError("fragmentSize must be a whole number of bytes, 1 or more, or Infinity");
  }
  return size;
}
