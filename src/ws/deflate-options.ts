// The option perMessageDeflate of ws: its fields, and the offers and responses that result.

import type { ZlibOptions } from "node:zlib";
import {
  type Extension,
  type ExtensionParameters,
  type ExtensionSession,
  perMessageDeflate,
  type PerMessageDeflateOptions as OwnOptions,
  type Role,
} from "../index.ts";
import type { ParsedParameters } from "./extension.ts";

/** The options of permessage-deflate in ws. The negotiated ones have the same meaning as in perMessageDeflate(). */
export interface PerMessageDeflateOptions {
  /** Whether the server compresses each message without the context of earlier ones. */
  serverNoContextTakeover?: boolean | undefined;
  /** Whether the client compresses each message without the context of earlier ones. */
  clientNoContextTakeover?: boolean | undefined;
  /** The size of the server's compression window, as a power of 2: 8 to 15. */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The size of the client's compression window, as a power of 2: 8 to 15. */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Options of node:zlib for sending. A connection uses only `level`; the class PerMessageDeflate uses all. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  /** Options of node:zlib for receiving. Only the class PerMessageDeflate uses them. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /** The shortest message to compress without context takeover, in bytes. Default 1024. */
  threshold?: number | undefined;
  /** How many messages all instances of PerMessageDeflate process at a time. Default 10. */
  concurrencyLimit?: number | undefined;
  /** For the class PerMessageDeflate: whether it is the server's side. Default false. */
  isServer?: boolean | undefined;
  /** For the class PerMessageDeflate: the longest message, in bytes; 0 for no limit. Default 0. */
  maxPayload?: number | undefined;
}

/** The default of `threshold`, in bytes. @internal */
export const THRESHOLD = 1024;

/** The parameters of an offer or a response. */
export interface DeflateParameters {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  /** `true` occurs only in an offer. */
  client_max_window_bits?: number | true;
}

/** A whole number from 8 to 15 (RFC 7692 §7.1.2). */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** Reads the parameters of one offer or response. @throws Error, TypeError with the messages of ws @internal */
export function readParameters(parameters: ParsedParameters, from: Role): DeflateParameters {
  const read: DeflateParameters = {};
  for (const [name, values] of Object.entries(parameters)) {
    if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
    const value = values[0]!;
    const bits = typeof value === "string" && WINDOW_BITS.test(value) ? Number(value) : undefined;
    const invalid = (): TypeError => new TypeError(`Invalid value for parameter "${name}": ${value}`);
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        if (value !== true) throw invalid();
        read[name] = value;
        break;
      case "server_max_window_bits":
        if (bits === undefined) throw invalid();
        read[name] = bits;
        break;
      case "client_max_window_bits":
        if (bits === undefined && (value !== true || from === "server")) throw invalid();
        read[name] = bits ?? true;
        break;
      default:
        throw new Error(`Unknown parameter "${name}"`);
    }
  }
  return read;
}

/** The server's response to one offer, or undefined to decline it. @internal */
export function answerOffer(
  offer: DeflateParameters,
  options: PerMessageDeflateOptions,
): DeflateParameters | undefined {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  if (options.serverNoContextTakeover === false && offer.server_no_context_takeover) return undefined;
  const serverBits = offer.server_max_window_bits;
  if (serverBits !== undefined) {
    if (serverMaxWindowBits === false) return undefined;
    // Unlike perMessageDeflate(), ws declines a window that is smaller than the configured one.
    if (typeof serverMaxWindowBits === "number" && serverMaxWindowBits > serverBits) return undefined;
  }
  const clientBits = offer.client_max_window_bits;
  if (typeof clientMaxWindowBits === "number") {
    if (clientBits === undefined) return undefined;
    if (clientBits !== true && clientMaxWindowBits > clientBits) return undefined;
  }
  const answer = { ...offer };
  if (options.serverNoContextTakeover) answer.server_no_context_takeover = true;
  if (options.clientNoContextTakeover) answer.client_no_context_takeover = true;
  if (typeof serverMaxWindowBits === "number") answer.server_max_window_bits = serverMaxWindowBits;
  if (typeof clientMaxWindowBits === "number") answer.client_max_window_bits = clientMaxWindowBits;
  else if (clientBits === true || clientMaxWindowBits === false) delete answer.client_max_window_bits;
  return answer;
}

/** ws accepts any truthy value. */
function flagOf(value: unknown): boolean | undefined {
  return value === false ? false : value ? true : undefined;
}

function bitsOf(value: unknown): number | false | undefined {
  return typeof value === "number" || value === false ? value : undefined;
}

/** The parameters as they are written in the header, in the same order. @internal */
export function formatParameters(parameters: DeflateParameters): ExtensionParameters {
  return Object.entries(parameters).map(([name, value]) => [name, value === true || String(value)] as const);
}

/** Groups the values by name, as `extension.parse()` does. */
function groupParameters(parameters: ExtensionParameters): ParsedParameters {
  const grouped: ParsedParameters = Object.create(null);
  for (const [name, value] of parameters) (grouped[name] ??= []).push(value);
  return grouped;
}

/**
 * Our permessage-deflate with the options of ws. It offers, answers and compresses as ws does, with two differences: a message that
 * does not get shorter is sent uncompressed, and all parameters of a response are checked (RFC 7692 §7.1).
 *
 * @throws RangeError, TypeError for invalid options
 * @internal
 */
export function extensionOf(options: true | PerMessageDeflateOptions): Extension {
  const given = options === true ? {} : options;
  const { level, memLevel, strategy } = given.zlibDeflateOptions ?? {};
  const own: OwnOptions = {
    serverNoContextTakeover: flagOf(given.serverNoContextTakeover),
    clientNoContextTakeover: flagOf(given.clientNoContextTakeover),
    serverMaxWindowBits: bitsOf(given.serverMaxWindowBits),
    clientMaxWindowBits: bitsOf(given.clientMaxWindowBits),
    level,
    memLevel,
    strategy,
    threshold: given.threshold ?? THRESHOLD,
  };
  const forgetting = perMessageDeflate(own);
  // As in ws, the threshold holds only without context takeover. With it, compressing short messages is worthwhile.
  const remembering = perMessageDeflate({ ...own, threshold: 0 });
  return {
    name: forgetting.name,
    rsv: forgetting.rsv,
    offer: (): readonly ExtensionParameters[] => forgetting.offer(),
    accept(offer: ExtensionParameters): ExtensionParameters | undefined {
      try {
        const answer = answerOffer(readParameters(groupParameters(offer), "client"), given);
        return answer && formatParameters(answer);
      } catch {
        return undefined;
      }
    },
    confirm: (response: ExtensionParameters): boolean => forgetting.confirm(response),
    open(role: Role, response: ExtensionParameters): ExtensionSession {
      const forgets = response.some(([name]) => name === `${role}_no_context_takeover`);
      return (forgets ? forgetting : remembering).open(role, response);
    },
  };
}
