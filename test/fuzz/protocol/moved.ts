// A FrameDecoder that receives the bytes of a connection and is saved and restored between calls.

import { FrameDecoder, type FrameSink } from "../../../src/index.ts";
import { ReferenceDecoder, type ReferenceOptions } from "../../reference/decoder.ts";
import type { Settings } from "./case.ts";

interface Seen {
  readonly opcode: number;
  readonly fin: boolean;
  payload: Buffer;
}

export class MovedDecoder {
  private readonly settings: ConstructorParameters<typeof FrameDecoder>[0];
  private readonly reference: ReferenceDecoder;
  private decoder: FrameDecoder;
  private current: Seen | undefined;
  private readonly seen: Seen[] = [];
  private readonly sink: FrameSink = {
    header: ({ opcode, fin }) => (this.current = { opcode, fin, payload: Buffer.alloc(0) }),
    payload: (window, start, end) => {
      const { current } = this;
      current!.payload = Buffer.concat([current!.payload, window.subarray(start, end)]);
    },
    end: () => {
      this.seen.push(this.current!);
      this.current = undefined;
    },
  };

  constructor({ role, core }: Settings, options: ReferenceOptions) {
    const { server: _, ...same } = options;
    this.settings = { role, core, ...same };
    this.reference = new ReferenceDecoder(options);
    this.decoder = new FrameDecoder(this.settings);
  }

  push(bytes: Uint8Array): string | undefined {
    this.reference.push(bytes);
    let code: string | undefined;
    try {
      this.decoder.push(bytes, this.sink);
    } catch (error) {
      code = (error as { code?: string }).code ?? String(error);
    }
    const wanted = this.reference.error?.code;
    if (code !== wanted) return `decoder: ${code}, not ${wanted}`;
    const expected = this.reference.frames.splice(0);
    const seen = this.seen.splice(0);
    if (seen.length !== expected.length) return `decoder: ${seen.length} frames, not ${expected.length}`;
    for (const [i, { opcode, fin, payload }] of expected.entries()) {
      const one = seen[i]!;
      const same = one.opcode === opcode && one.fin === fin && Buffer.compare(one.payload, Buffer.from(payload)) === 0;
      if (!same) return `decoder: ${JSON.stringify(one)}, not ${JSON.stringify({ opcode, fin, payload })}`;
    }
    return undefined;
  }

  /** Saves the decoder, and continues in a new one. */
  move(): void {
    this.decoder = FrameDecoder.restore(this.decoder.save(), this.settings);
  }
}
