// The protocol between server and page, over a second WebSocket that the page does not show. It carries the bytes of the first.

/** A command from the page for the connection that it shows. */
export type Command =
  | { readonly type: "answer"; readonly mode: AnswerMode }
  | { readonly type: "act"; readonly action: string };

/** How the server answers messages. */
export type AnswerMode = "echo" | "fragments" | "nothing";

/** A message from the server, other than bytes. */
export type Notice =
  /** The id to connect with, so that this page gets the bytes, and the available actions. */
  | { readonly type: "watching"; readonly id: string; readonly actions: readonly ActionName[] }
  /** A connection is open. `request` is the text of its request, rebuilt from what node:http has parsed. */
  | { readonly type: "open"; readonly connection: number; readonly request: string }
  /** The socket of a connection has closed. */
  | { readonly type: "closed"; readonly connection: number };

/** An action that the server offers. */
export interface ActionName {
  readonly id: string;
  readonly label: string;
  /** Whether it breaks a rule of the protocol. */
  readonly broken: boolean;
}

/** Bytes that have passed over the socket of a connection. */
export interface Chunk {
  readonly sender: "client" | "server";
  readonly connection: number;
  /** Milliseconds since the connection was opened. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** Size of the head: one byte for the sender, four for the connection, eight for the time. */
const HEAD = 13;

/** Converts a chunk to a binary message. */
export function packChunk({ sender, connection, time, bytes }: Chunk): Uint8Array {
  const message = new Uint8Array(HEAD + bytes.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, sender === "server" ? 1 : 0);
  view.setUint32(1, connection);
  view.setFloat64(5, time);
  message.set(bytes, HEAD);
  return message;
}

/** Converts a message back to a chunk. The bytes are a view of the message. */
export function unpackChunk(message: ArrayBuffer): Chunk {
  const view = new DataView(message);
  return {
    sender: view.getUint8(0) === 1 ? "server" : "client",
    connection: view.getUint32(1),
    time: view.getFloat64(5),
    bytes: new Uint8Array(message, HEAD),
  };
}
