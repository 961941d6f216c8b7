import type { CoreChoice } from "../core/core.ts";
import type { Copies } from "./bytes.ts";

/**
 * One end of a connection. It decides which frames are masked: a client masks every frame that it sends, a server none
 * (RFC 6455 §5.1).
 *
 * A decoder's role is the READER's: role `"server"` reads frames that a client wrote, which are masked. An encoder's
 * role is the WRITER's: role `"client"` writes masked frames. To read what an encoder wrote, give the decoder the other
 * role.
 */
export type Role = "server" | "client";

/** Options of FrameDecoder. */
export interface FrameDecoderOptions {
  /**
   * The role of the reader: `"server"` to read frames that a client wrote, which must be masked; `"client"` to read
   * frames that a server wrote, which must not (RFC 6455 §5.1). No default.
   */
  readonly role: Role;
  /**
   * The longest payload of a text, binary or continuation frame, in bytes: a whole number, or Infinity for no limit. A
   * longer frame is refused as soon as its length has arrived, with close code 1009. Default 100 MiB (104857600).
   */
  readonly maxFrame?: number | undefined;
  /**
   * The RSV bits that an extension owns, as in `frame.rsv`: 4 for RSV1 (permessage-deflate). They are accepted on the
   * first frame of a message (RFC 6455 §5.2). The text of such a message is not checked for UTF-8. Default 0.
   */
  readonly rsv?: number | undefined;
  /**
   * `decode()` leaves the chunk unchanged and returns payloads in a copy. Default false: it unmasks the chunk in place
   * and returns views of it.
   */
  readonly copy?: boolean | undefined;
  /**
   * Returns the buffers in which `decode()` collects frames that span chunks: a Uint8Array of the given length in
   * bytes, or longer, which the decoder then owns. It need not be zeroed, so on Node `Buffer.allocUnsafeSlow` saves
   * time. Do not use `Buffer.allocUnsafe`: its buffers are parts of a pool that holds other data, and a payload exposes
   * its whole `buffer`. If it throws, decode() throws that error. Default `new Uint8Array(length)`.
   */
  readonly allocate?: ((length: number) => Uint8Array<ArrayBuffer>) | undefined;
  /**
   * How many bytes of other messages a string may keep in memory. The strings that go to a sink's `text`, and those of
   * `frame.text`, are slices of longer strings. Default 1024; 0 makes each string separately.
   */
  readonly textSlack?: number | undefined;
  /** Role server: accept frames that are not masked, which RFC 6455 §5.1 forbids. Default false. */
  readonly allowUnmasked?: boolean | undefined;
  /** Role client: accept frames that are masked, which RFC 6455 §5.1 forbids. Default false. */
  readonly allowMasked?: boolean | undefined;
  /**
   * Accept lengths that use more bytes than necessary, which RFC 6455 §5.2 forbids but most peers accept. Default
   * false.
   */
  readonly allowNonMinimalLength?: boolean | undefined;
  /**
   * Do not check the payload of a Close: its code, its reason and a length of 1 (RFC 6455 §5.5.1, §7.4). Default false.
   */
  readonly allowInvalidClose?: boolean | undefined;
  /** Do not check that text is UTF-8 (RFC 6455 §8.1). Strings have U+FFFD in place of invalid bytes. Default false. */
  readonly allowInvalidUtf8?: boolean | undefined;
  /** Pass whole text messages to the sink's ownText(), which it must have. Default false. @internal */
  readonly textBytes?: boolean | undefined;
  /** How the platform copies whole messages. They then go to the sink's ownText() and ownBinary(). @internal */
  readonly copies?: Copies | undefined;
  /** The core that decodes. Default `"auto"`: WASM where it can be compiled, otherwise the portable core. */
  readonly core?: CoreChoice | undefined;
}

/**
 * The source of masking-keys: four bytes to use for every frame, or a function that is called for each frame. The
 * function fills `key` (four bytes), or returns four bytes. RFC 6455 §5.3 requires unpredictable keys: except in tests
 * and reproductions, use the default.
 */
export type MaskKeySource = Uint8Array | ((key: Uint8Array) => Uint8Array | void);

/** Options of FrameEncoder. */
export interface FrameEncoderOptions {
  /** The role of the writer: a `"client"` masks its frames, a `"server"` does not (RFC 6455 §5.1). No default. */
  readonly role: Role;
  /** Role client: the source of masking-keys. Default `crypto.getRandomValues`, many keys per call. */
  readonly maskKey?: MaskKeySource | undefined;
  /** The core that encodes. Default `"auto"`: WASM where it can be compiled, otherwise the portable core. */
  readonly core?: CoreChoice | undefined;
}

/** @throws TypeError @internal */
export function isServer(role: Role | undefined): boolean {
  if (role !== "server" && role !== "client") throw new TypeError('role must be "server" or "client"');
  return role === "server";
}
