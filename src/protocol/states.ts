// The states of a connection after the handshake (RFC 6455 §7.1). They have their own file so that bundlers inline the
// constants.
//
//                  peer's Close       peer breaks a rule   close()     take()      end of the stream
//   OPEN       ->  ANSWERING          FAILING              CLOSING     -           CLOSED (1006)
//   ANSWERING  ->  -                  -                    CLOSED      CLOSED      -
//   FAILING    ->  -                  -                    CLOSED      CLOSED      -
//   CLOSING    ->  CLOSED             CLOSED (1006)        -           -           CLOSED (1006)
//
// "-" means no change. fail() acts like a broken rule. The states in which this side can still send come first.

export const OPEN = 0;
/** The peer sent a Close. take() adds ours; until then, earlier messages can still be answered. */
export const ANSWERING = 1;
/** The peer broke a rule. take() adds a Close that reports it; until then, earlier messages can still be answered. */
export const FAILING = 2;
/** Our Close is queued or sent, and the peer's has not arrived. */
export const CLOSING = 3;
export const CLOSED = 4;
/** The names in Protocol.state. */
export const STATES = ["open", "closing", "closing", "closing", "closed"] as const;
