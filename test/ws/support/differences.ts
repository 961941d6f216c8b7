// Where wsframe/ws does something else than ws, and why: the rows of the table in docs/migrating.md, which tests refer to.

export interface Difference {
  readonly ws: string;
  readonly wsframe: string;
  readonly reason: string;
}

export const differences = {
  "`mask` of `send()`, `ping()` and `pong()`": {
    ws: "decides whether the frame is masked",
    wsframe: "has no effect: clients mask, servers do not",
    reason: "a peer has to fail the connection over a frame masked against its role (RFC 6455 §5.1)",
  },
  "`maxBufferedChunks`": {
    ws: "limits the chunks that one frame is in",
    wsframe: "has no effect",
    reason: "chunks are not kept, so many small ones cost nothing",
  },
  "`pause()`": {
    ws: "events of the chunk that has been read still come",
    wsframe: "no event comes until `resume()`",
    reason: "ws allows both",
  },
  "`terminate()`": {
    ws: "what has been read of the socket still comes as events",
    wsframe: 'no event comes but "close"',
    reason: "a program that cuts a connection is done with it",
  },
  '`binaryType` "fragments"': {
    ws: "a list with a Buffer for each fragment",
    wsframe: "a list with one Buffer, or none if the message is empty",
    reason: "fragments are joined as they arrive",
  },
  "`skipUTF8Validation`": {
    ws: "also of the reason of a Close",
    wsframe: "only of messages: such a reason is `WS_ERR_INVALID_UTF8`",
    reason: "a reason is text (RFC 6455 §5.5.1)",
  },
  "text that is not UTF-8": {
    ws: "is an error once the message is complete",
    wsframe: "at the first wrong byte",
    reason: "a peer need not be read to the end",
  },
  "bytes that are to be text, and are not UTF-8": {
    ws: "are sent",
    wsframe: "`send()` throws a TypeError; in a reason, U+FFFD takes their place",
    reason: "the peer has to fail the connection over them (RFC 6455 §8.1)",
  },
  "a length in more bytes than it needs": {
    ws: "is read",
    wsframe: "is `WS_ERR_NON_MINIMAL_LENGTH`, with the close code 1002",
    reason: "RFC 6455 §5.2 forbids it",
  },
  "`_socket.writableLength`, `_socket.writableNeedDrain`": {
    ws: "tell what waits to be sent",
    wsframe: 'may be 0 and false: `bufferedAmount` tells it, and "drain" comes',
    reason: "messages go to the system past the stream's queue",
  },
  "`_sender.sendFrame()`": {
    ws: "writes any buffers",
    wsframe: "sends one whole message, as `Sender.frame()` makes it; throws a TypeError for others",
    reason: "it is for broadcasts: it encodes once, and goes in order with `send()`",
  },
  "an offer of compression that cannot be understood": {
    ws: "refuses the handshake with 400",
    wsframe: "declines that offer, and takes the next",
    reason: "RFC 7692 §7.1 asks for it",
  },
  "an answer that accepts compression twice": {
    ws: "opens the connection",
    wsframe: "fails it, with the error of an extension that was not requested",
    reason: "RFC 7692 §5.1 forbids the answer",
  },
  "a compressed message that is a bomb": {
    ws: "is read up to `maxPayload`",
    wsframe: "is `WS_ERR_INFLATE_RATIO`, with the close code 1009, if it is more than 16 MiB and 100 times its length",
    reason: "a peer should not turn 100 KB into 100 MB",
  },
  "when a message is compressed": {
    ws: "in zlib's threads, `concurrencyLimit` at a time; what waits is lost if the connection ends",
    wsframe: "in `send()`, a long one in slices; `concurrencyLimit` has no effect",
    reason: "short messages take less time than the way to a thread",
  },
  "what is compressed": {
    ws: "all from `threshold` on; a message in fragments by the length of the first",
    wsframe: "not what would become longer; a message in fragments always",
    reason: "peers understand both",
  },
} as const satisfies Record<string, Difference>;

export type DifferenceName = keyof typeof differences;
