// The details of one frame: the header diagram, the payload and its events.

import { toHex } from "../../cli/bytes.ts";
import { asText } from "../../cli/preview.ts";
import { counted, grouped } from "../../cli/style.ts";
import type { ErrorNote, Note } from "../frame.ts";
import { readHeader } from "../header.ts";
import { drawBytes, revealBadByte } from "./bytes-view.ts";
import { drawDiagram } from "./diagram-view.ts";
import { make } from "./dom.ts";
import type { Entry } from "./log.ts";
import { bytesOf, closeOf, kindClass, kindOf, payloadLengthOf, wayOf } from "./words.ts";

/** The minimum width in pixels for 32 bits in a row, and for two columns of 8 or 16 bytes. */
const WIDTH_FOR_32 = 520;
const WIDTH_FOR_8 = 500;
const WIDTH_FOR_16 = 880;

/** Actions on a frame. */
export interface DetailActions {
  /** Opens the frame in the decoder for editing. */
  edit(entry: Entry): void;
}

/** Draws a frame, or a hint if there is none. Draws again when the width requires another layout. */
export class Detail {
  readonly #element: HTMLElement;
  readonly #actions: DetailActions;
  readonly #hint: string;
  #entry: Entry | undefined = undefined;
  #index = 0;
  #layout = "";

  /** @param hint the text to show while no frame is selected */
  constructor(element: HTMLElement, actions: DetailActions, hint: string) {
    this.#element = element;
    this.#actions = actions;
    this.#hint = hint;
    new ResizeObserver(() => {
      if (this.#layout !== this.#layoutFor().join()) this.#draw();
    }).observe(element);
  }

  show(entry: Entry | undefined, index: number): void {
    this.#entry = entry;
    this.#index = index;
    this.#element.scrollTop = 0;
    this.#draw();
  }

  #layoutFor(): [columns: number, perRow: number] {
    const width = this.#element.clientWidth;
    return [width >= WIDTH_FOR_32 ? 32 : 16, width >= WIDTH_FOR_16 ? 16 : width >= WIDTH_FOR_8 ? 8 : 4];
  }

