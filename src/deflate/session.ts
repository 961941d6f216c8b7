import type { ExtensionParameters, ExtensionSession, IncomingMessage, OutgoingPart } from "../frame/extension.ts";
import type { Role } from "../frame/options.ts";
import { Deflater } from "./deflater.ts";
import { Inflater } from "./inflater.ts";
import type { PerMessageDeflateSettings } from "./options.ts";
import { parseParameters } from "./parameters.ts";

const FULL_WINDOW = 15;

/** permessage-deflate on one connection. @internal */
export class DeflateSession implements ExtensionSession {
  readonly #deflater: Deflater;
  readonly #inflater: Inflater;

  /** @throws TypeError if the parameters are not those of a response */
  constructor(settings: PerMessageDeflateSettings, role: Role, response: ExtensionParameters) {
    const agreed = parseParameters(response, "response");
    if (agreed === undefined) throw new TypeError("These are not parameters of a permessage-deflate response");
    const server = {
      bits: agreed.serverMaxWindowBits ?? FULL_WINDOW,
      takeover: !agreed.serverNoContextTakeover,
      ownBits: settings.serverMaxWindowBits,
      ownTakeover: settings.serverNoContextTakeover !== true,
    };
    const client = {
      bits: typeof agreed.clientMaxWindowBits === "number" ? agreed.clientMaxWindowBits : FULL_WINDOW,
      takeover: !agreed.clientNoContextTakeover,
      ownBits: settings.clientMaxWindowBits,
      ownTakeover: settings.clientNoContextTakeover !== true,
    };
    const [out, incoming] = role === "server" ? [server, client] : [client, server];
    // A sender may always use less than was agreed on, and does if it is configured to.
    const bits = typeof out.ownBits === "number" ? Math.min(out.bits, out.ownBits) : out.bits;
    this.#deflater = new Deflater(settings, bits, out.takeover && out.ownTakeover);
    this.#inflater = new Inflater(settings, incoming.bits, incoming.takeover);
  }

  /** The bytes of its windows. @internal */
  get held(): number {
    return this.#deflater.held + this.#inflater.held;
  }

  encode(part: OutgoingPart): Uint8Array | undefined {
    return this.#deflater.encode(part);
  }

  decode(message: IncomingMessage): Uint8Array {
    return this.#inflater.decode(message);
  }

  encodePrepared(payload: Uint8Array, encoded: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined {
    return this.#deflater.encodePrepared(payload, encoded, compress);
  }
}
