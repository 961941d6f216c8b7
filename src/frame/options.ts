import type { CoreChoice } from "../core/core.ts";

/** Which end of the connection the code that uses this is. A server reads masked frames, a client writes them. */
export type Role = "server" | "client";

/** Options of FrameDecoder. */
export interface FrameDecoderOptions {
  /** Who is decoding: a `"server"` decodes what clients send, which must be masked. */
  readonly role: Role;
  /**
   * The longest payload that a text, binary or continuation frame may have, in bytes: a whole number, or
   * Infinity for no limit. A longer one is refused with its header. Default 100 MiB.
   */
  readonly maxFrame?: number | undefined;
  /**
   * The RSV bits that an extension owns, as in `frame.rsv`: 4 for RSV1 (permessage-deflate). They are let
   * through on the first frame of a message, whose text is then not checked for UTF-8. Default 0.
   */
  readonly rsv?: number | undefined;
  /** Leave chunks as they are, and return payloads from `decode()` in copies. Default false: unmask in place. */
  readonly copy?: boolean | undefined;
  /**
   * Where `decode()` gets the buffers from that it collects frames in which span chunks: a function that
   * returns a Uint8Array of the length it is given, which need not be zeroed. On Node,
   * `Buffer.allocUnsafeSlow` saves the zeroing. Payloads are views on what it returns, which reach all of its buffer: so not
   * `Buffer.allocUnsafe`, whose pool holds bytes of others. Default: `new Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
  /**
   * How many bytes of other messages a string that a sink's `text` gets may keep alive: such strings are
   * cut from a longer one. Default 1024; 0 makes each on its own.
   */
  readonly textSlack?: number | undefined;
  /** Role server: accept frames that are not masked, against RFC 6455 §5.1. Default false. */
  readonly allowUnmasked?: boolean | undefined;
  /** Role client: accept frames that are masked, against RFC 6455 §5.1. Default false. */
  readonly allowMasked?: boolean | undefined;
  /** Accept lengths in more bytes than they need, against RFC 6455 §5.2, as most peers do. Default false. */
  readonly allowNonMinimalLength?: boolean | undefined;
  /** Do not check the payload of a Close: its code, its reason, a length of 1 (RFC 6455 §5.5.1, §7.4). Default false. */
  readonly allowInvalidClose?: boolean | undefined;
  /** Do not check text for UTF-8 (RFC 6455 §8.1): in strings, U+FFFD takes the place of what is not. Default false. */
  readonly allowInvalidUtf8?: boolean | undefined;
  /** Which core decodes. Default `"auto"`: WASM where it can be compiled, else the portable one. */
  readonly core?: CoreChoice | undefined;
}

/**
 * Where masking-keys come from: four bytes to use for every frame, or a function that is called for each
 * frame and fills `key` (four bytes), or returns four bytes of its own. RFC 6455 §5.3 wants them
 * unpredictable: anything but the default is for tests and reproductions.
 */
export type MaskKeySource = Uint8Array | ((key: Uint8Array) => Uint8Array | void);

/** Options of FrameEncoder. */
export interface FrameEncoderOptions {
  /** Who is encoding: a `"client"` masks its frames. */
  readonly role: Role;
  /** Role client: where masking-keys come from. Default `crypto.getRandomValues`, in pools. */
  readonly maskKey?: MaskKeySource | undefined;
  /** Which core encodes. Default `"auto"`: WASM where it can be compiled, else the portable one. */
  readonly core?: CoreChoice | undefined;
}

/** @throws TypeError @internal */
export function isServer(role: Role): boolean {
  if (role !== "server" && role !== "client") throw new TypeError('role must be "server" or "client"');
  return role === "server";
}
