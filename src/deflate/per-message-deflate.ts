import type { Extension, ExtensionParameters, ExtensionSession } from "../frame/extension.ts";
import { isServer, type Role } from "../frame/options.ts";
import { CodecSession } from "./codec/session.ts";
import { CoreSession } from "./core/session.ts";
import { answerOffer, isAnswer, makeOffers } from "./negotiate.ts";
import { type PerMessageDeflateOptions, readDeflateOptions } from "./options.ts";
import { formatParameters } from "./parameters.ts";
import { agreedSides } from "./sides.ts";

/** RSV1, as in `frame.rsv`: "Per-Message Compressed" (RFC 7692 §6). */
const RSV1 = 4;

/**
 * The extension permessage-deflate (RFC 7692): messages are compressed one by one, as a rule with what went before as
 * context. For either role; one serves any number of connections.
 *
 * Messages of any size are compressed as they are sent and inflated as they arrive, in constant memory. Between messages a
 * connection holds the last bytes that matches may refer to: of what it received up to the window (32 KiB), and of what it
 * sent, until `releaseAfter`, as much as `history` says, with a table of up to 64 KiB.
 *
 * A message may have up to 64 blocks with BFINAL set (RFC 7692 §7.2.3.4), which is how some peers flush. One with more ends the
 * connection (`WS_ERR_TOO_MANY_FINAL_BLOCKS`, 1008).
 *
 * @throws TypeError in a runtime that refuses to compile WASM and has no zlib, if no codec is given
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
    open(role: Role, response: ExtensionParameters): ExtensionSession {
      isServer(role);
      const { out, incoming } = agreedSides(settings, role, response);
      const { codec } = settings;
      return codec === undefined
        ? new CoreSession(settings, out, incoming)
        : new CodecSession(settings, codec, out, incoming);
    },
  };
}
