import type { ExtensionSession, IncomingMessage, OutgoingPart } from "../../frame/extension.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import type { DeflateCodec } from "./codec.ts";
import { Deflater } from "./deflater.ts";
import { Inflater } from "./inflater.ts";

/** permessage-deflate on one connection, with one codec call per message. @internal */
export class CodecSession implements ExtensionSession {
  readonly #deflater: Deflater;
  readonly #inflater: Inflater;

  constructor(settings: PerMessageDeflateSettings, codec: DeflateCodec, out: Side, incoming: Side) {
    this.#deflater = new Deflater(settings, codec, out);
    this.#inflater = new Inflater(settings, codec, incoming);
  }

  /** The number of bytes in its windows. @internal */
  get held(): number {
    return this.#deflater.held + this.#inflater.held;
  }

  get releaseAfter(): number {
    return this.#deflater.releaseAfter;
  }

  encode(part: OutgoingPart): Uint8Array | undefined {
    return this.#deflater.encode(part);
  }

  encodePrepared(payload: Uint8Array, encoded: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined {
    return this.#deflater.encodePrepared(payload, encoded, compress);
  }

  decode(message: IncomingMessage): Uint8Array {
    return this.#inflater.decode(message);
  }

  wants(length: number, compress: boolean | undefined): boolean {
    return this.#deflater.wants(length, true, compress);
  }

  release(): void {
    this.#deflater.release();
  }

  end(): void {
    this.#deflater.release();
    this.#inflater.end();
  }
}
