// The class PerMessageDeflate of ws, which compresses pieces of messages outside of any connection.

import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";
import type { AgreedExtension } from "../index.ts";
import {
  answerOffer,
  type DeflateParameters,
  extensionOf,
  formatParameters,
  type PerMessageDeflateOptions,
  readParameters,
  THRESHOLD,
} from "./deflate-options.ts";
import type { ParsedParameters } from "./extension.ts";
import { Limiter } from "./limiter.ts";

/** Gets what a piece has become, or why it has not. */
export type DeflateCallback = (error: Error | null, data?: Buffer) => void;

/** What a sync flush ends with, which is not sent (RFC 7692 §7.2.1). */
const FLUSH = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
/** What is left of the flush of nothing (§7.2.3.6). */
const EMPTY = Uint8Array.of(0x00);
const FULL_WINDOW = 15;

/** Of the whole process: too many zlib calls at once fragment its memory. The first instance says how many. */
let limiter: Limiter | undefined;

/**
 * permessage-deflate as ws has it: it negotiates, compresses and inflates, piece by piece, in the thread pool. Connections of
 * this package do that on their own; this class is for programs that use it alone, or with Receiver and Sender.
 */
export class PerMessageDeflate {
  /** The name of the extension. */
  static get extensionName(): string {
    return "permessage-deflate";
  }

  /** What has been agreed on; null before accept(). */
  params: DeflateParameters | null = null;
  readonly #options: PerMessageDeflateOptions;
  readonly #role: "server" | "client";
  #deflate: Pieces<DeflateRaw> | undefined = undefined;
  #inflate: Pieces<InflateRaw> | undefined = undefined;

  constructor(options: PerMessageDeflateOptions = {}) {
    this.#options = options;
    this.#role = options.isServer ? "server" : "client";
    limiter ??= new Limiter(options.concurrencyLimit ?? 10);
  }

