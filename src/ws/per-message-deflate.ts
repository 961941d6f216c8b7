// The class PerMessageDeflate of ws, which compresses pieces of messages without a connection.

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

/** Gets the compressed or inflated piece, or an error. */
export type DeflateCallback = (error: Error | null, data?: Buffer) => void;

/** The end of a sync flush, which is not sent (RFC 7692 §7.2.1). */
const FLUSH = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
/** An empty message, after the end of the flush is removed (§7.2.3.6). */
const EMPTY = Uint8Array.of(0x00);
const FULL_WINDOW = 15;

/** Shared by the whole process, because many zlib calls at once fragment its memory. The first instance sets the limit. */
let limiter: Limiter | undefined;

/**
 * The permessage-deflate of ws: it negotiates, and compresses and inflates piece by piece in the thread pool. Connections of this
 * package do not use it. It is for programs that use it alone, or with Receiver and Sender.
 */
export class PerMessageDeflate {
  /** The name of the extension. */
  static get extensionName(): string {
    return "permessage-deflate";
  }

  /** The negotiated parameters; null before accept(). */
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

  /** The shortest message to compress, in bytes. With context takeover it is 0: every message is compressed. @internal */
  get threshold(): number {
    return this.params?.[`${this.#role}_no_context_takeover`] ? (this.#options.threshold ?? THRESHOLD) : 0;
  }

  /** The negotiated extension, in the form that a Protocol needs. @internal */
  get agreed(): AgreedExtension {
    return { extension: extensionOf(this.#options), parameters: formatParameters(this.params ?? {}) };
  }

  /** The parameters that a client offers. */
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
   * Negotiates with the parameters in the peer's header, as returned by `extension.parse()`. A server accepts the first offer that
   * its options allow; a client checks the response. Returns the negotiated parameters.
   *
   * @throws Error, TypeError for invalid or unacceptable parameters
   */
  accept(configurations: readonly ParsedParameters[]): DeflateParameters {
    const peer = this.#role === "server" ? "client" : "server";
    const all = configurations.map((parameters) => readParameters(parameters, peer));
    this.params = this.#role === "server" ? this.#acceptOffer(all) : this.#acceptResponse(all[0]!);
    return this.params;
  }

  /** Frees the memory of zlib. Calls that are still running end with an error. */
  cleanup(): void {
    const [inflate, deflate] = [this.#inflate, this.#deflate];
    this.#inflate = undefined;
    this.#deflate = undefined;
    inflate?.close(new Error("The inflate stream was closed while data was being processed"));
    deflate?.close(new Error("The deflate stream was closed while data was being processed"));
  }

  /** Compresses a piece of a message; `fin` marks the last piece. Wait for the callback before you pass the next piece. */
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

  /** Inflates a piece of a message; `fin` marks the last piece. Wait for the callback before you pass the next piece. */
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

  /** The negotiated parameters for messages that a role sends. */
  #side(role: "server" | "client"): { windowBits: number; forgets: boolean } {
    const bits = this.params?.[`${role}_max_window_bits`];
    return {
      windowBits: typeof bits === "number" ? bits : FULL_WINDOW,
      forgets: this.params?.[`${role}_no_context_takeover`] ?? false,
    };
  }
}

/** Runs a job when the limiter allows it. The job ends when it calls `done`. */
function limited(callback: DeflateCallback, job: (done: DeflateCallback) => void): void {
  limiter!.add((release) =>
    job((error, data) => {
      release();
      if (error === null) callback(null, data);
      else callback(error);
    }),
  );
}

/** A zlib stream that processes one piece at a time. */
class Pieces<Stream extends DeflateRaw | InflateRaw> {
  readonly stream: Stream;
  readonly #maxLength: number;
  #output: Buffer[] = [];
  #length = 0;
  #callback: DeflateCallback | undefined = undefined;

  /** A maxLength of 0 means no limit. */
  constructor(stream: Stream, maxLength: number) {
    this.stream = stream;
    this.#maxLength = maxLength;
    stream.on("data", (output: Buffer) => this.#collect(output));
    stream.on("error", (error: Error) => this.#end(error));
  }

  /** Whether the stream has ended, after a block with the bit BFINAL. */
  get ended(): boolean {
    return this.stream.readableEnded;
  }

  pass(input: readonly (string | NodeJS.ArrayBufferView)[], flush: number, callback: DeflateCallback): void {
    this.#callback = callback;
    for (const part of input) this.stream.write(part);
    this.stream.flush(flush, () => this.#end(null));
  }

  /** Frees its memory. A piece that is still being processed ends with the error. */
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
