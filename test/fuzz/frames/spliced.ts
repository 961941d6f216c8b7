// Makes streams from recorded ones by cutting, repeating and changing bytes, and by inserting frames.

import { readCaptures } from "../../support/captures.ts";
import type { Random } from "../../support/random.ts";
import { concat, serialize } from "../../reference/serialize.ts";
import type { StreamCase } from "./case.ts";
import { makeFrame, makeOptions, spoil, streamCase } from "./streams.ts";

/** The frames of one direction, as bytes. */
interface Recorded {
  readonly server: boolean;
  readonly deflate: boolean;
  readonly frames: readonly Uint8Array[];
}

/** Longer frames are left out, because the reference decoder is slow. */
const LONGEST = 4000;
const MOST_FRAMES = 40;

let recorded: readonly Recorded[] | undefined;

function read(): readonly Recorded[] {
  return readCaptures()
    .flatMap(({ deflate, directions }) =>
      directions.map(({ role, stream, frames }) => ({
        server: role === "server",
        deflate,
        frames: frames
          .map(({ headerOffset, payloadOffset, payloadLength }) =>
            stream.slice(headerOffset, payloadOffset + payloadLength),
          )
          .filter(({ length }) => length <= LONGEST),
      })),
    )
    .filter(({ frames }) => frames.length > 0);
}

export function makeSplicedCase(random: Random): StreamCase {
  recorded ??= read();
  const { server, deflate, frames } = random.pick(recorded);
  const options = { ...makeOptions(random), server, ...(deflate && random.chance(0.9) && { rsv: 4 }) };
  const from = random.integer(0, frames.length - 1);
  const parts = frames.slice(from, from + random.integer(1, MOST_FRAMES));
  for (let changes = random.integer(0, 3); changes > 0; changes--) change(random, parts, server);
  const boundaries: number[] = [];
  let length = 0;
  for (const part of parts) {
    boundaries.push(length);
    length += part.length;
  }
  return streamCase(random, options, concat(parts), boundaries);
}

function change(random: Random, parts: Uint8Array[], server: boolean): void {
  const at = random.integer(0, parts.length - 1);
  const part = parts[at];
  if (part === undefined) return;
  switch (random.integer(0, 5)) {
    case 0:
      // Truncate a frame, so that the bytes after it become the rest of its payload.
      parts[at] = part.slice(0, random.integer(0, part.length));
      break;
    case 1:
      parts.splice(at, 0, part);
      break;
    case 2:
      parts.splice(at, 1);
      break;
    case 3: {
      const bytes = Uint8Array.from(part);
      const place = random.chance(0.5) ? random.integer(0, Math.min(bytes.length, 14) - 1) : undefined;
      bytes[place ?? random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7);
      parts[at] = bytes;
      break;
    }
    case 4:
      parts.splice(at, 0, serialize(makeFrame(random, { server }, false, false)));
      break;
    default:
      parts.splice(at, 0, spoil(random, makeFrame(random, { server }, false, false)));
  }
}
