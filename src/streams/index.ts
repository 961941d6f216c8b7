// The public API of "wsframe/streams": frames and connections as WHATWG streams.

export { WebSocketStreamError } from "./error.ts";
export { FrameDecoderStream, type FrameDecoderStreamOptions } from "./frame-decoder-stream.ts";
export { FrameEncoderStream, type FrameEncoderStreamOptions } from "./frame-encoder-stream.ts";
export {
  type AcceptStreamOptions,
  acceptWebSocketStream,
  type ConnectStreamOptions,
  connectWebSocketStream,
} from "./handshake.ts";
export type { StreamMarks } from "./marks.ts";
export {
  type ByteDuplex,
  type CloseInfo,
  type ConnectionStreamOptions,
  openWebSocketStream,
  type WebSocketStreamOptions,
  type WebSocketStreamPair,
} from "./web-socket-stream.ts";
