// Prints the totals of a stream, and how fast it decodes.

import type { Counts } from "./inspect.ts";
import { OPCODES, opcodeName } from "./names.ts";
import type { Rate, Speed } from "./speed.ts";
import { counted, grouped, type Style } from "./style.ts";

const LABEL_WIDTH = 10;

/** Returns the lines that count frames and bytes. */
export function countLines(counts: Counts, style: Style): string {
  const kinds = OPCODES.flatMap((opcode) => {
    const count = counts.byOpcode.get(opcode);
    return count === undefined ? [] : [`${grouped(count)} ${opcodeName(opcode)}`];
  });
  const lines = [
    label("frames", style) +
      [`${grouped(counts.frames)}${kinds.length > 0 ? ": " : ""}${kinds.join(", ")}`, ...notes(counts)].join("; "),
  ];
  if (counts.frames > 0) {
    const overhead = counts.wireBytes - counts.payloadBytes;
    lines.push(
      label("bytes", style) +
        `${grouped(counts.wireBytes)} on the wire: ${grouped(counts.payloadBytes)} of payload, ` +
        `${grouped(overhead)} of headers (${percent(overhead / counts.wireBytes)})`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function notes(counts: Counts): string[] {
  const list: string[] = [];
  if (counts.messages > 0) list.push(counted(counts.messages, "message"));
  if (counts.compressedFrames > 0) list.push(`${counted(counts.compressedFrames, "frame")} compressed`);
  return list;
}

/** Returns the lines that compare speeds. */
export function speedLines(speed: Speed | undefined, style: Style): string {
  if (speed === undefined) return `${label("speed", style)}no complete message to measure\n`;
  const { push, decode, ws } = speed;
  const reference = typeof ws === "string" ? undefined : ws;
  const rows: [name: string, rate: Rate][] = [
    ["push()", push],
    ["decode()", decode],
  ];
  if (reference) rows.push([`ws ${reference.version}`.trimEnd(), reference]);
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const cells = rows.map(([, rate]) => [significant(rate.framesPerSecond), significant(rate.bytesPerSecond / 1e6)]);
  const frameWidth = Math.max(...cells.map(([frames]) => frames!.length));
  const byteWidth = Math.max(...cells.map(([, bytes]) => bytes!.length));
  const lines = rows.map(([name, rate], i) => {
    const [frames, bytes] = cells[i]!;
    const line =
      `${label(i === 0 ? "speed" : "", style)}${name.padEnd(nameWidth)}  ` +
      `${frames!.padStart(frameWidth)} frames/s  ${bytes!.padStart(byteWidth)} MB/s`;
    if (reference === undefined || rate === reference) return line;
    return `${line}  ${style("bold", `${ratio(rate.framesPerSecond / reference.framesPerSecond)} × ws`)}`;
  });
  if (typeof ws === "string") lines.push(`${label("", style)}ws: ${ws}`);
  lines.push(
    label("", style) +
      style(
        "dim",
        `${counted(speed.sample.frames, "frame")} (${counted(speed.sample.bytes, "byte")}), repeated ` +
          `in chunks of 64 KiB; ${speed.core} core`,
      ),
  );
  return `${lines.join("\n")}\n`;
}

function label(name: string, style: Style): string {
  return `  ${style("dim", name.padEnd(LABEL_WIDTH - 2))}`;
}

function percent(part: number): string {
  const value = part * 100;
  return `${value >= 10 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : "less than 0.1"} %`;
}

/** Rounds to three digits. Further digits would differ from run to run. */
function significant(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}

function ratio(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}
