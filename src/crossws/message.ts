import type { Message, Peer } from "crossws";
import { bufferOf, toBuffer } from "./bytes.ts";
import { inspectAs } from "./inspect.ts";

/** The second argument of the message hook. */
export class PeerMessage implements PublicPart<Message> {
  /** A string for text. For binary messages a Buffer, or the form that `binaryType` of `serverOptions` names. */
  readonly rawData: string | Uint8Array<ArrayBuffer>;
  readonly peer: Peer;
  #id: string | undefined = undefined;
  #text: string | undefined = undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined = undefined;
  #buffer: ArrayBuffer | undefined = undefined;
  #blob: Blob | undefined = undefined;
  #json: { readonly value: unknown } | undefined = undefined;

  constructor(rawData: string | Uint8Array<ArrayBuffer>, peer: Peer) {
    this.rawData = rawData;
    this.peer = peer;
  }

  get id(): string {
    return (this.#id ??= crypto.randomUUID());
  }

  uint8Array(): Uint8Array<ArrayBuffer> {
    const { rawData } = this;
    return typeof rawData === "string" ? (this.#bytes ??= new TextEncoder().encode(rawData)) : rawData;
  }

  arrayBuffer(): ArrayBuffer {
    return (this.#buffer ??= bufferOf(this.uint8Array()));
  }

  blob(): Blob {
    return (this.#blob ??= new Blob([this.uint8Array()]));
  }

  text(): string {
    const { rawData } = this;
    return typeof rawData === "string" ? rawData : (this.#text ??= new TextDecoder().decode(rawData));
  }

  json<Value = unknown>(): Value {
    this.#json ??= { value: JSON.parse(this.text()) };
    // As with JSON.parse(), only the caller can know the type.
    return this.#json.value as Value;
  }

  /** The message in the form that `peer.websocket.binaryType` names. */
  get data(): unknown {
    const type: string | undefined = this.peer.websocket.binaryType;
    switch (type) {
      case "nodebuffer":
        return toBuffer(this.uint8Array());
      case "arraybuffer":
        return this.arrayBuffer();
      case "blob":
        return this.blob();
      case "uint8array":
        return this.uint8Array();
      case "text":
        return this.text();
      default:
        return this.rawData;
    }
  }

  toString(): string {
    return this.text();
  }

  [Symbol.toPrimitive](): string {
    return this.text();
  }
}

inspectAs(PeerMessage.prototype, (message) => ({
  message: { id: message.id, peer: message.peer, text: message.text() },
}));

/** The public members of a class of crossws, except the symbol for util.inspect(), which crossws does not export. */
export type PublicPart<Class> = {
  [
    Name in keyof Class as Name extends string | typeof Symbol.toPrimitive | typeof Symbol.toStringTag ? Name : never
  ]: Class[Name];
};

/** Casts to Message. crossws exports it only as a type with private fields; PeerMessage has all public members. */
export function asMessage(message: PeerMessage): Message {
  return message as unknown as Message;
}
