// The way past send() that Socket.IO takes for broadcasts: frames that Sender.frame() has made once for all.

import { PreparedMessage, FrameDecoder, Opcode } from "../index.ts";
import type { Connection } from "../node/connection.ts";
import type { SendCallback } from "./web-socket.ts";

/** What a list of buffers is, by the list: the same one goes to many connections. */
const read: WeakMap<readonly Uint8Array[], PreparedMessage> = new WeakMap();

/** The `_sender` of a WebSocket. */
export class FrameSender {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Sends a message that is a frame already, as buffers end to end: what Sender.frame() returns.
   * @throws TypeError if it is not one whole message
   */
  sendFrame(list: readonly Uint8Array[], callback?: SendCallback): void {
    let message = read.get(list);
    if (message === undefined) read.set(list, (message = messageOf(list)));
    const sent = this.#connection.send(message, { callback });
    if (!sent && callback !== undefined) process.nextTick(callback, new Error("WebSocket is not open"));
  }
}

function messageOf(list: readonly Uint8Array[]): PreparedMessage {
  const decoder = new FrameDecoder({ role: "server", allowUnmasked: true, copy: true, maxFrame: Infinity });
  const frames = list.flatMap((part) => decoder.decode(part));
  const [frame] = frames;
  if (frames.length !== 1 || !frame!.fin || (frame!.opcode !== Opcode.Text && frame!.opcode !== Opcode.Binary)) {
    throw new TypeError("sendFrame() sends one whole message");
  }
  return new PreparedMessage(frame!.opcode === Opcode.Text ? frame!.text : frame!.payload);
}
