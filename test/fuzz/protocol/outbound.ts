// Compares the bytes that a connection writes with the calls that sent them.

import { ReferenceDecoder, type ReferenceFrame } from "../../reference/decoder.ts";
import type { ReferencePart, ReferenceSent } from "../../reference/connection.ts";
import type { ReferenceInflater } from "../../reference/inflate.ts";

export interface OutboundOptions {
  /** Whether the writer is a server. */
  readonly server: boolean;
  /** The inflater, if compression was negotiated. */
  readonly inflater: ReferenceInflater | undefined;
  /** The minimum length of a compressed message, unless a call overrides it. */
  readonly threshold: number;
}

interface Message {
  readonly text: boolean;
  readonly compressed: boolean;
  /** All parts so far. */
  expected: Uint8Array;
  /**
   * All frames so far if the message is compressed. Otherwise, `seen` counts the bytes of the parts that have been
   * written.
   */
  compressedBytes: Uint8Array;
  seen: number;
  /** Whether the last part has been sent. */
  last: boolean;
  frameLimit: number;
}

export class Outbound {
  private readonly options: OutboundOptions;
  private readonly decoder: ReferenceDecoder;
  private readonly sent: ReferenceSent[];
  private message: Message | undefined;
  private written = 0;
  /** The position in the output where the connection's Close ends. */
  private closedAt: number | undefined;

  /** @param sent what the model has sent, from which seen parts are removed */
  constructor(options: OutboundOptions, sent: ReferenceSent[]) {
    this.options = options;
    this.sent = sent;
    this.decoder = new ReferenceDecoder({
      server: !options.server,
      maxFrame: Infinity,
      rsv: options.inflater === undefined ? 0 : 4,
    });
  }

  /** The next bytes written. @param reason the reason of the error that failed the connection */
  write(bytes: Uint8Array, reason: string): string | undefined {
    this.decoder.push(bytes);
    this.written += bytes.length;
    for (const frame of this.decoder.frames.splice(0)) {
      const wrong = frame.opcode >= 8 ? this.control(frame, reason) : this.data(frame);
      if (wrong !== undefined) return `wrote a frame with the opcode ${frame.opcode}: ${wrong}`;
    }
    const { error } = this.decoder;
    if (this.closedAt !== undefined && this.written > this.closedAt) return "wrote something after its Close";
    return error === undefined ? undefined : `wrote an invalid frame: ${error.code}`;
  }

  /** Call it when take() has returned all output. */
  complete(): string | undefined {
    const [next] = this.sent;
    if (next !== undefined) return `did not write ${JSON.stringify(next).slice(0, 300)}`;
    if (this.decoder.current !== undefined) return "wrote half a frame";
    // RFC 7692 §7.2.1: a peer can use each fragment as soon as it arrives.
    return this.message === undefined ? undefined : this.partsAreThere(this.message);
  }

  private control(frame: ReferenceFrame, reason: string): string | undefined {
    const { message } = this;
    const payload = Buffer.from(frame.payload);
    if (frame.opcode === 8) this.closedAt = frame.payloadOffset + frame.payloadLength;
    if (message !== undefined) {
      this.addParts(message);
      const wrong = this.partsAreThere(message);
      if (wrong !== undefined) return wrong;
    }
    const expected = this.sent.shift();
    if (expected?.type === "failure") {
      if (frame.opcode !== 8 || payload.length < 2) return "not the error";
      if (expected.sure && payload.readUInt16BE(0) !== expected.code) return "not the code of the error";
      const said = payload.subarray(2).toString();
      return reason.startsWith(said) && (said !== "" || reason === "")
        ? undefined
        : `the reason ${said}, not ${reason}`;
    }
    if (expected?.type !== "control") return `not ${JSON.stringify(expected).slice(0, 300)}`;
    if (expected.opcode !== frame.opcode) return `not the opcode ${expected.opcode}`;
    if (Buffer.compare(expected.payload, payload) !== 0) return `${show(payload)}, not ${show(expected.payload)}`;
    return undefined;
  }

