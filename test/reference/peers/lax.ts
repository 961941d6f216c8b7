// The reference decoder with the laxness of another decoder. If the table is complete, it finds exactly what that
// decoder finds.

import { ReferenceDecoder, type ReferenceFrame, type ReferenceOptions, type Rule, type Stage } from "../decoder.ts";
import { type Found, FrameEvents, type Input } from "./peer.ts";

/** How a decoder treats a broken rule: when it fails, if ever. */
export interface Treatment {
  readonly when: Stage | "never";
  /** The close code that the decoder uses instead of the one in RFC 6455 §7.4.1. */
  readonly closeCode?: number | undefined;
  /** Frames to which the rule does not apply. */
  readonly except?: ((frame: ReferenceFrame) => boolean) | undefined;
}

export interface Laxness {
  readonly rules: ReadonlyMap<Rule, Treatment>;
  /** The rules that the decoder checks before the others, if it checks several at the same point. */
  readonly first?: readonly Rule[] | undefined;
  /** The longest payload that the decoder accepts in a frame. */
  readonly limit?: number | undefined;
  /** Valid frames that the decoder refuses at their end, with 1002. */
  readonly refuses?: ((frame: ReferenceFrame, inMessage: boolean) => boolean) | undefined;
}

const STAGES: readonly Stage[] = ["byte", "two bytes", "length", "payload", "frame", "text", "message"];

/** The stage in which a decoder that checks each byte detects a broken rule. */
const SEEN: Readonly<Record<Rule, Stage>> = {
  rsv: "byte",
  "rsv-misplaced": "byte",
  "continuation-of-none": "byte",
  "message-in-message": "byte",
  "reserved-opcode": "byte",
  "control-fin": "byte",
  "control-length-bits": "two bytes",
  "close-length": "two bytes",
  "mask-missing": "two bytes",
  "mask-present": "two bytes",
  "length-top-bit": "length",
  "length-minimal": "length",
  "control-length": "length",
  "length-unsafe": "length",
  "length-limit": "length",
  "close-code": "payload",
  "close-utf8": "payload",
  utf8: "payload",
  "utf8-surrogate": "payload",
};

const CLOSE_CODES: Partial<Record<Rule, number>> = {
  "length-unsafe": 1009,
  "length-limit": 1009,
  "close-utf8": 1007,
  utf8: 1007,
  "utf8-surrogate": 1007,
};

interface Fault {
  /** The error; undefined for valid input. */
  readonly rule: Rule | undefined;
  readonly code: string;
  readonly byteOffset: number;
  readonly due: Stage;
  readonly closeCode: number;
}

export class LaxDecoder extends ReferenceDecoder {
  /** The broken rule, once there is an error. */
  failure: (Fault & { readonly after: number }) | undefined;
  readonly #laxness: Laxness;
  #faults: Fault[] = [];

  constructor(options: ReferenceOptions, laxness: Laxness) {
    super({ ...options, maxFrame: laxness.limit ?? Infinity });
    this.#laxness = laxness;
  }

  protected override broken(rule: Rule, code: string, byteOffset = this.offset): void {
    const treatment = this.#laxness.rules.get(rule) ?? { when: "byte" };
    if (treatment.when === "never" || (this.current && treatment.except?.(this.current))) return;
    const closeCode = treatment.closeCode ?? CLOSE_CODES[rule] ?? 1002;
    this.#faults.push({ rule, code, byteOffset, due: treatment.when, closeCode });
    if (treatment.when === "byte") this.#fail(SEEN[rule]);
  }

  protected override reached(stage: Stage): void {
    const inMessage = this.messageOpcode !== undefined;
    if (stage === "frame" && this.#laxness.refuses?.(this.current!, inMessage)) {
      this.#faults.push({ rule: undefined, code: "", byteOffset: this.offset, due: stage, closeCode: 1002 });
    }
    const isDue = ({ due }: Fault): boolean => due === stage || (due === "text" && stage === "message");
    if (this.#faults.some(isDue)) this.#fail(stage);
  }

  /** Fails with the first fault that is due. */
  #fail(stage: Stage): void {
    const due = this.#faults.filter((fault) => STAGES.indexOf(fault.due) <= STAGES.indexOf(stage));
    const fault = due.find(({ rule }) => rule && this.#laxness.first?.includes(rule)) ?? due[0]!;
    this.failure = { ...fault, after: this.offset + 1 };
    super.broken(fault.rule ?? "close-code", fault.code, fault.byteOffset);
  }
}

function eventsOf(decoder: ReferenceDecoder): FrameEvents {
  const found = new FrameEvents();
  for (const { opcode, fin, payload } of decoder.frames) found.add(opcode, fin, Uint8Array.from(payload));
  return found;
}

/** The result of a decoder with this laxness. */
export function predict({ role, chunks }: Input, laxness: Laxness): Found & { readonly rule?: Rule | undefined } {
  const decoder = new LaxDecoder({ server: role === "server" }, laxness);
  let after = 0;
  for (const chunk of chunks) {
    decoder.push(chunk);
    after += chunk.length;
    if (decoder.error) break;
  }
  const { events } = eventsOf(decoder);
  if (!decoder.failure) return { events };
  const { closeCode, code, rule } = decoder.failure;
  return { events, error: { closeCode, after, code }, rule };
}