  /** The least length that is worth compressing, in bytes, or 0: where what was sent is context each message is. @internal */
  get threshold(): number {
    return this.params?.[`${this.#role}_no_context_takeover`] ? (this.#options.threshold ?? THRESHOLD) : 0;
  }

  /** What has been agreed on, for a Protocol. @internal */
  get agreed(): AgreedExtension {
    return { extension: extensionOf(this.#options), parameters: formatParameters(this.params ?? {}) };
  }

  /** Role client: the parameters to offer. */
  offer(): DeflateParameters {
    const { serverMaxWindowBits, clientMaxWindowBits } = this.#options;
    const offer: DeflateParameters = {};
    if (this.#options.serverNoContextTakeover) offer.server_no_context_takeover = true;
    if (this.#options.clientNoContextTakeover) offer.client_no_context_takeover = true;
    if (typeof serverMaxWindowBits === "number") offer.server_max_window_bits = serverMaxWindowBits;
    if (clientMaxWindowBits !== false) {
      offer.client_max_window_bits = typeof clientMaxWindowBits === "number" ? clientMaxWindowBits : true;
    }
    return offer;
  }

  /**
   * What comes of the parameters in the peer's header, as `extension.parse()` returns them: role server, of the first offer that
   * can be accepted; role client, of the response.
   *
   * @throws Error, TypeError if they cannot be accepted
   */
  accept(configurations: readonly ParsedParameters[]): DeflateParameters {
    const peer = this.#role === "server" ? "client" : "server";
    const all = configurations.map((parameters) => readParameters(parameters, peer));
    this.params = this.#role === "server" ? this.#acceptOffer(all) : this.#acceptResponse(all[0]!);
    return this.params;
  }

  /** Frees what zlib holds. What is being compressed or inflated ends with an error. */
  cleanup(): void {
    const [inflate, deflate] = [this.#inflate, this.#deflate];
    this.#inflate = undefined;
    this.#deflate = undefined;
    inflate?.close(new Error("The inflate stream was closed while data was being processed"));
    deflate?.close(new Error("The deflate stream was closed while data was being processed"));
  }

  /** Compresses a piece of a message, of which `fin` is the last. Pieces are to be compressed one after the other. */
  compress(data: string | NodeJS.ArrayBufferView, fin: boolean, callback: DeflateCallback): void {
    limited(callback, (done) => {
      const sent = this.#side(this.#role);
      const pieces = (this.#deflate ??= new Pieces(
        createDeflateRaw({ ...this.#options.zlibDeflateOptions, windowBits: sent.windowBits }),
        0,
      ));
      pieces.pass([data], constants.Z_SYNC_FLUSH, (error, flushed = Buffer.alloc(0)) => {
        if (error !== null) {
          done(error);
          return;
        }
        if (fin && sent.forgets) pieces.stream.reset();
        if (!fin) done(null, flushed);
        else done(null, flushed.length > FLUSH.length ? flushed.subarray(0, -FLUSH.length) : Buffer.from(EMPTY));
      });
    });
  }

  /** Inflates a piece of a message, of which `fin` is the last. Pieces are to be inflated one after the other. */
  decompress(data: NodeJS.ArrayBufferView, fin: boolean, callback: DeflateCallback): void {
    limited(callback, (done) => {
      const received = this.#side(this.#role === "server" ? "client" : "server");
      const { maxPayload = 0, zlibInflateOptions } = this.#options;
      const pieces = (this.#inflate ??= new Pieces(
        createInflateRaw({ ...zlibInflateOptions, windowBits: received.windowBits }),
        maxPayload,
      ));
      pieces.pass(fin ? [data, FLUSH] : [data], constants.Z_SYNC_FLUSH, (error, inflated) => {
        if (error !== null || pieces.ended) {
          pieces.close();
          if (this.#inflate === pieces) this.#inflate = undefined;
        } else if (fin && received.forgets) {
          pieces.stream.reset();
        }
        done(error, inflated);
      });
    });
  }

  #acceptOffer(offers: readonly DeflateParameters[]): DeflateParameters {
    for (const offer of offers) {
      const answer = answerOffer(offer, this.#options);
      if (answer !== undefined) return answer;
    }
    throw new Error("None of the extension offers can be accepted");
  }

  #acceptResponse(response: DeflateParameters): DeflateParameters {
    const { clientNoContextTakeover, clientMaxWindowBits } = this.#options;
    if (clientNoContextTakeover === false && response.client_no_context_takeover) {
      throw new Error('Unexpected parameter "client_no_context_takeover"');
    }
    const most = typeof clientMaxWindowBits === "number" ? clientMaxWindowBits : undefined;
    const bits = response.client_max_window_bits;
    if (bits === undefined) return most === undefined ? response : { ...response, client_max_window_bits: most };
    if (clientMaxWindowBits === false || (most !== undefined && Number(bits) > most)) {
      throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
    }
    return response;
  }

  /** What was agreed on for what a role sends. */
  #side(role: "server" | "client"): { windowBits: number; forgets: boolean } {
    const bits = this.params?.[`${role}_max_window_bits`];
    return {
      windowBits: typeof bits === "number" ? bits : FULL_WINDOW,
      forgets: this.params?.[`${role}_no_context_takeover`] ?? false,
    };
  }
}

/** Runs a job when it is its turn, and ends its turn with its callback. */
function limited(callback: DeflateCallback, job: (done: DeflateCallback) => void): void {
  limiter!.add((release) =>
    job((error, data) => {
      release();
      if (error === null) callback(null, data);
      else callback(error);
    }),
  );
}

/** A zlib stream that takes one piece at a time. */
class Pieces<Stream extends DeflateRaw | InflateRaw> {
  readonly stream: Stream;
  readonly #maxLength: number;
  #output: Buffer[] = [];
  #length = 0;
  #callback: DeflateCallback | undefined = undefined;

  /** A maxLength of 0 is no limit. */
  constructor(stream: Stream, maxLength: number) {
    this.stream = stream;
    this.#maxLength = maxLength;
    stream.on("data", (output: Buffer) => this.#collect(output));
    stream.on("error", (error: Error) => this.#end(error));
  }

  /** Whether the stream is at its end: a block said that it was the last. */
  get ended(): boolean {
    return this.stream.readableEnded;
  }

  pass(input: readonly (string | NodeJS.ArrayBufferView)[], flush: number, callback: DeflateCallback): void {
    this.#callback = callback;
    for (const part of input) this.stream.write(part);
    this.stream.flush(flush, () => this.#end(null));
  }

  /** Frees its memory. The piece that is being passed, if there is one, ends with the error. */
  close(error?: Error): void {
    this.stream.close();
    if (error !== undefined) this.#end(error);
  }

  #collect(output: Buffer): void {
    if (this.#callback === undefined) return;
    this.#length += output.length;
    if (this.#maxLength <= 0 || this.#length <= this.#maxLength) {
      this.#output.push(output);
      return;
    }
    const error = new RangeError("Max payload size exceeded");
    this.#end(Object.assign(error, { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" }));
    this.stream.close();
  }

  #end(error: Error | null): void {
    const callback = this.#callback;
    if (callback === undefined) return;
    const output = Buffer.concat(this.#output, this.#length);
    this.#callback = undefined;
    this.#output = [];
    this.#length = 0;
    callback(error, output);
  }
}
