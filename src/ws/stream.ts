// createWebSocketStream() of ws: the messages of a WebSocket as a stream of Node.

import { Duplex, type DuplexOptions } from "node:stream";

/** What a stream needs of a WebSocket. */
export interface StreamableWebSocket {
  readonly readyState: number;
  readonly CONNECTING: number;
  readonly CLOSED: number;
  readonly isPaused: boolean;
  /** The socket under it; null before the handshake has ended. */
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

/** A message as a WebSocket gives it to a stream. */
type StreamedData = Buffer | ArrayBuffer | Blob | Buffer[];

/**
 * A Duplex whose chunks are messages: each that is written is sent as one, and each that arrives is read as one. Text is read as
 * bytes, with `readableObjectMode` as strings. A slow reader pauses the WebSocket, and end() closes it.
 *
 * @param options those of Duplex. `objectMode`, `autoDestroy` and `emitClose` have no effect
 */
export function createWebSocketStream(ws: StreamableWebSocket, options?: DuplexOptions): Duplex {
  /** After an error the WebSocket closes by itself: its Close should still reach the peer. */
  let terminates = true;

  /** Calls `act` once the handshake has ended, one way or the other. */
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
        // The handshake has failed: there will be an error.
        if (socket === null) return;
        if (socket.writableFinished) {
          callback();
          if (stream.readableEnded) stream.destroy();
          return;
        }
        // Not destroyed then: the peer's Close is still to come, which ends the readable side.
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
    // Without another listener it is thrown, as it would be without this one.
    if (stream.listenerCount("error") === 0) stream.emit("error", error);
  });
  return stream;
}
