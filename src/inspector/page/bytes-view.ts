// The table of payload bytes: masked and unmasked, side by side.

import { Opcode } from "wsframe";
import type { TappedFrame } from "../frame.ts";
import type { Header } from "../header.ts";
import { grouped } from "../../cli/style.ts";
import { make } from "./dom.ts";
import { bytesOf, payloadOf } from "./words.ts";

/** How many bytes are on one page. */
const PAGE = 1024;

/**
 * @param perRow bytes per row
 * @param badByte offset in the payload of the byte that breaks a rule
 */
export function drawBytes(
  frame: TappedFrame,
  header: Header,
  perRow: number,
  badByte: number | undefined,
): HTMLElement {
  const present = Math.max(0, frame.raw.length - header.headerLength);
  const box = make("div");
  let start = badByte === undefined ? 0 : Math.floor(Math.min(badByte, Math.max(0, present - 1)) / PAGE) * PAGE;
  const place = make("span", { role: "status" });
  const of = frame.raw.length < frame.size ? "of the first" : "of";
  const back = make("button", { type: "button", class: "quiet" }, "Previous");
  const on = make("button", { type: "button", class: "quiet" }, "Next");
  const table = make("div", {
    class: "bytes-scroll",
    role: "region",
    "aria-label": "Payload bytes",
    tabindex: 0,
  });
  const show = (): void => {
    table.replaceChildren(tableOf(frame, header, { start, end: Math.min(start + PAGE, present), perRow, badByte }));
    const last = Math.min(start + PAGE, present) - 1;
    place.textContent = `Bytes ${grouped(start)} to ${grouped(last)} ${of} ${bytesOf(present)}`;
    back.disabled = start === 0;
    on.disabled = start + PAGE >= present;
  };
  const turn = (pages: number): void => {
    start += pages * PAGE;
    show();
  };
  back.addEventListener("click", () => turn(-1));
  on.addEventListener("click", () => turn(1));
  show();
  box.append(table);
  if (present > PAGE) box.append(make("div", { class: "pager" }, back, place, on));
  return box;
}

/** Scrolls the faulty byte into view. Call it when `box` is part of the page. */
export function revealBadByte(box: HTMLElement): void {
  const mark = box.querySelector("mark");
  const scroller = mark?.closest(".bytes-scroll");
  if (!mark || !scroller) return;
  const below = mark.getBoundingClientRect().bottom - scroller.getBoundingClientRect().bottom;
  // Also show some of the bytes after it.
  if (below > 0) scroller.scrollTop += below + scroller.clientHeight / 2;
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly perRow: number;
  readonly badByte: number | undefined;
}

function tableOf(frame: TappedFrame, header: Header, { start, end, perRow, badByte }: Part): HTMLElement {
  const masked = header.maskKey !== undefined;
  const wire = frame.raw.subarray(header.headerLength + start, header.headerLength + end);
  const plain = payloadOf(frame, header, start, end);
  const table = make("table", { class: "bytes" }, make("caption", { class: "hidden" }, "The bytes of the payload"));
  const head = make("tr", {}, make("th", { scope: "col", class: "at" }, "Byte"));
  if (masked) head.append(make("th", { scope: "col" }, "Masked"), make("th", { scope: "col" }, "Unmasked"));
  else head.append(make("th", { scope: "col" }, "Not masked"));
  const withText = !frame.compressed;
  if (withText) head.append(make("th", { scope: "col" }, "Text"));
  table.append(make("thead", {}, head));
  const body = make("tbody");
  // One more cell if the fault is a missing byte after the end.
  const stop = badByte !== undefined && badByte === end ? end + 1 : end;
  const texts = withText ? charactersOf(plain, frame.messageOpcode === Opcode.Text) : [];
  for (let row = start; row < stop; row += perRow) {
    const to = Math.min(row + perRow, stop);
    const line = make("tr", {}, make("th", { scope: "row", class: "at" }, String(row)));
    if (masked) line.append(hexCell(wire, start, row, to, badByte, "masked"));
    line.append(hexCell(plain, start, row, to, badByte, "unmasked"));
    if (withText) line.append(make("td", { class: "text" }, texts.slice(row - start, to - start).join("")));
    body.append(line);
  }
  table.append(body);
  return table;
}

function hexCell(
  bytes: Uint8Array,
  start: number,
  from: number,
  to: number,
  badByte: number | undefined,
  kind: string,
): HTMLElement {
  const cell = make("td", { class: `hex ${kind}` });
  for (let at = from; at < to; at++) {
    const byte = bytes[at - start];
    const digits = byte === undefined ? "··" : byte.toString(16).padStart(2, "0");
    if (at > from) cell.append(" ");
    cell.append(at === badByte ? make("mark", { title: "This byte breaks the rule" }, digits) : digits);
  }
  return cell;
}

/** Returns a string for each byte: a character for its first byte, "" for its other bytes, a dot if it is unprintable. */
function charactersOf(bytes: Uint8Array, isText: boolean): string[] {
  const strings: string[] = Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·",
  );
  if (!isText) return strings;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let at = 0; at < bytes.length; at++) {
    const first = bytes[at]!;
    const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    if (length === 1) continue;
    try {
      const character = decoder.decode(bytes.subarray(at, at + length));
      if (/[\p{C}\p{M}]/u.test(character)) continue;
      strings[at] = character;
      for (let rest = at + 1; rest < at + length; rest++) strings[rest] = "";
      at += length - 1;
    } catch {
      // Incomplete, or not UTF-8.
    }
  }
  return strings;
}
