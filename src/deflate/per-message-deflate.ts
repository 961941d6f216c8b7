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
 * The extension permessage-deflate (RFC 7692), which compresses each message. Pass it as an extension, on either side. One
 * object serves any number of connections.
 *
 * Messages of any size are compressed as you send them and inflated as they arrive, in constant memory. Between messages, a
 * connection keeps its context: the received bytes that the peer may refer to, up to the window of 32 KiB, and the sent bytes
 * up to `history`, with a table of up to 64 KiB. `releaseAfter` frees the sent part.
 *
 * Some peers flush with blocks that have BFINAL set (RFC 7692 §7.2.3.4). A message may contain 64 of them; one with more fails
 * the connection (`WS_ERR_TOO_MANY_FINAL_BLOCKS`, 1008).
 *
 * @throws TypeError if no codec is given and the runtime refuses WASM and has no zlib
 * @throws TypeError or RangeError for an unknown or invalid option
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
