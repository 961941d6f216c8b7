// The agreed parameters of each direction (RFC 7692 §7.1).

import type { ExtensionParameters } from "../frame/extension.ts";
import type { Role } from "../frame/options.ts";
import type { PerMessageDeflateSettings } from "./options.ts";
import { parseParameters } from "./parameters.ts";

const FULL_WINDOW = 15;

/** The parameters of one direction. @internal */
export interface Side {
  /** Matches reach back at most 2 to the power of this many bytes: 8 to 15. */
  readonly bits: number;
  /** Whether matches may reach back into earlier messages. */
  readonly takeover: boolean;
}

/**
 * The parameters of this side's messages and of the peer's.
 * @throws TypeError if the parameters are not those of a response @internal
 */
export function agreedSides(
  settings: PerMessageDeflateSettings,
  role: Role,
  response: ExtensionParameters,
): { readonly out: Side; readonly incoming: Side } {
  const agreed = parseParameters(response, "response");
  if (agreed === undefined)
    throw new TypeError("`parameters` are not those of a permessage-deflate response (RFC 7692 §7.1)");
  const server = { bits: agreed.serverMaxWindowBits ?? FULL_WINDOW, takeover: !agreed.serverNoContextTakeover };
  const { clientMaxWindowBits } = agreed;
  const client = {
    bits: typeof clientMaxWindowBits === "number" ? clientMaxWindowBits : FULL_WINDOW,
    takeover: !agreed.clientNoContextTakeover,
  };
  const [out, incoming] = role === "server" ? [server, client] : [client, server];
  const ownBits = role === "server" ? settings.serverMaxWindowBits : settings.clientMaxWindowBits;
  const ownNoTakeover = role === "server" ? settings.serverNoContextTakeover : settings.clientNoContextTakeover;
  // A sender may always use less than the agreed limits.
  const bits = typeof ownBits === "number" ? Math.min(out.bits, ownBits) : out.bits;
  return { out: { bits, takeover: out.takeover && ownNoTakeover !== true }, incoming };
}
