// The four parameters of permessage-deflate (RFC 7692 §7.1) and their syntax.

import type { ExtensionParameters } from "../frame/extension.ts";

/** The parameters of an offer or a response, as values. @internal */
export interface DeflateParameters {
  serverNoContextTakeover?: boolean;
  clientNoContextTakeover?: boolean;
  serverMaxWindowBits?: number;
  /** `true` only in an offer: the client lets the server choose. */
  clientMaxWindowBits?: number | true;
}

/** @internal */
export type ParameterSource = "offer" | "response";

const FLAGS = {
  server_no_context_takeover: "serverNoContextTakeover",
  client_no_context_takeover: "clientNoContextTakeover",
} as const;

/** A whole number from 8 to 15 without leading zeros (§7.1.2). */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/**
 * Reads the parameters of a peer. Returns undefined if an offer must be declined or a response is invalid (§7.1): for an
 * unknown or repeated name, or a value that is missing, not allowed or out of range. @internal
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

/** Writes the parameters as in the header field. @internal */
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
