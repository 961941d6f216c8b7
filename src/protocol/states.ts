// The states of a connection after its handshake. In a file of their own: what is imported is a literal where it is used.

export const OPEN = 0;
export const CLOSING = 1;
export const CLOSED = 2;
/** As Protocol.state names them. */
export const STATES = ["open", "closing", "closed"] as const;
