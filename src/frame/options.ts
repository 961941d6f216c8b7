import type { CoreChoice } from "../core/core.ts";
import type { Copies } from "./bytes.ts";

/** Your end of the connection. A server reads masked frames, a client writes them. */
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
   * Makes the buffers in which `decode()` collects frames that span chunks: a function that returns a Uint8Array of the given
   * length. It need not be zeroed: on Node, `Buffer.allocUnsafeSlow` saves that. Do not use `Buffer.allocUnsafe`: payloads
   * are views of what it returns, through which all of the `buffer` can be reached, and its pool holds other data. Default:
   * `new Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
  /**
   * How many bytes of other messages a string may keep alive: the strings that a sink's `text` gets, and those of
   * `frame.text`, are slices of longer ones. Default 1024; 0 makes each string separately.
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
  /** Hand whole texts to the sink's ownText(), which it must have. Default false. @internal */
  readonly textBytes?: boolean | undefined;
  /** How the platform copies whole messages, which go to the sink's ownText() and ownBinary() then. @internal */
  readonly copies?: Copies | undefined;
  /** Which core decodes. Default `"auto"`: WASM where it can be compiled, else the portable one. */
  readonly core?: CoreChoice | undefined;
}

/**
 * The source of masking-keys: four bytes to use for every frame, or a function that is called for each frame and fills `key`
 * (four bytes) or returns four bytes. RFC 6455 §5.3 demands unpredictable keys: use anything but the default only for tests
 * and reproductions.
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
