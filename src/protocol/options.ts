import type { TextMemory } from "../frame/bytes.ts";
import type { AgreedExtension, Extension } from "../frame/extension.ts";
import type { FrameDecoderOptions, FrameEncoderOptions } from "../frame/options.ts";
import type { Limits } from "./limits.ts";

/** Options of Protocol: its own, and those of its decoder and encoder. The `allow…` options relax checks of the decoder. */
export interface ProtocolOptions
  extends Omit<FrameDecoderOptions, "allocate" | "copy" | "maxFrame" | "rsv">, Pick<FrameEncoderOptions, "maskKey"> {
  /**
   * The extensions that the handshake agreed on (RFC 6455 §9), in order. You can also pass an Extension itself, which then gets
   * no parameters. Default: none.
   */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  /** Limits on what the peer can cost you. Default: see each limit. */
  readonly limits?: Limits | undefined;
  /** Answer each Ping with a Pong (RFC 6455 §5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** Deliver messages in pieces as they arrive: as start, piece and end instead of text and binary. Default false. */
  readonly fragments?: boolean | undefined;
  /**
   * Send messages that are longer than this many bytes in fragments of this size (RFC 6455 §5.4). A whole number from 1, or
   * Infinity for one frame per message. Default Infinity.
   */
  readonly fragmentSize?: number | undefined;
  /**
   * About how many bytes of compressed messages one call of receive(), push(), commit() or resume() may inflate. The call then
   * stops and sets `unfinished`, so that you can do other work before you call resume(). More than 0. Default Infinity.
   */
  readonly sliceSize?: number | undefined;
  /**
   * Allocates the buffers in which messages are collected. Takes a length and returns a Uint8Array of that length, which need
   * not be zeroed. It must not use a connection.
   *
   * On Node, `Buffer.allocUnsafeSlow` saves the zeroing. Do not use `Buffer.allocUnsafe`: its buffers share a pool with other
   * data, and a message can expose the whole `buffer`. Default: `new Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
  /** Set by an adapter that has checked the names of all options, and passes those of its own, too. @internal */
  readonly checked?: true | undefined;
  /** Makes strings of large texts on this platform. @internal */
  readonly texts?: TextMemory | undefined;
}

/** Options of Protocol.send(). */
export interface SendOptions {
  /**
   * Send a binary message (true) or a text message (false). Default: binary for bytes, text for a string. Bytes sent as text
   * must be valid UTF-8; a string sent as binary is encoded as UTF-8.
   */
  readonly binary?: boolean | undefined;
  /**
   * Whether this ends the message. With false, this is a piece and the next send() continues the message (RFC 6455 §5.4). You
   * can send Pings between pieces. Default true.
   */
  readonly fin?: boolean | undefined;
  /** Whether to compress the message. Default: the extension decides. */
  readonly compress?: boolean | undefined;
  /** Like the option of Protocol, for this message only. Default: the option of Protocol. */
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
