/** Packs little-endian numbers and bytes one after another. */
export class Packer {
  #bytes = Buffer.alloc(1 << 20);
  #length = 0;

  #grow(added: number): void {
    if (this.#length + added <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length + added)]);
  }

  u8(value: number): void {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#grow(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  /** Bytes preceded by their length. */
  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

export class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  sized(): Uint8Array {
    const length = this.u32();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }
}