  private data(frame: ReferenceFrame): string | undefined {
    const payload = Uint8Array.from(frame.payload);
    let { message } = this;
    if (message === undefined) {
      const [part] = this.sent;
      if (part?.type !== "part" || !part.first) return `not ${JSON.stringify(part)}`;
      const compressed = frame.rsv === 4;
      const wrong = this.mayBeCompressed(part, compressed);
      if (wrong !== undefined) return wrong;
      message = this.message = {
        text: part.text,
        compressed,
        expected: new Uint8Array(0),
        compressedBytes: new Uint8Array(0),
        seen: 0,
        last: false,
        frameLimit: 0,
      };
      if (frame.opcode !== (part.text ? 1 : 2)) return "the opcode of the other kind";
    } else if (frame.opcode !== 0) {
      return "not a continuation";
    }
    return message.compressed ? this.compressed(message, frame, payload) : this.plain(message, frame, payload);
  }

  private mayBeCompressed({ compress, payload, last }: ReferencePart, compressed: boolean): string | undefined {
    const { inflater, threshold } = this.options;
    if (inflater === undefined) return undefined;
    if (compress === false || (compress === undefined && last && payload.length < threshold)) {
      return compressed ? "compressed, although compression was turned off" : undefined;
    }
    return compress === true && !compressed ? "not compressed, although compression was requested" : undefined;
  }

  /** Each part is one frame, or several if it exceeds the limit. */
  private plain(message: Message, { fin }: ReferenceFrame, payload: Uint8Array): string | undefined {
    const [part] = this.sent;
    if (part?.type !== "part") return `not ${JSON.stringify(part)}`;
    const wanted = part.payload.subarray(message.seen, Math.min(part.payload.length, message.seen + part.fragmentSize));
    if (Buffer.compare(wanted, payload) !== 0) return `${show(payload)}, not ${show(wanted)}`;
    message.seen += payload.length;
    const ends = message.seen === part.payload.length;
    if (fin !== (ends && part.last)) return fin ? "the end of the message" : "not the end of the message";
    if (ends) {
      this.sent.shift();
      message.seen = 0;
      if (part.last) this.message = undefined;
    }
    return undefined;
  }

  private compressed(message: Message, { fin }: ReferenceFrame, payload: Uint8Array): string | undefined {
    this.addParts(message);
    if (payload.length > message.frameLimit) return `${payload.length} bytes in a frame, not ${message.frameLimit}`;
    message.compressedBytes = Buffer.concat([message.compressedBytes, payload]);
    if (!fin) return undefined;
    if (!message.last) return "the end of the message";
    this.message = undefined;
    const { data, fault } = this.options.inflater!.whole(message.compressedBytes);
    if (fault !== undefined) return `a message that cannot be inflated: ${fault}`;
    if (Buffer.compare(data, message.expected) !== 0) return `inflated, ${show(data)}, not ${show(message.expected)}`;
    this.options.inflater!.remember(data);
    return undefined;
  }

  private addParts(message: Message): void {
    while (message.compressed && !message.last) {
      const [part] = this.sent;
      if (part?.type !== "part") return;
      this.sent.shift();
      message.expected = Buffer.concat([message.expected, part.payload]);
      message.last = part.last;
      message.frameLimit = Math.max(message.frameLimit, part.fragmentSize);
    }
  }

  private partsAreThere(message: Message): string | undefined {
    if (!message.compressed) return message.seen === 0 ? undefined : "within a piece";
    if (message.last) return "wrote half a message";
    const { data, fault } = this.options.inflater!.sofar(message.compressedBytes);
    if (fault !== undefined || Buffer.compare(data, message.expected) !== 0) {
      return `the pieces ${show(message.expected)} gave ${show(data)}`;
    }
    return undefined;
  }
}

function show(bytes: Uint8Array): string {
  return `${JSON.stringify(Buffer.from(bytes.subarray(0, 100)).toString("latin1"))} (${bytes.length} bytes)`;
}
