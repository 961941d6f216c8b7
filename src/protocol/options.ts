import type { CoreChoice } from "../core/core.ts";
import type { AgreedExtension, Extension } from "../frame/extension.ts";
import type { MaskKeySource, Role } from "../frame/options.ts";
import type { Limits } from "./limits.ts";

/** Options of Protocol. */
export interface ProtocolOptions {
  readonly role: Role;
  /** What the handshake has agreed on; or an extension, as if it had been agreed on without parameters. */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  readonly limits?: Limits | undefined;
  /** Answer each Ping with a Pong by itself (RFC 6455 §5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** Deliver messages in pieces as they arrive: start, piece, end in place of text and binary. Default false. */
  readonly fragments?: boolean | undefined;
  /** Send messages longer than this in fragments of so many bytes. Default Infinity: each in one frame. */
  readonly fragmentSize?: number | undefined;
  /**
   * How many bytes of other messages a string may keep alive: strings of many small messages are cut from a longer one,
   * which costs a fraction of making each. Default 1024; 0 makes each on its own.
   */
  readonly textSlack?: number | undefined;
  /**
   * Where the buffers come from that messages are collected in: a function that returns a Uint8Array of the length that
   * it is given, which need not be zeroed. On Node, `Buffer.allocUnsafeSlow` saves the zeroing.
   */
  readonly allocate?: ((length: number) => Uint8Array) | undefined;
  /** Role server: accept frames that are not masked, against RFC 6455 §5.1. Default false. */
  readonly allowUnmasked?: boolean | undefined;
  /** Role client: accept frames that are masked, against RFC 6455 §5.1. Default false. */
  readonly allowMasked?: boolean | undefined;
  /** Accept lengths in more bytes than they need, against RFC 6455 §5.2, as most peers do. Default false. */
  readonly allowNonMinimalLength?: boolean | undefined;
  /** Do not check the payload of a Close: its code, its reason, a length of 1 (RFC 6455 §5.5.1, §7.4). Default false. */
  readonly allowInvalidClose?: boolean | undefined;
  /** Replace what is not UTF-8 in text by U+FFFD, against RFC 6455 §8.1. Default false. */
  readonly allowInvalidUtf8?: boolean | undefined;
  /** Role client: where masking-keys come from. Default `crypto.getRandomValues`, in pools. */
  readonly maskKey?: MaskKeySource | undefined;
  /** Which core does the work. Default `"auto"`: WASM where it can be compiled, else the portable one. */
  readonly core?: CoreChoice | undefined;
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
  /** As in ProtocolOptions, for this message. */
  readonly fragmentSize?: number | undefined;
}

/** @throws RangeError @internal */
export function readFragmentSize(size: number = Infinity): number {
  if (size !== Infinity && (!Number.isInteger(size) || size < 1)) {
    throw new RangeError("fragmentSize must be a whole number of bytes, 1 or more, or Infinity");
  }
  return size;
}
