// What the server and the page say to each other over the second WebSocket, which is not shown: the bytes of those that are.

/** What the page asks the server to do on the connection that it shows. */
export type Command =
  | { readonly type: "answer"; readonly mode: AnswerMode }
  | { readonly type: "act"; readonly action: string };

/** What the server answers messages with. */
export type AnswerMode = "echo" | "fragments" | "nothing";

/** What the server tells, beside the bytes. */
export type Notice =
  /** What to connect with, so that it is this page that gets the bytes; and what can be asked for. */
  | { readonly type: "watching"; readonly id: string; readonly actions: readonly ActionName[] }
  /** A connection is open. Its request has been read by node:http: this is it as text. */
  | { readonly type: "open"; readonly connection: number; readonly request: string }
  /** Its socket has closed. */
  | { readonly type: "closed"; readonly connection: number };

/** Something the server can do, as it is offered. */
export interface ActionName {
  readonly id: string;
  readonly label: string;
  /** Whether it breaks a rule. */
  readonly broken: boolean;
}

/** Bytes that have gone over a connection's socket. */
export interface Chunk {
  readonly sender: "client" | "server";
  readonly connection: number;
  /** In milliseconds since the connection was opened. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** One byte for the sender, four for the connection, eight for the time. */
const HEAD = 13;

/** A chunk as a binary message. */
export function packChunk({ sender, connection, time, bytes }: Chunk): Uint8Array {
  const message = new Uint8Array(HEAD + bytes.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, sender === "server" ? 1 : 0);
  view.setUint32(1, connection);
  view.setFloat64(5, time);
  message.set(bytes, HEAD);
  return message;
}

/** The chunk of a message. Its bytes are a view on it. */
export function unpackChunk(message: ArrayBuffer): Chunk {
  const view = new DataView(message);
  return {
    sender: view.getUint8(0) === 1 ? "server" : "client",
    connection: view.getUint32(1),
    time: view.getFloat64(5),
    bytes: new Uint8Array(message, HEAD),
  };
}
