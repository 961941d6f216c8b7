// The messages for all echoes: text and binary of every length class.

/** @returns {(string | Uint8Array)[]} */
export function makeMessages() {
  const binary = [0, 1, 125, 126, 65_535, 65_536, 1 << 20].map((length) =>
    Uint8Array.from({ length }, (_, i) => (i * i) >> 3),
  );
  const text = ["", "hello", "grüße, мир, 世界 🙂", "x".repeat(125), "y".repeat(126), "é".repeat(40_000)];
  const burst = Array.from({ length: 300 }, (_, i) => `message ${i}`);
  return [...text, ...binary, "z".repeat(1 << 20), ...burst];
}

/** A short form for comparison: the kind of each message and a digest of all bytes. */
export async function digestOf(messages) {
  const lines = [];
  for (const message of messages) lines.push(await describe(message));
  return sha256(new TextEncoder().encode(lines.join("\n")));
}

async function describe(message) {
  if (typeof message === "string") return `text ${await sha256(new TextEncoder().encode(message))}`;
  return `binary ${await sha256(message)}`;
}

/** The digest in hex. */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
