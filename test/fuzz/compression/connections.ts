// Fuzzes the public interface: both ends of many connections, with permessage-deflate in every configuration. The
// received messages must equal the sent ones.

import zlib from "node:zlib";
import {
  type AgreedExtension,
  type MessageSink,
  perMessageDeflate,
  type PerMessageDeflateOptions,
  PreparedMessage,
  Protocol,
  type ProtocolOptions,
  type WebSocketError,
  zlibCodec,
} from "../../../src/index.ts";
import { Random } from "../../support/random.ts";
import { makeData, makeLength } from "../deflate/data.ts";

/** Even without the directions that use a codec or no compression, more than the core has slots. */
const CONNECTIONS = 90;
const LONGEST = 200_000;
const NOT_ASCII = ["größe", "漢字", "😀", "é"];

type Data = string | Uint8Array<ArrayBuffer>;

/** A message as a string for comparison. Text and bytes differ. */
function record(text: boolean, data: Uint8Array): string {
  return `${text ? "text" : "binary"} ${Buffer.from(data).toString("latin1")}`;
}

class Sink implements MessageSink {
  readonly messages: string[] = [];
  #text = false;
  #pieces: Uint8Array[] = [];

  text(data: string): void {
    this.messages.push(record(true, Buffer.from(data)));
  }

  binary(data: Uint8Array): void {
    this.messages.push(record(false, data));
  }

  start(kind: "text" | "binary"): void {
    this.#text = kind === "text";
    this.#pieces = [];
  }

  piece(data: string | Uint8Array): void {
    this.#pieces.push(Buffer.from(data as string));
  }

