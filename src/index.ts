// The public API of "wsframe": everything that needs no I/O.

export type { CoreChoice } from "./core/core.ts";
export { coreInfo, type CoreInfo } from "./core/engines.ts";
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
export { CloseCode, isValidCloseCode, Opcode } from "./frame/opcodes.ts";
export type { FrameDecoderOptions, FrameEncoderOptions, MaskKeySource, Role } from "./frame/options.ts";
export { PreparedMessage } from "./frame/prepared.ts";
export { InvalidStateError } from "./protocol/errors.ts";
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
export { Keepalive, type KeepaliveOptions } from "./protocol/keepalive.ts";
export type { Limits } from "./protocol/limits.ts";
export type { ProtocolOptions, SendOptions } from "./protocol/options.ts";
export { Protocol } from "./protocol/protocol.ts";
