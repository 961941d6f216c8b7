// The states of a connection after its handshake (RFC 6455 §7.1). In a file of their own: what is imported is a literal
// where it is used.

export const OPEN = 0;
/** The peer's Close has come, and ours goes out with the next take(): until then there may still be messages before it. */
export const ANSWERING = 1;
/** Our Close has gone out, and the peer's has not come. */
export const CLOSING = 2;
export const CLOSED = 3;
/** As Protocol.state names them. */
export const STATES = ["open", "closing", "closing", "closed"] as const;
