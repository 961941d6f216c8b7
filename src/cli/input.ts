// From the name of a file to its streams.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "./input-error.ts";
import type { Io } from "./io.ts";
import { openStreams, type Source, type Stream, type StreamOptions } from "./stream.ts";

/**
 * Reads a file, `-` for `stdin`, or a directory with client.bin and server.bin.
 * @throws InputError if it cannot be read, or is not a stream from its head on
 */
export async function readStreams(path: string, stdin: Io["stdin"], options: StreamOptions): Promise<Stream[]> {
  return openStreams(await readSources(path, stdin), options);
}

/**
 * The bytes of a file, or with `-` of `stdin`, and its name in messages.
 * @throws InputError if it cannot be read
 */
export async function readInput(
  path: string,
  stdin: Io["stdin"],
): Promise<{ readonly name: string; readonly content: Uint8Array }> {
  if (path === "-") return { name: "standard input", content: await readAll(stdin) };
  return { name: path, content: await orInputError(path, readFile(path)) };
}

async function readSources(path: string, stdin: Io["stdin"]): Promise<Source[]> {
  const read = async (file: string, sender: Source["sender"]): Promise<Source> => {
    const { name, content } = await readInput(file, stdin);
    return { file: name, sender, content };
  };
  if (path === "-") return [await read(path, undefined)];
  if (!(await orInputError(path, stat(path))).isDirectory()) return [await read(path, undefined)];
  const names = await orInputError(path, readdir(path));
  if (!names.includes("client.bin") || !names.includes("server.bin")) {
    throw new InputError(`${path}: a directory without client.bin and server.bin`);
  }
  return [await read(join(path, "client.bin"), "client"), await read(join(path, "server.bin"), "server")];
}

async function readAll(stdin: Io["stdin"]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** The result, or an InputError that says in plain words what went wrong. */
async function orInputError<T>(file: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new InputError(`${file}: no such file`);
    if (code === "EACCES" || code === "EPERM") throw new InputError(`${file}: no permission to read it`);
    throw new InputError(`${file}: ${message}`);
  }
}