  #draw(): void {
    const entry = this.#entry;
    const layout = this.#layoutFor();
    this.#layout = layout.join();
    if (entry === undefined) {
      this.#element.replaceChildren(make("div", { class: "nothing" }, make("p", {}, this.#hint)));
      return;
    }
    const { frame, stream, time } = entry;
    const header = readHeader(frame.raw);
    const error = frame.notes.find((note) => note.type === "error");
    // A message may break a rule at a byte of an earlier frame.
    const badByte = error === undefined ? undefined : error.byteOffset - frame.offset;
    const facts = [
      stream.name,
      `bytes ${grouped(stream.base + frame.offset)} to ${grouped(stream.base + frame.offset + frame.size - 1)} of the stream`,
      time === undefined ? "" : `after ${grouped(time)} ms`,
    ].filter((fact) => fact !== "");
    const edit = make("button", { type: "button", class: "quiet" }, "Edit as hex");
    edit.addEventListener("click", () => this.#actions.edit(entry));
    const parts: (HTMLElement | undefined)[] = [
      make(
        "header",
        { class: frame.sender },
        make(
          "h2",
          {},
          `Frame ${grouped(this.#index + 1)} `,
          make("span", { class: `kind ${kindClass(header.opcode)}` }, kindOf(header.opcode)),
          " ",
          make("span", { class: "length" }, payloadLengthOf(header)),
        ),
        edit,
        make("p", {}, make("span", { class: "way" }, wayOf(frame)), ` · ${facts.join(" · ")}`),
      ),
      error && drawError(error, badByte!, stream.base),
      section("Header", `RFC 6455 §5.2`, drawDiagram(frame, header, layout[0], badByte)),
    ];
    const inPayload = badByte === undefined ? undefined : badByte - header.headerLength;
    const hasPayload = frame.raw.length > header.headerLength;
    if (hasPayload || (inPayload !== undefined && inPayload >= 0)) {
      const key = header.maskKey;
      const note = key === undefined ? "not masked" : "masking-key ";
      // Without masking there is only one column.
      const perRow = key === undefined ? Math.min(16, 2 * layout[1]) : layout[1];
      const title = make("span", {}, note, key !== undefined && make("code", { class: "key-bytes" }, toHex(key, " ")));
      const shown = inPayload !== undefined && inPayload >= 0 ? inPayload : undefined;
      parts.push(section("Payload", title, drawBytes(frame, header, perRow, shown)));
    }
    parts.push(section("Events", "from Protocol", drawNotes(entry, header.fin)));
    this.#element.replaceChildren(...parts.filter((part) => part !== undefined));
    revealBadByte(this.#element);
  }
}

function section(title: string, aside: string | HTMLElement, content: HTMLElement): HTMLElement {
  return make("section", {}, make("h3", {}, title, make("span", { class: "aside" }, aside)), content);
}

function drawError(error: ErrorNote, badByte: number, base: number): HTMLElement {
  const section = /^RFC (\d+) §([\d.]+)$/.exec(error.rule);
  const rule = section
    ? make(
        "a",
        {
          href: `https://www.rfc-editor.org/rfc/rfc${section[1]}#section-${section[2]}`,
          target: "_blank",
          rel: "noreferrer",
        },
        error.rule,
      )
    : make("span", {}, `the limit ${error.rule}`);
  const place =
    badByte < 0
      ? `Byte ${grouped(base + error.byteOffset)} of the stream, in an earlier frame.`
      : `Byte ${grouped(badByte)} of the frame, byte ${grouped(base + error.byteOffset)} of the stream.`;
  return make(
    "div",
    { class: "error" },
    make("p", {}, make("strong", {}, error.message), " (", rule, ")"),
    make("p", {}, `${place} wsframe would close the connection with ${closeOf(error.closeCode)}.`),
  );
}

function drawNotes({ frame }: Entry, fin: boolean): HTMLElement {
  const list = make("ul", { class: "events" });
  for (const note of frame.notes) {
    list.append(make("li", { class: note.type }, make("span", { class: "type" }, note.type), ...drawNote(note)));
  }
  if (frame.notes.length === 0) {
    const why = fin ? "None." : "None yet: the message is not complete.";
    return make("p", { class: "none" }, why);
  }
  return list;
}

function drawNote(note: Note): HTMLElement[] {
  switch (note.type) {
    case "text": {
      const more = note.characters > note.text.length;
      return [
        make("span", { class: "how-much" }, counted(note.characters, "UTF-16 unit")),
        make("pre", {}, note.text + (more ? "…" : "")),
      ];
    }
    case "binary":
    case "ping":
    case "pong": {
      const more = note.bytes > note.data.length;
      const text = note.type === "binary" ? undefined : asText(note.data, more);
      return [
        make("span", { class: "how-much" }, counted(note.bytes, "byte")),
        make("pre", {}, note.bytes === 0 ? "" : (text ?? toHex(note.data, " ")) + (more ? " …" : "")),
      ];
    }
    case "close":
      return [
        make("span", { class: "how-much" }, `${closeOf(note.code)}${note.wasClean ? "" : ", not clean"}`),
        ...(note.reason === "" ? [] : [make("pre", {}, note.reason)]),
      ];
    case "error":
      return [make("span", { class: "how-much" }, `${note.code}, ${note.rule}`)];
    case "incomplete":
      return [
        make(
          "span",
          { class: "how-much" },
          `the stream ends inside the ${note.of}: ${bytesMissing(note.missing)} missing`,
        ),
      ];
  }
}

function bytesMissing(missing: string): string {
  return /^\d+$/.test(missing) ? bytesOf(Number(missing)) : `${missing} byte`;
}
