import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { acceptFor, isKey, randomKey } from "../../src/handshake/key.ts";
import { sha1 } from "../../src/handshake/sha1.ts";
import { ACCEPT, KEY } from "./support.ts";

test("computes the SHA-1 of node:crypto, for every length up to 200 bytes and some longer ones", () => {
  for (const length of [...Array(201).keys(), 1000, 65_535, 100_000]) {
    const message = new Uint8Array(randomBytes(length));
    expect(Buffer.from(sha1(message)).toString("hex")).toBe(createHash("sha1").update(message).digest("hex"));
  }
});

test("hashes bytes that are all 0 or all 255", () => {
  for (const byte of [0, 255]) {
    const message = new Uint8Array(120).fill(byte);
    expect(Buffer.from(sha1(message)).toString("hex")).toBe(createHash("sha1").update(message).digest("hex"));
  }
});

test("RFC 6455 §1.3: the sample key", () => expect(acceptFor(KEY)).toBe(ACCEPT));

test("fresh keys are 16 bytes and never repeat", () => {
  const keys = Array.from({ length: 1000 }, () => randomKey());
  expect(new Set(keys).size).toBe(1000);
  for (const key of keys) {
    expect(isKey(key)).toBe(true);
    expect(Buffer.from(key, "base64")).toHaveLength(16);
    expect(acceptFor(key)).toBe(
      createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64"),
    );
  }
});
