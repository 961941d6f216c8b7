// The four parameters of permessage-deflate (RFC 7692 §7.1) and what they may look like.

import type { ExtensionParameters } from "../frame/extension.ts";

/** Those of an offer or a response, as values. @internal */
export interface DeflateParameters {
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  serverMaxWindowBits?: number;
  /** `true` only in an offer: the client understands the parameter and asks for nothing. */
  clientMaxWindowBits?: number | true;
}

/** @internal */
export type ParameterSource = "offer" | "response";

const FLAGS = {
  server_no_context_takeover: "serverNoContextTakeover",
  client_no_context_takeover: "clientNoContextTakeover",
} as const;

/** §7.1.2: a whole number from 8 to 15, without leading zeros. */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/**
 * The values of what a peer wrote, or undefined where §7.1 has an offer declined or a response failed: for an unknown
 * name, a name that stands twice, a value where none belongs, none where one does, one that is not allowed. @internal
 */
export function parseParameters(
  parameters: ExtensionParameters,
  source: ParameterSource,
): DeflateParameters | undefined {
  const parsed: DeflateParameters = {};
  for (const [name, value] of parameters) {
    if (name === "server_no_context_takeover" || name === "client_no_context_takeover") {
      const key = FLAGS[name];
      if (value !== true || parsed[key] !== undefined) return undefined;
      parsed[key] = true;
    } else if (name === "server_max_window_bits") {
      if (value === true || !WINDOW_BITS.test(value) || parsed.serverMaxWindowBits !== undefined) return undefined;
      parsed.serverMaxWindowBits = Number(value);
    } else if (name === "client_max_window_bits") {
      if (parsed.clientMaxWindowBits !== undefined) return undefined;
      if (value === true) {
        if (source === "response") return undefined;
        parsed.clientMaxWindowBits = true;
      } else {
        if (!WINDOW_BITS.test(value)) return undefined;
        parsed.clientMaxWindowBits = Number(value);
      }
    } else {
      return undefined;
    }
  }
  return parsed;
}

/** As they stand in the header. @internal */
export function formatParameters(parameters: DeflateParameters): ExtensionParameters {
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = parameters;
  const formatted: [name: string, value: string | true][] = [];
  if (serverNoContextTakeover) formatted.push(["server_no_context_takeover", true]);
  if (clientNoContextTakeover) formatted.push(["client_no_context_takeover", true]);
  if (serverMaxWindowBits !== undefined) formatted.push(["server_max_window_bits", String(serverMaxWindowBits)]);
  if (clientMaxWindowBits !== undefined) {
    formatted.push(["client_max_window_bits", clientMaxWindowBits === true || String(clientMaxWindowBits)]);
  }
  return formatted;
}
