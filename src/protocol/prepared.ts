// Caches prepared messages as extensions encode them: once per set of parameters, for any number of connections.

import { type PreparedMessage, serialize, type SerializedMessage } from "../frame/prepared.ts";
import type { OpenExtension } from "./extensions.ts";

/** The encodings of each message: see ExtensionSession.encodePrepared. */
const encodings: WeakMap<PreparedMessage, Map<string, Uint8Array>> = /* @__PURE__ */ new WeakMap();
/** The frame of each encoding. */
const frames: WeakMap<Uint8Array, SerializedMessage> = /* @__PURE__ */ new WeakMap();

/** The frame of a prepared message as the extension encodes it. Undefined if the message is sent unchanged. @internal */
export function encodePrepared(
  message: PreparedMessage,
  extension: OpenExtension,
  compress: boolean | undefined,
): SerializedMessage | undefined {
  let encoded = encodings.get(message);
  if (encoded === undefined) encodings.set(message, (encoded = new Map()));
  const payload = extension.session.encodePrepared!(message.payload, encoded, compress);
  if (payload === undefined) return undefined;
  const firstByte = message.firstByte | (extension.rsv << 4);
  let frame = frames.get(payload);
  if (frame?.firstByte !== firstByte) frames.set(payload, (frame = serialize(firstByte, payload)));
  return frame;
}
