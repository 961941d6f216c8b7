import type { Extension, ExtensionParameters } from "../frame/extension.ts";
import { isServer, type Role } from "../frame/options.ts";
import { answerOffer, isAnswer, makeOffers } from "./negotiate.ts";
import { type PerMessageDeflateOptions, readDeflateOptions } from "./options.ts";
import { formatParameters } from "./parameters.ts";
import { DeflateSession } from "./session.ts";

/** RSV1, as in `frame.rsv`: "Per-Message Compressed" (RFC 7692 §6). */
const RSV1 = 4;

/**
 * The extension permessage-deflate (RFC 7692): messages are compressed one by one, as a rule with what went before as
 * context. For either role; one serves any number of connections.
 *
 * Compressing and inflating are synchronous, and between messages a connection holds nothing but the last bytes that
 * matches may refer to: of what it received up to the window (32 KiB), of what it sent as much as `history` says.
 *
 * A message may have up to 64 blocks with BFINAL set (RFC 7692 §7.2.3.4), which is how some peers flush. One with more ends the
 * connection (`WS_ERR_TOO_MANY_FINAL_BLOCKS`, 1008).
 *
 * @throws TypeError in a runtime without zlib, if no codec is given
 * @throws RangeError, TypeError for options that are not what they should be
 */
export function perMessageDeflate(options: PerMessageDeflateOptions = {}): Extension {
  const settings = readDeflateOptions(options);
  const offers = makeOffers(settings);
  return {
    name: "permessage-deflate",
    rsv: RSV1,
    offer: (): readonly ExtensionParameters[] => offers.map(formatParameters),
    accept: (offer: ExtensionParameters): ExtensionParameters | undefined => answerOffer(offer, settings),
    confirm: (response: ExtensionParameters): boolean => isAnswer(response, offers, settings),
    open(role: Role, response: ExtensionParameters): DeflateSession {
      isServer(role);
      return new DeflateSession(settings, role, response);
    },
  };
}
