// The negotiation of RFC 7692 §5 and §7.1, on the values of the parameters.

import type { ExtensionParameters } from "../frame/extension.ts";
import type { PerMessageDeflateSettings } from "./options.ts";
import { type DeflateParameters, formatParameters, parseParameters } from "./parameters.ts";

const FULL_WINDOW = 15;

/** What a client offers, in order of preference. @internal */
export function makeOffers(settings: PerMessageDeflateSettings): readonly DeflateParameters[] {
  const { serverNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = settings;
  const own: DeflateParameters = {};
  if (settings.clientNoContextTakeover) own.clientNoContextTakeover = true;
  // Without a value, as browsers do it: the server may ask for a window (§7.1.2.2).
  if (clientMaxWindowBits !== false) own.clientMaxWindowBits = clientMaxWindowBits ?? true;
  const wanted: DeflateParameters = {};
  if (serverNoContextTakeover) wanted.serverNoContextTakeover = true;
  if (typeof serverMaxWindowBits === "number") wanted.serverMaxWindowBits = serverMaxWindowBits;
  const first = { ...wanted, ...own };
  return settings.fallback && Object.keys(wanted).length > 0 ? [first, own] : [first];
}

/** What a server answers to one offer, or undefined to decline it. @internal */
export function answerOffer(
  parameters: ExtensionParameters,
  settings: PerMessageDeflateSettings,
): ExtensionParameters | undefined {
  const offer = parseParameters(parameters, "offer");
  if (offer === undefined) return undefined;
  const answer: DeflateParameters = {};

  // §7.1.1.1: an offer that asks for it is accepted by including it.
  if (offer.serverNoContextTakeover && settings.serverNoContextTakeover === false) return undefined;
  if (offer.serverNoContextTakeover || settings.serverNoContextTakeover) answer.serverNoContextTakeover = true;

  // §7.1.1.2: may be included whether or not the client gave the hint. To take it up saves a window here.
  const clientForgets = settings.clientNoContextTakeover ?? offer.clientNoContextTakeover;
  if (clientForgets) answer.clientNoContextTakeover = true;

  // §7.1.2.1: accepted with the same or a smaller value; may be included unasked.
  if (offer.serverMaxWindowBits !== undefined && settings.serverMaxWindowBits === false) return undefined;
  const serverBits = least(offer.serverMaxWindowBits, settings.serverMaxWindowBits);
  if (serverBits !== undefined) answer.serverMaxWindowBits = serverBits;

  // §7.1.2.2: only where the offer has it, with the same or a smaller value. To repeat the client's saves memory here.
  if (offer.clientMaxWindowBits === undefined) {
    const wanted = settings.clientMaxWindowBits;
    if (typeof wanted === "number" && wanted < FULL_WINDOW) return undefined;
  } else {
    if (settings.clientMaxWindowBits === false && offer.clientMaxWindowBits !== true) return undefined;
    const clientBits = least(offer.clientMaxWindowBits, settings.clientMaxWindowBits);
    if (clientBits !== undefined) answer.clientMaxWindowBits = clientBits;
  }
  return formatParameters(answer);
}

/** Whether a response is an answer to one of the offers. @internal */
export function isAnswer(
  parameters: ExtensionParameters,
  offers: readonly DeflateParameters[],
  settings: PerMessageDeflateSettings,
): boolean {
  const response = parseParameters(parameters, "response");
  if (response === undefined) return false;
  if (response.clientNoContextTakeover && settings.clientNoContextTakeover === false) return false;
  return offers.some((offer) => answers(response, offer));
}

function answers(response: DeflateParameters, offer: DeflateParameters): boolean {
  // §7.1.1.1, §7.1.2.1: what was asked of the server it has to confirm.
  if (offer.serverNoContextTakeover && !response.serverNoContextTakeover) return false;
  if (offer.serverMaxWindowBits !== undefined) {
    const bits = response.serverMaxWindowBits;
    if (bits === undefined || bits > offer.serverMaxWindowBits) return false;
  }
  // §7.1.2.2: asked of the client only if that has offered it, and no more than it has said.
  if (response.clientMaxWindowBits === undefined) return true;
  if (offer.clientMaxWindowBits === undefined) return false;
  const most = offer.clientMaxWindowBits === true ? FULL_WINDOW : offer.clientMaxWindowBits;
  return typeof response.clientMaxWindowBits === "number" && response.clientMaxWindowBits <= most;
}

/** The least of the numbers among them. */
function least(...values: readonly (number | boolean | undefined)[]): number | undefined {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 0 ? Math.min(...numbers) : undefined;
}
