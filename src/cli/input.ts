// Reads input files.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "./input-error.ts";
import type { Io } from "./io.ts";
import { openStreams, type Source, type Stream, type StreamOptions } from "./stream.ts";

/**
 * Reads a file, `-` for `stdin`, or a directory with client.bin and server.bin.
 * @throws InputError if it cannot be read, or does not start like a stream
 */
export async function readStreams(path: string, stdin: Io["stdin"], options: StreamOptions): Promise<Stream[]> {
  return openStreams(await readSources(path, stdin), options);
}

/**
 * Reads a file, or `stdin` if the path is `-`. Returns its bytes, and its name for messages.
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
    throw new InputError(`${path}: the directory must contain client.bin and server.bin`);
  }
  return [await read(join(path, "client.bin"), "client"), await read(join(path, "server.bin"), "server")];
}

async function readAll(stdin: Io["stdin"]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Waits for a result, and turns system errors into an InputError in plain words. */
async function orInputError<T>(file: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new InputError(`${file}: no such file`);
    if (code === "EACCES" || code === "EPERM") throw new InputError(`${file}: no permission to read the file`);
    throw new InputError(`${file}: ${message}`);
  }
}
