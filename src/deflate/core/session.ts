import type {
  Delivery,
  ExtensionSession,
  FailureHandler,
  IncomingMessage,
  OutgoingPart,
} from "../../frame/extension.ts";
import { InflatingMessage } from "../arrival.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import { Incoming } from "./incoming.ts";
import { Outgoing } from "./outgoing.ts";

/** permessage-deflate on one connection, in the WASM core. @internal */
export class CoreSession implements ExtensionSession {
  readonly #out: Outgoing;
  readonly #incoming: Incoming;

  constructor(settings: PerMessageDeflateSettings, out: Side, incoming: Side) {
    this.#out = new Outgoing(settings, out);
    this.#incoming = new Incoming(settings, incoming);
  }

  /** The number of bytes it holds outside the core. @internal */
  get held(): number {
    return this.#out.held + this.#incoming.held;
  }

  get releaseAfter(): number {
    return this.#out.releaseAfter;
  }

  encode(part: OutgoingPart): Uint8Array | undefined {
    return this.#out.encode(part);
  }

  encodeText(text: string, compress: boolean | undefined): Uint8Array<ArrayBuffer> | undefined {
    return this.#out.encodeText(text, compress);
  }

  encodePrepared(payload: Uint8Array, encoded: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined {
    return this.#out.encodePrepared(payload, encoded, compress);
  }

  decode(message: IncomingMessage): Uint8Array {
    return this.#incoming.decode(message);
  }

  begin(text: boolean, maxLength: number, delivery: Delivery, handler: FailureHandler): InflatingMessage {
    this.#incoming.begin(maxLength);
    return new InflatingMessage(this.#incoming, text, delivery, handler);
  }

  wants(length: number, compress: boolean | undefined): boolean {
    return this.#out.wants(length, true, compress);
  }

  release(): void {
    this.#out.release();
  }

  end(): void {
    this.#out.release();
    this.#incoming.end();
  }
}
