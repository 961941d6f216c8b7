// The rows of the table in docs/migrating.md: where wsframe/ws differs from ws, and why. Tests name them in differs().

export interface Difference {
  readonly ws: string;
  readonly wsframe: string;
  readonly reason: string;
}

export const differences = {
  "`mask` of `send()`, `ping()` and `pong()`": {
    ws: "decides whether the frame is masked",
    wsframe: "has no effect: clients mask, servers do not",
    reason: "a peer must fail a connection whose frames are masked wrongly (RFC 6455 §5.1)",
  },
  "`maxBufferedChunks`": {
    ws: "limits how many chunks of a frame are buffered",
    wsframe: "has no effect",
    reason: "chunks are not kept, so many small ones cost nothing",
  },
  "`pause()`": {
    ws: "still emits events from bytes that were already read",
    wsframe: "emits no event until `resume()`",
    reason: "a paused socket gets no events that it is not ready for",
  },
  "`terminate()`": {
    ws: "still emits events from bytes that were already read",
    wsframe: 'emits only "close"',
    reason: "a program that cuts a connection no longer needs its messages",
  },
  '`binaryType` "fragments"': {
    ws: "gives a list with one Buffer for each fragment",
    wsframe: "gives a list with one Buffer, or an empty list for an empty message",
    reason: "fragments are joined as they arrive",
  },
  "`skipUTF8Validation`": {
    ws: "also skips the check of close reasons",
    wsframe: "still checks close reasons (`WS_ERR_INVALID_UTF8`)",
    reason: "a reason must be UTF-8 (RFC 6455 §5.5.1)",
  },
  "received text that is not UTF-8": {
    ws: "fails when the message is complete",
    wsframe: "fails at the first wrong byte",
    reason: "the rest of the message need not be received",
  },
  "bytes sent as text that are not UTF-8": {
    ws: "are sent",
    wsframe: "`send()` throws a TypeError; in a close reason they become U+FFFD",
    reason: "the peer would have to fail the connection (RFC 6455 §8.1)",
  },
  "a length encoded in more bytes than needed": {
    ws: "is accepted",
    wsframe: "fails with `WS_ERR_NON_MINIMAL_LENGTH` and close code 1002",
    reason: "RFC 6455 §5.2 forbids it",
  },
  "`_socket.writableLength`, `_socket.writableNeedDrain`": {
    ws: "show how much waits to be sent",
    wsframe: 'may be 0 and false: use `bufferedAmount`, and "drain", which is still emitted',
    reason: "messages skip the queue of the stream",
  },
  "`_sender.sendFrame()`": {
    ws: "writes any buffers",
    wsframe: "sends one whole message, as made by `Sender.frame()`; throws a TypeError for others",
    reason: "broadcasts encode a message once, and it stays in order with `send()`",
  },
  "an invalid offer of compression": {
    ws: "refuses the handshake with 400",
    wsframe: "declines this offer and tries the next",
    reason: "RFC 7692 §7.1 requires it",
  },
  "a response that accepts compression twice": {
    ws: "opens the connection",
    wsframe: "fails the connection, as for an extension that was not requested",
    reason: "RFC 7692 §5.1 forbids it",
  },
  "a decompression bomb": {
    ws: "is inflated up to `maxPayload`",
    wsframe: "fails with `WS_ERR_INFLATE_RATIO` and close code 1009, above 16 MiB and 100 times the compressed length",
    reason: "a peer must not be able to turn 100 KB into 100 MB",
  },
  "where messages are compressed": {
    ws: "in zlib's threads, `concurrencyLimit` at a time; messages that still wait are lost if the connection ends",
    wsframe: "in `send()`, long ones in slices; `concurrencyLimit` has no effect",
    reason: "for short messages, passing them to a thread takes longer than compressing them",
  },
  "which messages are compressed": {
    ws: "all from `threshold` on; a message in fragments if its first fragment is long enough",
    wsframe: "only those that get shorter; a message in fragments always",
    reason: "peers understand both",
  },
} as const satisfies Record<string, Difference>;

export type DifferenceName = keyof typeof differences;
