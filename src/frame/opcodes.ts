/** The type of a frame (RFC 6455 §5.2, §11.8). Control frames have the bit 0x8. */
export const Opcode = {
  /** Continues the message that has begun (§5.4). */
  Continuation: 0x0,
  /** Starts a text message, in UTF-8 (§5.6). */
  Text: 0x1,
  /** Starts a binary message (§5.6). */
  Binary: 0x2,
  /** Starts or answers the closing handshake (§5.5.1). */
  Close: 0x8,
  /** Requests a Pong (§5.5.2). */
  Ping: 0x9,
  /** Answers a Ping, or is a heartbeat that needs no answer (§5.5.3). */
  Pong: 0xa,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Names of close codes (RFC 6455 §7.4.1 and the IANA registry). */
export const CloseCode = {
  /** The connection has served its purpose. */
  NormalClosure: 1000,
  /** The server is shutting down, or the user has left the page. */
  GoingAway: 1001,
  /** The peer broke a rule of RFC 6455. */
  ProtocolError: 1002,
  /** This side does not accept the type of the message, for example binary. */
  UnsupportedData: 1003,
  /** Never sent: the Close had no code. */
  NoStatusReceived: 1005,
  /** Never sent: the connection ended without a Close. */
  AbnormalClosure: 1006,
  /** The content of a message is invalid, for example text that is not UTF-8. */
  InvalidPayload: 1007,
  /** A message, or the number of messages, violates a policy of this side. */
  PolicyViolation: 1008,
  /** A message is longer than this side accepts. */
  MessageTooBig: 1009,
  /** Role client: the server did not agree to an extension that the client needs. */
  MandatoryExtension: 1010,
  /** This side failed because of an unexpected condition. */
  InternalError: 1011,
  /** The server is restarting. Reconnect after a random delay. */
  ServiceRestart: 1012,
  /** The server is overloaded. Try again later. */
  TryAgainLater: 1013,
  /** A gateway received an invalid response from the server that it forwards to. */
  BadGateway: 1014,
  /** Never sent: the TLS handshake failed. */
  TlsHandshake: 1015,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Whether a Close frame may carry this code: 1000 to 1014 except 1004 to 1006, or 3000 to 4999 (RFC 6455 §7.4). */
export function isValidCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}
