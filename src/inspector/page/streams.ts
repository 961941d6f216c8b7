// Decodes the streams of a live connection or of files, and adds their frames to the log.

import { type AgreedExtension, type Extension, parseExtensions, ResponseParser } from "wsframe";
import type { Stream } from "../../cli/stream.ts";
import type { Chunk } from "../channel.ts";
import { DEFLATE } from "../deflate.ts";
import { Tap } from "../tap.ts";
import type { FrameLog } from "./log.ts";

/** Returns the extensions that the Sec-WebSocket-Extensions field of a response has agreed on. */
export function agreedOn(value: string): AgreedExtension[] {
  const named = parseExtensions(value)?.find(({ name }) => name === DEFLATE.name);
  return named ? [{ extension: DEFLATE, parameters: named.parameters }] : [];
}

/** The two streams of an open connection. */
export class LiveStreams {
  readonly #log: FrameLog;
  readonly #name: string;
  readonly #onResponse: (text: string) => void;
  readonly #response = new ResponseParser();
  #head = "";
  #taps: { readonly client: Tap; readonly server: Tap } | undefined = undefined;
  #time = 0;
  /** Bytes of the client before the response, which decides how to decode them. */
  #early: Uint8Array[] = [];

  constructor(log: FrameLog, connection: number, onResponse: (text: string) => void) {
    this.#log = log;
    this.#name = `connection ${connection}`;
    this.#onResponse = onResponse;
  }

  push({ sender, time, bytes }: Chunk): void {
    this.#time = time;
    if (this.#taps) this.#taps[sender].push(bytes);
    else if (sender === "server") this.#readHead(bytes);
    else this.#early.push(bytes);
  }

  end(): void {
    this.#taps?.client.end();
    this.#taps?.server.end();
  }

  #readHead(bytes: Uint8Array): void {
    const parsed = this.#response.push(bytes);
    this.#head += new TextDecoder("latin1").decode(bytes.subarray(0, bytes.length - (parsed?.rest.length ?? 0)));
    if (!parsed) return;
    this.#onResponse(this.#head.trimEnd());
    const { response, rest } = parsed;
    if (response.status !== 101) return;
    const agreed = response.headers.find(([name]) => name.toLowerCase() === "sec-websocket-extensions");
    const extensions = agreedOn(agreed?.[1] ?? "");
    const stream = { name: this.#name, base: 0 };
    const tapOn = (sender: "client" | "server"): Tap =>
      new Tap({ sender, extensions, onFrame: (frame) => this.#log.add({ frame, stream, time: this.#time }) });
    this.#taps = { client: tapOn("client"), server: tapOn("server") };
    for (const early of this.#early.splice(0)) this.#taps.client.push(early);
    if (rest.length > 0) this.#taps.server.push(rest);
  }
}

/**
 * Creates a tap for a stream from a file.
 * @param deflate whether the stream is compressed; ignored if there is a response
 * @param response the server's stream of the same connection, if it has a head
 */
export function tapOnFile(log: FrameLog, stream: Stream, deflate: boolean, response: Stream | undefined): Tap {
  const { head, role, file } = stream;
  const decisive = (response ?? stream).head;
  let extensions: readonly (AgreedExtension | Extension)[] = [];
  if (decisive?.sender === "server") extensions = agreedOn(decisive.extensions);
  // An offer alone does not determine the agreed parameters.
  else if (deflate || decisive?.deflate) extensions = [DEFLATE];
  const info = { name: file, base: head?.length ?? 0 };
  return new Tap({
    sender: role === "server" ? "client" : "server",
    extensions,
    onFrame: (frame) => log.add({ frame, stream: info, time: undefined }),
  });
}
