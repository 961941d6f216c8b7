import type { AgreedExtension, Extension } from "../frame/extension.ts";
import type { FrameDecoderOptions, FrameEncoderOptions } from "../frame/options.ts";
import type { Limits } from "./limits.ts";

/**
 * Options of Protocol: those of its decoder and encoder, and its own. The checks that they relax are the decoder's.
 */
export interface ProtocolOptions
  extends Omit<FrameDecoderOptions, "allocate" | "copy" | "maxFrame" | "rsv">, Pick<FrameEncoderOptions, "maskKey"> {
  /** What the handshake has agreed on; or an extension, as if it had been agreed on without parameters. Default none. */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  /** What the peer may make this side spend. Default: the defaults of each limit. */
  readonly limits?: Limits | undefined;
  /** Answer each Ping with a Pong by itself (RFC 6455 §5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** Deliver messages in pieces as they arrive: start, piece, end in place of text and binary. Default false. */
  readonly fragments?: boolean | undefined;
  /** Send messages longer than this in fragments of so many bytes. Default Infinity: each in one frame. */
  readonly fragmentSize?: number | undefined;
  /**
   * Where the buffers come from that messages are collected in: a function that returns a Uint8Array of the length that
   * it is given, which need not be zeroed: on Node, `Buffer.allocUnsafeSlow` saves that. Messages may be views on what it returns,
   * which reach all of its buffer: so not `Buffer.allocUnsafe`, whose pool holds bytes of others. Default
   * `new Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
}

/** Options of Protocol.send(). */
export interface SendOptions {
  /**
   * Whether this is a binary message. Default: bytes are, strings are not. Bytes that are sent as text must be UTF-8;
   * strings that are sent as binary are encoded so.
   */
  readonly binary?: boolean | undefined;
  /**
   * Whether this ends the message. False begins one that is sent in pieces, or goes on with it: the next send() is its next
   * piece. Pings may be sent between. Default true.
   */
  readonly fin?: boolean | undefined;
  /** Whether to compress the message. Default: as the extension is configured. */
  readonly compress?: boolean | undefined;
  /** As in ProtocolOptions, for this message. Default: as it is there. */
  readonly fragmentSize?: number | undefined;
}

/** @throws RangeError @internal */
export function readFragmentSize(size: number = Infinity): number {
  if (size !== Infinity && (!Number.isInteger(size) || size < 1)) {
    throw new RangeError("fragmentSize must be a whole number of bytes, 1 or more, or Infinity");
  }
  return size;
}
