// createWebSocketStream() of ws: the messages of a WebSocket as a Node stream.

import { Duplex, type DuplexOptions } from "node:stream";

/** The parts of a WebSocket that a stream needs. */
export interface StreamableWebSocket {
  readonly readyState: number;
  readonly CONNECTING: number;
  readonly CLOSED: number;
  readonly isPaused: boolean;
  /** The underlying socket; null until the handshake is done. */
  readonly _socket?: {
    readonly writableFinished: boolean;
    once(event: "finish", listener: () => void): unknown;
  } | null;
  on(event: "message", listener: (data: StreamedData, isBinary: boolean) => void): unknown;
  once(event: "open" | "close", listener: () => void): unknown;
  once(event: "error", listener: (error: Error) => void): unknown;
  send(data: Buffer | string, callback: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

/** A message that a WebSocket passes to a stream. */
type StreamedData = Buffer | ArrayBuffer | Blob | Buffer[];

/**
 * A Duplex whose chunks are messages: each chunk that you write is sent as one message, and each received message is one chunk.
 * Text is read as bytes, or with `readableObjectMode` as strings. A slow reader pauses the WebSocket. end() closes it.
 *
 * @param options the options of Duplex. `objectMode`, `autoDestroy` and `emitClose` have no effect
 */
export function createWebSocketStream(ws: StreamableWebSocket, options?: DuplexOptions): Duplex {
  /** False after an error: the WebSocket closes by itself then, and its Close should still reach the peer. */
  let terminates = true;

  /** Calls `act` once the WebSocket is open; at once if it is no longer connecting. */
  const whenOpen = (act: () => void): void => {
    if (ws.readyState === ws.CONNECTING) ws.once("open", act);
    else act();
  };

  const stream = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,

    read(): void {
      if (ws.isPaused) ws.resume();
    },

    write(chunk: Buffer | string, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
      whenOpen(() => ws.send(chunk, callback));
    },

    final(callback: (error?: Error | null) => void): void {
      whenOpen(() => {
        const socket = ws._socket ?? null;
        // The handshake has failed, so an error follows.
        if (socket === null) return;
        if (socket.writableFinished) {
          callback();
          if (stream.readableEnded) stream.destroy();
          return;
        }
        // The stream is not destroyed yet: the peer's Close ends its readable side.
        socket.once("finish", () => callback());
        ws.close();
      });
    },

    destroy(error: Error | null, callback: (error?: Error | null) => void): void {
      const emitClose = (): void => {
        process.nextTick(() => stream.emit("close"));
      };
      if (ws.readyState === ws.CLOSED) {
        callback(error);
        emitClose();
        return;
      }
      let reported = false;
      ws.once("error", (reason) => {
        reported = true;
        callback(reason);
      });
      ws.once("close", () => {
        if (!reported) callback(error);
        emitClose();
      });
      if (terminates) ws.terminate();
    },
  });

  ws.on("message", (data, isBinary) => {
    const chunk = !isBinary && stream.readableObjectMode ? String(data) : data;
    if (!stream.push(chunk)) ws.pause();
  });
  ws.once("error", (error) => {
    if (stream.destroyed) return;
    terminates = false;
    stream.destroy(error);
  });
  ws.once("close", () => {
    if (!stream.destroyed) stream.push(null);
  });

  stream.on("end", () => {
    if (!stream.destroyed && stream.writableFinished) stream.destroy();
  });
  stream.on("error", function onError(error) {
    stream.removeListener("error", onError);
    stream.destroy();
    // Without another listener, emit it again so that it is thrown.
    if (stream.listenerCount("error") === 0) stream.emit("error", error);
  });
  return stream;
}
