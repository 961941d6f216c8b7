// What a decoder says about the first two bytes of a frame, and what the reference decoder says.

import { FrameDecoder, type FrameHeader, type FrameSink, type Role, WebSocketError } from "../../../src/index.ts";
import { ReferenceDecoder, type ReferenceFrame } from "../../reference/decoder.ts";
import { type RawFrame } from "../../reference/serialize.ts";
import { toRole } from "../../support/wire.ts";

/** The frames before the tested bytes. */
export const STATES: Readonly<Record<string, readonly RawFrame[]>> = {
  "between messages": [],
  "inside a text": [{ opcode: 1, fin: false }],
  "inside a binary message": [{ opcode: 2, fin: false }],
  "inside a message with RSV1": [{ opcode: 1, fin: false, rsv: 4 }],
  "after a Close": [{ opcode: 8 }],
};
export type State = keyof typeof STATES;

export const RSVS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Whether a stream can reach a state. */
export function isPossible(state: State, rsv: number): boolean {
  return STATES[state]!.every((frame) => ((frame.rsv ?? 0) & ~rsv) === 0);
}

export interface Setting {
  readonly role: Role;
  readonly rsv: number;
  readonly state: State;
  /** The options that relax checks. */
  readonly relaxed?: Relaxed;
}

interface Relaxed {
  readonly allowUnmasked?: boolean;
  readonly allowMasked?: boolean;
  readonly allowInvalidClose?: boolean;
}

function headerInShort(fin: boolean, rsv: number, opcode: number, length: number, offset: number): string {
  return `${fin ? "fin " : ""}${rsv} ${opcode} ${length} at ${offset}`;
}

/** Records the calls of a decoder. */
class Notes implements FrameSink {
  seen = "";

  header({ fin, rsv, opcode, payloadLength, payloadOffset }: FrameHeader): void {
    this.seen += headerInShort(fin, rsv, opcode, payloadLength, payloadOffset);
  }

  payload(): void {
    this.seen += " payload";
  }

  end(): void {
    this.seen += " end";
  }
}

/** A decoder in a setting, for any number of streams. */
export class Subject {
  readonly #state: Uint8Array;
  readonly #options: ConstructorParameters<typeof FrameDecoder>[0];

  constructor({ role, rsv, state, relaxed }: Setting, core: "wasm" | "portable") {
    this.#options = { role, rsv, core, ...relaxed };
    const decoder = new FrameDecoder(this.#options);
    decoder.push(toRole(role, ...STATES[state]!), new Notes());
    this.#state = decoder.save();
  }

  /** The verdict of the decoder on these chunks. */
  verdict(...chunks: Uint8Array[]): string {
    const decoder = FrameDecoder.restore(this.#state, this.#options);
    const notes = new Notes();
    try {
      for (const chunk of chunks) decoder.push(chunk, notes);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      return `${notes.seen}${error.code} ${error.byteOffset}`;
    }
    return notes.seen;
  }
}

/** The verdict of the reference decoder on bytes. */
export function expectedVerdict({ role, rsv, state, relaxed }: Setting, bytes: Uint8Array): string {
  const decoder = new ReferenceDecoder({ server: role === "server", rsv, ...relaxed });
  decoder.push(toRole(role, ...STATES[state]!));
  const before = decoder.frames.length;
  decoder.push(bytes);
  const inShort = ({ fin, rsv, opcode, payloadLength, payloadOffset }: ReferenceFrame): string =>
    headerInShort(fin, rsv, opcode, payloadLength, payloadOffset);
  const { error, current } = decoder;
  const whole = decoder.frames.slice(before).map((frame) => `${inShort(frame)} end`);
  return `${whole.join("")}${current ? inShort(current) : ""}${error ? `${error.code} ${error.byteOffset}` : ""}`;
}