  end(): void {
    this.messages.push(record(this.#text, Buffer.concat(this.#pieces)));
  }

  ping(): void {}

  pong(): void {}

  error(error: WebSocketError): void {
    throw error;
  }

  close(): void {
    throw new Error("The connection was closed");
  }
}

/** One direction of a connection. */
class Direction {
  readonly sent: string[] = [];
  readonly #sink = new Sink();
  readonly #random: Random;
  readonly #sender: Protocol;
  readonly #receiver: Protocol;
  #wire: Uint8Array = new Uint8Array(0);
  /** The parts sent so far of a message that is sent in pieces. */
  #open: { readonly text: boolean; readonly pieces: Uint8Array[] } | undefined;

  constructor(random: Random, sender: Protocol, receiver: Protocol) {
    this.#random = random;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  #text(length: number): string {
    const random = this.#random;
    const ascii = Buffer.from(makeData(random, length).map((byte) => byte & 127)).toString();
    return random.chance(0.3) ? random.pick(NOT_ASCII) + ascii + random.pick(NOT_ASCII) : ascii;
  }

  #data(): Data {
    const random = this.#random;
    const length = makeLength(random, LONGEST);
    return random.chance(0.5) ? this.#text(length) : new Uint8Array(makeData(random, length));
  }

  send(prepared: readonly PreparedData[]): void {
    const random = this.#random;
    const compress = random.pick([undefined, undefined, true, true, false] as const);
    if (this.#open === undefined && random.chance(0.1)) {
      const { message, data } = random.pick(prepared);
      this.#sender.send(message, compress === undefined ? {} : { compress });
      this.sent.push(record(typeof data === "string", Buffer.from(data as string)));
      return;
    }
    if (random.chance(0.1)) this.#sender.ping();
    const data = this.#data();
    const bytes = Buffer.from(data as string);
    const fin = random.chance(this.#open === undefined ? 0.75 : 0.3);
    const fragmentSize = random.chance(0.1) ? random.integer(1, 2000) : undefined;
    const text = this.#open?.text ?? typeof data === "string";
    // The bytes of a text message must be UTF-8.
    const part = text && typeof data !== "string" ? bytes.toString("latin1") : data;
    this.#sender.send(part, {
      fin,
      binary: !text,
      ...(compress !== undefined && this.#open === undefined && { compress }),
      ...(fragmentSize !== undefined && { fragmentSize }),
    });
    this.#open ??= { text, pieces: [] };
    this.#open.pieces.push(Buffer.from(part as string));
    if (fin) this.#finish();
  }

  #finish(): void {
    if (this.#open !== undefined) this.sent.push(record(this.#open.text, Buffer.concat(this.#open.pieces)));
    this.#open = undefined;
  }

  release(): void {
    this.#sender.release();
  }

  /** Delivers some of the pending bytes. */
  deliver(): void {
    const random = this.#random;
    this.#wire = Buffer.concat([this.#wire, ...this.#sender.take()]);
    const length = Math.min(this.#wire.length, random.integer(0, random.pick([1, 30, 1000, 5000, 300_000])));
    this.#push(new Uint8Array(this.#wire.subarray(0, length)));
    this.#wire = this.#wire.subarray(length);
    if (random.chance(0.5)) this.#resume();
  }

  #push(chunk: Uint8Array<ArrayBuffer>): void {
    const receiver = this.#receiver;
    if (this.#random.chance(0.3)) {
      for (let at = 0; at < chunk.length;) {
        const room = receiver.reserve();
        const part = chunk.subarray(at, at + room.length);
        room.set(part);
        receiver.commit(part.length, this.#sink);
        at += part.length;
      }
      return;
    }
    receiver.push(chunk, this.#sink);
    // The chunk belongs to its owner again, which may overwrite it.
    chunk.fill(0xaa);
  }

  #resume(): void {
    while (this.#receiver.unfinished) this.#receiver.resume(this.#sink);
  }

  /** Delivers everything and compares the messages. */
  settle(): string | undefined {
    if (this.#open !== undefined) this.#sender.send("", { binary: !this.#open.text });
    this.#finish();
    this.#push(Buffer.concat([this.#wire, ...this.#sender.take()]) as Uint8Array<ArrayBuffer>);
    this.#resume();
    const { messages } = this.#sink;
    const at = this.sent.findIndex((message, i) => message !== messages[i]);
    if (at >= 0)
      return `message ${at} of ${this.sent.length}: sent ${brief(this.sent[at])}, arrived ${brief(messages[at])}`;
    return messages.length === this.sent.length ? undefined : `${messages.length - this.sent.length} messages too many`;
  }
}

function brief(message: string | undefined): string {
  return message === undefined ? "nothing" : `${message.length} ${JSON.stringify(message.slice(0, 60))}`;
}

interface PreparedData {
  readonly message: PreparedMessage;
  readonly data: Data;
}

function deflateOptions(random: Random): PerMessageDeflateOptions {
  return {
    ...(random.chance(0.25) && { codec: zlibCodec(zlib) }),
    ...(random.chance(0.2) && { serverNoContextTakeover: true }),
    ...(random.chance(0.2) && { clientNoContextTakeover: true }),
    ...(random.chance(0.3) && { serverMaxWindowBits: random.integer(8, 15) }),
    ...(random.chance(0.3) && { clientMaxWindowBits: random.integer(8, 15) }),
    ...(random.chance(0.5) && { level: random.integer(-1, 9) }),
    ...(random.chance(0.3) && { history: random.pick([0, 1, 100, 256, 1000, 4096, 10_000, 32_768, 100_000]) }),
    ...(random.chance(0.5) && { threshold: random.pick([0, 0, 1, 100, 3000]) }),
    ...(random.chance(0.2) && { contextBudget: random.pick([0, 5000, 100_000, 1_000_000]) }),
    fallback: random.chance(0.5),
    maxInflateRatio: Infinity,
  };
}

function agree(random: Random): Record<"client" | "server", AgreedExtension> | undefined {
  const client = perMessageDeflate(deflateOptions(random));
  const server = perMessageDeflate(deflateOptions(random));
  for (const offer of client.offer()) {
    const parameters = server.accept(offer);
    if (parameters === undefined || !client.confirm(parameters)) continue;
    return { client: { extension: client, parameters }, server: { extension: server, parameters } };
  }
  return undefined;
}

function protocolOptions(random: Random): Omit<ProtocolOptions, "role"> {
  return {
    ...(random.chance(0.4) && { fragments: true }),
    ...(random.chance(0.2) && { fragmentSize: random.integer(1, 3000) }),
    ...(random.chance(0.4) && { sliceSize: random.pick([1, 100, 5000, 60_000]) }),
    ...(random.chance(0.3) && { core: "portable" as const }),
  };
}

function open(random: Random): Direction[] {
  const agreed = agree(random);
  if (agreed === undefined) return open(random);
  const client = new Protocol({ ...protocolOptions(random), role: "client", extensions: [agreed.client] });
  const server = new Protocol({ ...protocolOptions(random), role: "server", extensions: [agreed.server] });
  return [new Direction(random, client, server), new Direction(random, server, client)];
}

/** Runs the connections of a seed. @returns the number of messages received @throws Error with the finding */
export function runConnections(seed: number, { steps }: { readonly steps: number }): number {
  const random = new Random(seed);
  const directions = Array.from({ length: CONNECTIONS }, () => open(random)).flat();
  const prepared = Array.from({ length: 4 }, (_, i): PreparedData => {
    const data = i % 2 === 0 ? "prepared ".repeat(random.integer(1, 300)) : new Uint8Array(makeData(random, 2000));
    return { data, message: new PreparedMessage(data) };
  });
  for (let step = 0; step < steps; step++) {
    // Alternates between a few busy connections and all in turn, so that connections that lost their slot in the core
    // return.
    const turn = (step >> 8) % 2 === 0 ? random.next() * random.next() : random.next();
    const direction = directions[Math.floor(turn * directions.length)]!;
    const roll = random.next();
    if (roll < 0.4) direction.send(prepared);
    else if (roll < 0.98) direction.deliver();
    else direction.release();
  }
  let messages = 0;
  for (const [i, direction] of directions.entries()) {
    const what = direction.settle();
    if (what !== undefined)
      throw new Error(`connection ${i >> 1}, ${i & 1 ? "from the server" : "from the client"}: ${what}`);
    messages += direction.sent.length;
  }
  return messages;
}
