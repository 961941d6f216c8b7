// The messages that `wsframe load` is to send, from its command line and from files.

import { extname } from "node:path";
import type { LoadOptions } from "wsframe/load";
import { InputError } from "./input-error.ts";
import { readInput } from "./input.ts";
import type { Io } from "./io.ts";
import type { LoadCommand } from "./load-options.ts";
import { plainText } from "./preview.ts";

/** How much is shown of what JSON.parse() says, which may quote the file, in columns. */
const REASON_WIDTH = 120;

/**
 * All messages of the command line, then those of the files. Undefined if none were asked for.
 * @throws InputError for a file that cannot be read, or has no messages
 */
export async function readMessages(
  { options, messageFiles }: LoadCommand,
  stdin: Io["stdin"],
): Promise<LoadOptions["messages"]> {
  const messages = [...(options.messages ?? [])];
  for (const file of messageFiles) {
    const { name, content } = await readInput(file, stdin);
    for (const message of parseMessages(name, content)) messages.push(message);
  }
  return messages.length === 0 ? undefined : messages;
}

/**
 * The messages of a file: of one that ends in .json the elements of its array, strings as they are and others as JSON; of any
 * other its lines, without those that are empty.
 * @throws InputError
 */
export function parseMessages(file: string, content: Uint8Array): string[] {
  const messages = extname(file).toLowerCase() === ".json" ? elementsOf(file, content) : linesOf(file, content);
  if (messages.length === 0) throw new InputError(`${file}: no messages`);
  return messages;
}

function linesOf(file: string, content: Uint8Array): string[] {
  return textOf(file, content)
    .split(/\r?\n/)
    .filter((line) => line !== "");
}

function elementsOf(file: string, content: Uint8Array): string[] {
  const text = textOf(file, content);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${file}: not JSON: ${plainText((error as Error).message, REASON_WIDTH)}`);
  }
  if (!Array.isArray(value)) throw new InputError(`${file}: not an array of messages`);
  return value.map((element) => (typeof element === "string" ? element : JSON.stringify(element)));
}

/** A byte order mark is no part of the first message. */
function textOf(file: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    throw new InputError(`${file}: not UTF-8`);
  }
}
