// The states of a connection after its handshake (RFC 6455 §7.1). In a file of their own: what is imported is a literal
// where it is used.
//
//                  peer's Close       peer breaks a rule   close()     take()      end of the stream
//   OPEN       ->  ANSWERING          FAILING              CLOSING     -           CLOSED (1006)
//   ANSWERING  ->  -                  -                    CLOSED      CLOSED      -
//   FAILING    ->  -                  -                    CLOSED      CLOSED      -
//   CLOSING    ->  CLOSED             CLOSED (1006)        -           -           CLOSED (1006)
//
// A dash: nothing changes. fail() is a rule that this side says is broken. States that can still send come first.

export const OPEN = 0;
/** The peer's Close has come. take() adds ours, so what came before it can still be answered. */
export const ANSWERING = 1;
/** The peer has broken a rule. take() adds the Close that says so, so what came before can still be answered. */
export const FAILING = 2;
/** Our Close is queued or sent, and the peer's has not come. */
export const CLOSING = 3;
export const CLOSED = 4;
/** As Protocol.state names them. */
export const STATES = ["open", "closing", "closing", "closing", "closed"] as const;
