/** What a frame is (RFC 6455 §5.2, §11.8). Control frames have the bit 0x8. */
export const Opcode = {
  /** Goes on with the message that has begun (§5.4). */
  Continuation: 0x0,
  /** Begins a text message, UTF-8 (§5.6). */
  Text: 0x1,
  /** Begins a binary message (§5.6). */
  Binary: 0x2,
  /** Begins, or answers, the closing handshake (§5.5.1). */
  Close: 0x8,
  /** Asks for a Pong (§5.5.2). */
  Ping: 0x9,
  /** Answers a Ping, or is a sign of life (§5.5.3). */
  Pong: 0xa,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Close codes with a name (RFC 6455 §7.4.1 and the IANA registry). */
export const CloseCode = {
  /** What the connection was for is done. */
  NormalClosure: 1000,
  /** A server goes down, or a page is left. */
  GoingAway: 1001,
  /** The peer has broken a rule of RFC 6455. */
  ProtocolError: 1002,
  /** A kind of message that this side cannot take: binary, for example. */
  UnsupportedData: 1003,
  /** Never on the wire: the Close had no code. */
  NoStatusReceived: 1005,
  /** Never on the wire: the connection ended without a Close. */
  AbnormalClosure: 1006,
  /** A message that is not what it says: text that is not UTF-8. */
  InvalidPayload: 1007,
  /** A message, or a number of them, that this side does not want. */
  PolicyViolation: 1008,
  /** A message longer than this side takes. */
  MessageTooBig: 1009,
  /** Role client: the server has not agreed on an extension that is needed. */
  MandatoryExtension: 1010,
  /** This side has failed for a reason of its own. */
  InternalError: 1011,
  /** The server restarts: connect again, after a random time. */
  ServiceRestart: 1012,
  /** The server is overloaded. */
  TryAgainLater: 1013,
  /** A gateway got a bad answer from the server that it forwards to. */
  BadGateway: 1014,
  /** Never on the wire: the TLS handshake failed. */
  TlsHandshake: 1015,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Whether a Close on the wire may carry this code (RFC 6455 §7.4). */
export function isValidCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}
