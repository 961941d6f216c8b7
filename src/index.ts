// The public API of "wsframe": everything that needs no I/O.

export type { CoreChoice } from "./core/core.ts";
export { coreInfo, type CoreInfo } from "./core/engines.ts";
export { FrameDecoder, type FrameSink } from "./frame/decoder.ts";
export { encodeFrame, FrameEncoder, type FrameInit } from "./frame/encoder.ts";
export { WebSocketError, type WebSocketErrorCode, type WebSocketErrorOptions } from "./frame/errors.ts";
export type { Frame, FrameHeader } from "./frame/frame.ts";
export { CloseCode, isValidCloseCode, Opcode } from "./frame/opcodes.ts";
export type { FrameDecoderOptions, FrameEncoderOptions, MaskKeySource, Role } from "./frame/options.ts";
export { PreparedMessage } from "./frame/prepared.ts";
