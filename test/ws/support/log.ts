// Records the events of a socket as lines of text, so that they can be compared.

import { createHash } from "node:crypto";
import type { Socket } from "./implementations.ts";

/** Shows a value with its type: "Buffer hello", "ArrayBuffer 00ff", "string hello". */
export function show(value: unknown): string {
  if (Buffer.isBuffer(value)) return `Buffer ${bytes(value)}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${bytes(Buffer.from(value))}`;
  if (Array.isArray(value)) return `[${value.map((one) => show(one)).join(", ")}]`;
  if (value instanceof Blob) return `Blob of ${value.size}`;
  if (value instanceof Error) return showError(value);
  return typeof value === "string" ? `string ${value}` : String(value);
}

export function bytes(data: Uint8Array): string {
  if (data.length > 64) return `${data.length} bytes, ${createHash("sha1").update(data).digest("hex").slice(0, 8)}`;
  const text = Buffer.from(data).toString("latin1");
  return /^[ -~]*$/.test(text) ? text : Buffer.from(data).toString("hex");
}

/** The class, code and message of an error, without port numbers. */
export function showError(error: Error & { code?: string }): string {
  const message = error.message.replaceAll(/(127\.0\.0\.1|localhost|::1):\d+/g, "$1:port");
  return `${error.constructor.name}${error.code === undefined ? "" : ` ${error.code}`}: ${message}`;
}

/** Runs `call`, and shows its result or its error. */
export function outcome(call: () => unknown): string {
  try {
    return show(call());
  } catch (error) {
    return `throws ${showError(error as Error)}`;
  }
}

/** Starts a log of a socket's events. */
export function record(socket: Socket): string[] {
  const log: string[] = [];
  socket.on("upgrade", () => log.push("upgrade"));
  socket.on("open", () => log.push("open"));
  socket.on("message", (data, isBinary) => log.push(`message ${show(data)}${isBinary ? " binary" : ""}`));
  socket.on("ping", (data) => log.push(`ping ${show(data)}`));
  socket.on("pong", (data) => log.push(`pong ${show(data)}`));
  socket.on("error", (error) => log.push(`error ${showError(error)}`));
  socket.on("close", (code, reason) => log.push(`close ${code} ${show(reason)}`));
  return log;
}

/** Resolves when `log` has a line that begins with `start`, or `count` of them. */
export async function until(log: readonly string[], start: string, count: number = 1): Promise<void> {
  await reached(
    () => log.filter((line) => line.startsWith(start)).length >= count,
    () => `no ${start} in ${JSON.stringify(log)}`,
  );
}

/** Checks every millisecond until `done` returns true. Throws after `limit` ms. */
export async function reached(done: () => boolean, what: () => string, limit: number = 2000): Promise<void> {
  const end = performance.now() + limit;
  while (!done()) {
    if (performance.now() > end) throw new Error(`Timed out after ${limit} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
