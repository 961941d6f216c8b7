// Reads frames made by Sender.frame(), because Socket.IO sends the same list of buffers to many connections.

import { FrameDecoder, Opcode, PreparedMessage } from "../index.ts";

const read: WeakMap<readonly Uint8Array[], PreparedMessage> = new WeakMap();

/** The message in a list of buffers. Each list is decoded only once. @throws TypeError if it is not one whole message @internal */
export function messageIn(list: readonly Uint8Array[]): PreparedMessage {
  let message = read.get(list);
  if (message === undefined) read.set(list, (message = readMessage(list)));
  return message;
}

function readMessage(list: readonly Uint8Array[]): PreparedMessage {
  const decoder = new FrameDecoder({ role: "server", allowUnmasked: true, copy: true, maxFrame: Infinity });
  const frames = list.flatMap((part) => decoder.decode(part));
  const [frame] = frames;
  if (frames.length !== 1 || !frame!.fin || (frame!.opcode !== Opcode.Text && frame!.opcode !== Opcode.Binary)) {
    throw new TypeError("sendFrame() needs one whole message");
  }
  return new PreparedMessage(frame!.opcode === Opcode.Text ? frame!.text : frame!.payload);
}
