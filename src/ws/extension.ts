// `extension` of ws: Sec-WebSocket-Extensions as objects.

import { Scanner } from "./scanner.ts";

/** The parameters of one offer by name. Each has all its values in their order: `true` for one without a value. */
export type ParsedParameters = Record<string, (string | true)[]>;

/** The offers of a header by the name of the extension, those of one name in their order of preference. */
export type ParsedExtensions = Record<string, ParsedParameters[]>;

/** A parameter's value: `true` for none. */
export type ParameterValue = string | number | boolean;

/** Parameters to write: each with a value, or several. */
export type Parameters = Readonly<Record<string, ParameterValue | readonly ParameterValue[]>>;

/**
 * What a Sec-WebSocket-Extensions header says (RFC 6455 §9.1). The objects have no prototype.
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

/** The header for extensions, each with its parameters or a list of alternatives. */
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
