// The names of the options of this entry.

import { checkNames, type Names } from "../frame/known-options.ts";
import { NAMES_OF_WS } from "../frame/names-of-ws.ts";
import type { FrameDecoderStreamOptions } from "./frame-decoder-stream.ts";
import type { FrameEncoderStreamOptions } from "./frame-encoder-stream.ts";
import type { AcceptStreamOptions, ConnectStreamOptions } from "./handshake.ts";
import type { ConnectionStreamOptions, WebSocketStreamOptions } from "./web-socket-stream.ts";

const CONNECTION: Names<ConnectionStreamOptions> = {
  allocate: true,
  allowInvalidClose: true,
  allowInvalidUtf8: true,
  allowMasked: true,
  allowNonMinimalLength: true,
  allowUnmasked: true,
  autoPong: true,
  closeTimeout: true,
  core: true,
  fragmentSize: true,
  limits: true,
  maskKey: true,
  readableHighWaterMark: true,
  sliceSize: true,
  textSlack: true,
  writableHighWaterMark: true,
};

const OPEN: Names<WebSocketStreamOptions> = { ...CONNECTION, extensions: true, head: true, protocol: true, role: true };

const HANDSHAKE = { ...CONNECTION, extensions: true, headers: true, maxHeadSize: true, maxHeaderFields: true } as const;

const CONNECT: Names<ConnectStreamOptions> = { ...HANDSHAKE, key: true, origin: true, protocols: true, signal: true };

const ACCEPT: Names<AcceptStreamOptions> = { ...HANDSHAKE, checkOrigin: true, protocols: true, signal: true };

const NAMES = {
  "openWebSocketStream()": OPEN,
  "connectWebSocketStream()": CONNECT,
  "acceptWebSocketStream()": ACCEPT,
};

const FRAME_DECODER: Names<FrameDecoderStreamOptions> = {
  allocate: true,
  allowInvalidClose: true,
  allowInvalidUtf8: true,
  allowMasked: true,
  allowNonMinimalLength: true,
  allowUnmasked: true,
  copies: true,
  copy: true,
  core: true,
  maxFrame: true,
  readableHighWaterMark: true,
  role: true,
  rsv: true,
  textBytes: true,
  textSlack: true,
  writableHighWaterMark: true,
};

const FRAME_ENCODER: Names<FrameEncoderStreamOptions> = {
  core: true,
  maskKey: true,
  readableHighWaterMark: true,
  role: true,
  writableHighWaterMark: true,
};

/** @throws TypeError @internal */
export function checkDecoderNames(options: unknown): void {
  checkNames("FrameDecoderStream", options, FRAME_DECODER, { maxMessage: USE_FRAME, maxPayload: USE_FRAME });
}

const USE_FRAME = "use `maxFrame`";

/** @throws TypeError @internal */
export function checkEncoderNames(options: unknown): void {
  checkNames("FrameEncoderStream", options, FRAME_ENCODER, { generateMask: "use `maskKey`" });
}

/** @throws TypeError @internal */
export function checkStreamNames(of: keyof typeof NAMES, options: unknown): void {
  checkNames(of, options, NAMES[of], NAMES_OF_WS);
}
