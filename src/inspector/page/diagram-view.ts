// Draws the header diagram of RFC 6455 §5.2.

import { toHex } from "../../cli/bytes.ts";
import { layOut, type Segment } from "../diagram.ts";
import type { TappedFrame } from "../frame.ts";
import type { Header } from "../header.ts";
import { make } from "./dom.ts";
import { describe } from "./fields.ts";

/** The minimum number of columns for a horizontal name. */
const ROOM_FOR_NAME = 4;

/**
 * Draws a frame. One segment is a stop of the Tab key, and the arrow keys move to the others. A caption below explains the
 * segment with the focus or under the pointer.
 *
 * @param columns bits per row
 * @param badByte offset in the frame of the byte that breaks a rule
 */
export function drawDiagram(
  frame: TappedFrame,
  header: Header,
  columns: number,
  badByte: number | undefined,
): HTMLElement {
  const caption = make("p", { class: "caption" });
  const view = make("div", {
    class: "diagram",
    role: "group",
    "aria-label": "The header, as RFC 6455 section 5.2 draws it",
  });
  view.style.setProperty("--columns", String(columns));
  view.append(ruler(columns));
  const buttons: HTMLElement[] = [];
  const say = (segment: Segment): void => {
    const { name, value, meaning } = describe(segment.name, header, frame);
    caption.replaceChildren(make("b", {}, `${name} ${value}`), ` ${meaning}`);
  };
  for (const row of layOut(frame.raw, header, columns)) {
    const line = make("div", { class: "bits-row" });
    for (const segment of row) {
      const button = drawSegment(segment, frame, header, badByte);
      button.addEventListener("focus", () => say(segment));
      button.addEventListener("pointerenter", () => say(segment));
      buttons.push(button);
      line.append(button);
    }
    view.append(line);
  }
  const bad = buttons.find((button) => button.classList.contains("bad"));
  (bad ?? buttons[0])?.setAttribute("tabindex", "0");
  const firstShown = layOut(frame.raw, header, columns).flat();
  const told = bad === undefined ? firstShown.find(({ name }) => name === "opcode") : firstShown[buttons.indexOf(bad)];
  if (told) say(told);
  view.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(event.target as HTMLElement);
    if (step === undefined || at === -1) return;
    event.preventDefault();
    const next = buttons[at + step];
    if (!next) return;
    buttons[at]!.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  return make("div", { class: "diagram-box" }, view, caption);
}

function ruler(columns: number): HTMLElement {
  const line = make("div", { class: "ruler", "aria-hidden": "true" });
  for (let bit = 0; bit < columns; bit++) {
    line.append(make("span", bit % 8 === 0 ? { class: "octet" } : {}, bit % 8 === 0 ? String(bit) : String(bit % 10)));
  }
  return line;
}

function drawSegment(segment: Segment, frame: TappedFrame, header: Header, badByte: number | undefined): HTMLElement {
  const { name, value, meaning } = describe(segment.name, header, frame);
  const { from, bits, column, begins, continues } = segment;
  const isBad = (bit: number): boolean => badByte !== undefined && Math.floor((from + bit) / 8) === badByte;
  const anyBad = Array.from(bits, (_, bit) => isBad(bit)).includes(true);
  const cells = make("span", { class: "bits", "aria-hidden": "true" });
  for (const [bit, digit] of [...bits].entries()) {
    const octet = (from + bit) % 8 === 0 && bit > 0;
    const classes = [octet && "octet", isBad(bit) && "bad"].filter(Boolean).join(" ");
    cells.append(make("i", classes === "" ? {} : { class: classes }, digit));
  }
  const part = begins ? "" : ", continued";
  const says = `${name}${part}, ${bits.length === 1 ? "1 bit" : `${bits.length} bits`} ${bits}: `;
  const narrow = bits.length < ROOM_FOR_NAME;
  const button = make(
    "button",
    {
      type: "button",
      class: `segment ${segment.name.toLowerCase()}${narrow ? " narrow" : ""}${anyBad ? " bad" : ""}${continues ? " continues" : ""}`,
      "aria-label": `${says}${narrow ? meaning : `${valueOf(segment, frame, value)}, ${meaning}`}`,
      tabindex: -1,
      "data-field": segment.name,
    },
    cells,
    make("span", { class: "name", "aria-hidden": "true" }, begins ? name : narrow ? "" : `${name} (continued)`),
    !narrow && make("span", { class: "value", "aria-hidden": "true" }, valueOf(segment, frame, value)),
  );
  button.style.gridColumn = `${column + 1} / span ${bits.length}`;
  return button;
}

/** Returns the text under the bits. For a key or a payload, only the bytes in this row. */
function valueOf({ name, from, bits }: Segment, frame: TappedFrame, value: string): string {
  if (name !== "key" && name !== "payload") return value;
  return toHex(frame.raw.subarray(from >> 3, (from + bits.length) >> 3), " ");
}
