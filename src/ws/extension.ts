// `extension` of ws: reads and writes the header Sec-WebSocket-Extensions.

import { Scanner } from "./scanner.ts";

/** The parameters of one offer, by name. Each has the list of its values, in order; a parameter without a value has `true`. */
export type ParsedParameters = Record<string, (string | true)[]>;

/** The offers in a header, by the name of the extension. Offers of the same name are in their order of preference. */
export type ParsedExtensions = Record<string, ParsedParameters[]>;

/** The value of a parameter: `true` if it has none. */
export type ParameterValue = string | number | boolean;

/** Parameters to write, each with one value or a list of values. */
export type Parameters = Readonly<Record<string, ParameterValue | readonly ParameterValue[]>>;

/**
 * Parses a Sec-WebSocket-Extensions header (RFC 6455 §9.1). The objects have no prototype.
 *
 * @throws SyntaxError if the header is malformed
 */
export function parse(header: string): ParsedExtensions {
  const extensions: ParsedExtensions = Object.create(null);
  const scanner = new Scanner(header);
  for (;;) {
    const name = scanner.token();
    const parameters: ParsedParameters = Object.create(null);
    scanner.skipAfter();
    while (scanner.take(";")) {
      scanner.skip();
      const parameter = scanner.token();
      let value: string | true = true;
      if (scanner.take("=")) value = scanner.sees('"') ? scanner.quoted() : scanner.token();
      (parameters[parameter] ??= []).push(value);
      scanner.skipAfter();
    }
    if (!scanner.done && !scanner.sees(",")) throw scanner.unexpected();
    (extensions[name] ??= []).push(parameters);
    if (!scanner.take(",")) return extensions;
    scanner.skip();
  }
}

/** Writes the header for extensions, each with its parameters or a list of alternatives. */
export function format(extensions: Readonly<Record<string, Parameters | readonly Parameters[]>>): string {
  return Object.entries(extensions)
    .flatMap(([name, offers]) =>
      listOf(offers).map((parameters) => [name, ...Object.entries(parameters).flatMap(formatParameter)].join("; ")),
    )
    .join(", ");
}

function formatParameter([name, values]: [string, Parameters[string]]): string[] {
  return listOf(values).map((value) => (value === true ? name : `${name}=${value}`));
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return isList(value) ? value : [value];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
