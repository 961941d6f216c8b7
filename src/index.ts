// The public API of "wsframe": everything that needs no I/O.

export type { CoreChoice } from "./core/core.ts";
export { coreInfo, type CoreInfo } from "./core/engines.ts";
export type { Bytes } from "./frame/bytes.ts";
export { FrameDecoder, type FrameSink } from "./frame/decoder.ts";
export { encodeFrame, FrameEncoder, type FrameInit } from "./frame/encoder.ts";
export { WebSocketError, type WebSocketErrorCode, type WebSocketErrorOptions } from "./frame/errors.ts";
export type {
  AgreedExtension,
  Extension,
  ExtensionParameters,
  ExtensionSession,
  IncomingMessage,
  OutgoingPart,
} from "./frame/extension.ts";
export type { Frame, FrameHeader } from "./frame/frame.ts";
export { mask } from "./frame/mask.ts";
export { CloseCode, isValidCloseCode, Opcode } from "./frame/opcodes.ts";
export type { FrameDecoderOptions, FrameEncoderOptions, MaskKeySource, Role } from "./frame/options.ts";
export { PreparedMessage } from "./frame/prepared.ts";
export type {
  BinaryEvent,
  CloseEvent,
  EndEvent,
  ErrorEvent,
  MessageSink,
  PieceEvent,
  PingEvent,
  PongEvent,
  ProtocolEvent,
  StartEvent,
  TextEvent,
} from "./protocol/events.ts";
export { Keepalive } from "./protocol/keepalive.ts";
export type { KeepaliveOptions } from "./protocol/keepalive-times.ts";
export type { Limits } from "./protocol/limits.ts";
export type { ProtocolOptions, SendOptions } from "./protocol/options.ts";
export { Protocol, type TakeOptions } from "./protocol/protocol.ts";
export {
  acceptHandshake,
  type Acceptance,
  type AcceptOptions,
  type Agreement,
  type HandshakeRequest,
} from "./handshake/accept.ts";
export { checkResponse, type ReceivedResponse, type SentRequest } from "./handshake/check.ts";
export { HandshakeError, type HandshakeErrorCode, type HandshakeErrorOptions } from "./handshake/errors.ts";
export { type NamedExtension, parseExtensions, serializeExtensions } from "./handshake/extensions.ts";
export {
  type HeadParserOptions,
  type RequestHead,
  RequestParser,
  type ResponseHead,
  ResponseParser,
} from "./handshake/head.ts";
export type { HeaderPairs, HeaderSource } from "./handshake/headers.ts";
export {
  type ClientRequest,
  createConnectRequest,
  createRequest,
  type RequestOptions,
  serializeRequest,
  type UrlSource,
} from "./handshake/request.ts";
export {
  type HandshakeResponse,
  rejectHandshake,
  type Rejection,
  type RejectOptions,
  serializeResponse,
} from "./handshake/response.ts";
export type { DeflateCodec, DeflateSettings, Inflated, InflateSettings } from "./deflate/codec/codec.ts";
export type { PerMessageDeflateOptions } from "./deflate/options.ts";
export { type Zlib, zlibCodec } from "./deflate/codec/zlib.ts";
export { perMessageDeflate } from "./deflate/per-message-deflate.ts";
