// From the name of a file to its streams.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "./input-error.ts";
import { openStreams, type Source, type Stream, type StreamOptions } from "./stream.ts";

/**
 * Reads a file, `-` for standard input, or a directory with client.bin and server.bin.
 * @throws InputError if it cannot be read, or is not a stream from its head on
 */
export async function readStreams(path: string, options: StreamOptions): Promise<Stream[]> {
  return openStreams(await readSources(path), options);
}

/**
 * The bytes of a file, or with `-` of standard input, and its name in messages.
 * @throws InputError if it cannot be read
 */
export async function readInput(path: string): Promise<{ readonly name: string; readonly content: Uint8Array }> {
  if (path === "-") return { name: "standard input", content: await readStandardInput() };
  return { name: path, content: await orInputError(path, readFile(path)) };
}

async function readSources(path: string): Promise<Source[]> {
  if (path === "-") return [await readSource(path, undefined)];
  if (!(await orInputError(path, stat(path))).isDirectory()) return [await readSource(path, undefined)];
  const names = await orInputError(path, readdir(path));
  if (!names.includes("client.bin") || !names.includes("server.bin")) {
    throw new InputError(`${path}: a directory without client.bin and server.bin`);
  }
  return [await readSource(join(path, "client.bin"), "client"), await readSource(join(path, "server.bin"), "server")];
}

async function readSource(path: string, sender: Source["sender"]): Promise<Source> {
  const { name, content } = await readInput(path);
  return { file: name, sender, content };
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
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
