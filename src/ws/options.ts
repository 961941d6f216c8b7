// Translates the options of ws to those of a Connection.

import type { ClientRequest, RequestOptions } from "node:http";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { MaskKeySource } from "../index.ts";
import type { ConnectionOptions } from "../node/options.ts";
import type { PerMessageDeflateOptions } from "./deflate-options.ts";
import type { WebSocket } from "./web-socket.ts";

/** Options of a connection, with the names of ws. Others are ignored. */
export interface SocketOptions {
  readonly allowSynchronousEvents?: boolean | undefined;
  readonly autoPong?: boolean | undefined;
  readonly closeTimeout?: number | undefined;
  /** Has no effect: chunks are not kept. */
  readonly maxBufferedChunks?: number | undefined;
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
  readonly maxFragments?: number | undefined;
  readonly maxPayload?: number | undefined;
  readonly maxPendingAutoPongs?: number | undefined;
  readonly skipUTF8Validation?: boolean | undefined;
}

/** Options of send(), with the names of ws. `mask` has no effect, because clients always mask and servers never do. */
export interface SendOptions {
  readonly binary?: boolean | undefined;
  readonly compress?: boolean | undefined;
  readonly fin?: boolean | undefined;
  readonly mask?: boolean | undefined;
}

/** Options of a client. They include those of its request and its socket. */
export interface ClientOptions extends SocketOptions, Omit<RequestOptions & TlsOptions, "headers"> {
  readonly finishRequest?: ((request: ClientRequest, websocket: WebSocket) => void) | undefined;
  readonly followRedirects?: boolean | undefined;
  readonly handshakeTimeout?: number | undefined;
  readonly headers?: Readonly<Record<string, string | number | readonly string[] | undefined>> | undefined;
  readonly maxRedirects?: number | undefined;
  readonly origin?: string | undefined;
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  readonly protocols?: string | readonly string[] | undefined;
  readonly protocolVersion?: number | undefined;
}

/** The defaults of ws. Programs may read them from the options of a server. @internal */
export const DEFAULTS = {
  allowSynchronousEvents: true,
  autoPong: true,
  closeTimeout: 30_000,
  maxBufferedChunks: 262_144,
  maxFragments: 16_384,
  /** 100 MiB. */
  maxPayload: 104_857_600,
  maxPendingAutoPongs: 60,
  skipUTF8Validation: false,
} as const satisfies SocketOptions;

/** The last result of connectionOptionsOf(), and the values that it was made from. */
let last: { readonly of: readonly unknown[]; readonly made: ConnectionOptions } | undefined;

/** The options of a Connection. Returns the same object as the last time if the options are equal. @internal */
export function connectionOptionsOf(options: SocketOptions): ConnectionOptions {
  const { autoPong, closeTimeout, generateMask, maxFragments, maxPayload, maxPendingAutoPongs } = options;
  const { skipUTF8Validation } = options;
  const of = [autoPong, closeTimeout, generateMask, maxFragments, maxPayload, maxPendingAutoPongs, skipUTF8Validation];
  if (last?.of.every((value, index) => value === of[index]) !== true) last = { of, made: read(options) };
  return last.made;
}

function read(options: SocketOptions): ConnectionOptions {
  const { autoPong = DEFAULTS.autoPong, closeTimeout = DEFAULTS.closeTimeout } = options;
  const { generateMask, skipUTF8Validation } = options;
  const maxMessage = limit(options.maxPayload, DEFAULTS.maxPayload);
  return {
    textType: "nodebuffer",
    binaryType: "nodebuffer",
    // ws does not keep messages for later listeners, and it does not stop reading if the peer does.
    discardUnread: true,
    highWaterMark: Infinity,
    pingInterval: Infinity,
    autoPong,
    closeTimeout: Math.max(closeTimeout, 0),
    allowInvalidUtf8: skipUTF8Validation === true,
    limits: {
      maxFrame: maxMessage,
      maxMessage,
      maxFragments: limit(options.maxFragments, DEFAULTS.maxFragments),
      maxPendingPongs: limit(options.maxPendingAutoPongs, DEFAULTS.maxPendingAutoPongs),
      maxControlFrames: Infinity,
    },
    ...(generateMask && { maskKey: maskKeyOf(generateMask) }),
  };
}

/** 0 means no limit. */
function limit(value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  return value >= 1 ? value : Infinity;
}

function maskKeyOf(generate: (mask: Buffer) => void): MaskKeySource {
  return (key) => generate(Buffer.from(key.buffer, key.byteOffset, key.length));
}
