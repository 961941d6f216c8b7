// Negotiates the parameters (RFC 7692 §5, §7.1).

import type { ExtensionParameters } from "../frame/extension.ts";
import type { PerMessageDeflateSettings } from "./options.ts";
import { type DeflateParameters, formatParameters, parseParameters } from "./parameters.ts";

const FULL_WINDOW = 15;

/** The offers of a client, in order of preference. @internal */
export function makeOffers(settings: PerMessageDeflateSettings): readonly DeflateParameters[] {
  const { serverNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = settings;
  const own: DeflateParameters = {};
  if (settings.clientNoContextTakeover) own.clientNoContextTakeover = true;
  // Without a value, like browsers: the server may choose a window (§7.1.2.2).
  if (clientMaxWindowBits !== false) own.clientMaxWindowBits = clientMaxWindowBits ?? true;
  const wanted: DeflateParameters = {};
  if (serverNoContextTakeover) wanted.serverNoContextTakeover = true;
  if (typeof serverMaxWindowBits === "number") wanted.serverMaxWindowBits = serverMaxWindowBits;
  const first = { ...wanted, ...own };
  return settings.fallback && Object.keys(wanted).length > 0 ? [first, own] : [first];
}

/** The server's answer to one offer; undefined declines it. @internal */
export function answerOffer(
  parameters: ExtensionParameters,
  settings: PerMessageDeflateSettings,
): ExtensionParameters | undefined {
  const offer = parseParameters(parameters, "offer");
  if (offer === undefined) return undefined;
  const answer: DeflateParameters = {};

  // §7.1.1.1: to accept the client's wish, repeat it.
  if (offer.serverNoContextTakeover && settings.serverNoContextTakeover === false) return undefined;
  if (offer.serverNoContextTakeover || settings.serverNoContextTakeover) answer.serverNoContextTakeover = true;

  // §7.1.1.2: a server may include this with or without the client's hint. Taking up the hint saves a window here.
  const clientForgets = settings.clientNoContextTakeover ?? offer.clientNoContextTakeover;
  if (clientForgets) answer.clientNoContextTakeover = true;

  // §7.1.2.1: accept with the same or a smaller value. A server may also include it unasked.
  if (offer.serverMaxWindowBits !== undefined && settings.serverMaxWindowBits === false) return undefined;
  const serverBits = least(offer.serverMaxWindowBits, settings.serverMaxWindowBits);
  if (serverBits !== undefined) answer.serverMaxWindowBits = serverBits;

  // §7.1.2.2: only if the offer contains it, with the same or a smaller value. Repeating the client's value saves memory here.
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

/** Whether a response answers one of the offers. @internal */
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
  // §7.1.1.1, §7.1.2.1: the server must confirm what the client required of it.
  if (offer.serverNoContextTakeover && !response.serverNoContextTakeover) return false;
  if (offer.serverMaxWindowBits !== undefined) {
    const bits = response.serverMaxWindowBits;
    if (bits === undefined || bits > offer.serverMaxWindowBits) return false;
  }
  // §7.1.2.2: a server may set this only if the client offered it, and not above the offered value.
  if (response.clientMaxWindowBits === undefined) return true;
  if (offer.clientMaxWindowBits === undefined) return false;
  const most = offer.clientMaxWindowBits === true ? FULL_WINDOW : offer.clientMaxWindowBits;
  return typeof response.clientMaxWindowBits === "number" && response.clientMaxWindowBits <= most;
}

/** The smallest number among the values. */
function least(...values: readonly (number | boolean | undefined)[]): number | undefined {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 0 ? Math.min(...numbers) : undefined;
}
