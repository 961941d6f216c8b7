import type { Message, Peer } from "crossws";
import { bufferOf, toBuffer } from "./bytes.ts";
import { inspectAs } from "./inspect.ts";

/** What the hook of messages gets. */
export class PeerMessage implements PublicPart<Message> {
  /** A string for text; a Buffer for binary, unless `binaryType` of the adapter says otherwise. */
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
    // As of JSON.parse(): the caller knows.
    return this.#json.value as Value;
  }

  /** In the form that `peer.websocket.binaryType` names. */
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

/** What a class of crossws shows, but for the symbol of Node's util.inspect(), whose name it does not export. */
export type PublicPart<Class> = {
  [
    Name in keyof Class as Name extends string | typeof Symbol.toPrimitive | typeof Symbol.toStringTag ? Name : never
  ]: Class[Name];
};

/** crossws exports its Message as a type alone, with private fields. Ours has all that is public of it. */
export function asMessage(message: PeerMessage): Message {
  return message as unknown as Message;
}
