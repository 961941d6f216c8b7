// The user's own messages for `wsframe load`, from the command line and from files.

import { extname } from "node:path";
import type { LoadOptions } from "wsframe/load";
import { InputError } from "./input-error.ts";
import { readInput } from "./input.ts";
import type { Io } from "./io.ts";
import type { LoadCommand } from "./load-options.ts";
import { plainText } from "./preview.ts";

/** How much of a JSON.parse() message is shown, in columns. It may quote the file. */
const REASON_WIDTH = 120;

/**
 * Returns the messages from the command line, then those from the files. Undefined if none are given.
 * @throws InputError if a file cannot be read, or has no messages
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
 * Returns the messages in a file. A .json file holds an array: strings are used as they are, other elements as JSON. In any
 * other file, each line that is not empty is a message.
 * @throws InputError
 */
export function parseMessages(file: string, content: Uint8Array): string[] {
  const messages = extname(file).toLowerCase() === ".json" ? elementsOf(file, content) : linesOf(file, content);
  if (messages.length === 0) throw new InputError(`${file}: the file has no messages`);
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
    throw new InputError(`${file}: the file is not valid JSON: ${plainText((error as Error).message, REASON_WIDTH)}`);
  }
  if (!Array.isArray(value)) throw new InputError(`${file}: the JSON must be an array of messages`);
  return value.map((element) => (typeof element === "string" ? element : JSON.stringify(element)));
}

/** Decodes UTF-8, without the byte order mark. */
function textOf(file: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    throw new InputError(`${file}: the file is not UTF-8`);
  }
}
