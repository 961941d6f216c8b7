// The tab "Hex or file": decodes pasted hex, and files that were dropped or opened.

import { toHex } from "../../cli/bytes.ts";
import { parseHexText } from "../../cli/hex.ts";
import { InputError } from "../../cli/input-error.ts";
import { openStreams, type Source } from "../../cli/stream.ts";
import { byId, make } from "./dom.ts";
import { EXAMPLES } from "./examples.ts";
import type { Feed } from "./feed.ts";
import type { Entry, FrameLog } from "./log.ts";
import { tapOnFile } from "./streams.ts";

/** Events for the rest of the page. */
export interface DecodeEvents {
  /** Decoding has started. `texts` are the HTTP heads of the streams. */
  heads(texts: readonly string[]): void;
  /** Decoding has ended. */
  done(remark: string): void;
}

/** Bytes per line of hex. */
const PER_LINE = 16;
/** Matches a character that is not part of hex text. */
const NOT_HEX = /[^\da-f\s,:x]/i;

export class Decode {
  readonly #log: FrameLog;
  readonly #feed: Feed;
  readonly #events: DecodeEvents;
  readonly #hex = byId("hex", HTMLTextAreaElement);
  readonly #sender = byId("sender", HTMLSelectElement);
  readonly #inflate = byId("inflate", HTMLInputElement);
  readonly #problem = byId("decode-problem", HTMLElement);

  constructor(log: FrameLog, feed: Feed, events: DecodeEvents) {
    this.#log = log;
    this.#feed = feed;
    this.#events = events;
    byId("decode", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#decodeText();
    });
    this.#hex.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#decodeText();
    });
    // Decode pasted text at once.
    this.#hex.addEventListener("paste", () => setTimeout(() => this.#decodeText()));
    const files = byId("files", HTMLInputElement);
    files.addEventListener("change", () => {
      void this.open([...(files.files ?? [])]);
      files.value = "";
    });
    this.#offerExamples();
  }

  /** Decodes files: one direction of a connection, or both. */
  async open(files: readonly File[]): Promise<void> {
    this.#problem.textContent = "";
    try {
      const sources = await Promise.all(files.map(readFile));
      // The client comes first, because it sends first.
      sources.sort((a, b) => Number(b.sender === "client") - Number(a.sender === "client"));
      this.#decode(sources);
      // The old text does not belong to these frames.
      this.#hex.value = "";
      byId("example", HTMLSelectElement).value = "";
    } catch (error) {
      this.#problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /** Puts the hex of a frame into the text box. */
  edit({ frame }: Entry): void {
    this.#sender.value = frame.sender;
    this.#inflate.checked = frame.compressed;
    const lines: string[] = [];
    for (let at = 0; at < frame.raw.length; at += PER_LINE)
      lines.push(toHex(frame.raw.subarray(at, at + PER_LINE), " "));
    this.#hex.value = lines.join("\n");
    this.#decodeText();
    this.#hex.focus();
  }

  /** Decodes hex as if it had been pasted. */
  show(hex: string, compressed: boolean): void {
    this.#hex.value = hex;
    this.#sender.value = "";
    this.#inflate.checked = compressed;
    this.#decodeText();
  }

  #offerExamples(): void {
    const select = byId("example", HTMLSelectElement);
    const groupOf = (label: string, broken: boolean): HTMLElement => {
      const group = make("optgroup", { label });
      for (const [index, example] of EXAMPLES.entries()) {
        if (example.broken === broken) group.append(make("option", { value: index }, example.label));
      }
      return group;
    };
    select.append(make("option", { value: "" }, "choose one"), groupOf("Valid", false), groupOf("Invalid", true));
    select.addEventListener("change", () => {
      const example = EXAMPLES[Number(select.value)];
      if (select.value === "" || !example) return;
      this.show(example.hex, false);
    });
  }

  #decodeText(): void {
    this.#problem.textContent = "";
    const text = this.#hex.value;
    try {
      const content = new TextEncoder().encode(text);
      if (parseHexText(content) === undefined) {
        const at = text.search(NOT_HEX);
        throw new InputError(
          at === -1
            ? "Enter some hex bytes first"
            : `Not hex: character ${at + 1} is “${String.fromCodePoint(text.codePointAt(at)!)}”`,
        );
      }
      this.#decode([{ file: "hex text", sender: undefined, content }]);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#problem.textContent = error.message;
    }
  }

  /** @throws InputError if a source does not start like a stream */
  #decode(sources: readonly Source[]): void {
    const sender = this.#sender.value;
    const role = sender === "" ? undefined : sender === "client" ? "server" : "client";
    const streams = openStreams(sources, { role, rsv: undefined });
    this.#feed.clear();
    this.#log.clear();
    const response = streams.find(({ head }) => head?.sender === "server");
    const heads = streams.flatMap(({ head, whole }) =>
      head ? [new TextDecoder("latin1").decode(whole.subarray(0, head.length)).trimEnd()] : [],
    );
    this.#events.heads(heads);
    const remarks: string[] = [];
    for (const stream of streams) {
      const tap = tapOnFile(this.#log, stream, this.#inflate.checked, response);
      this.#feed.push(stream.bytes, (bytes) => tap.push(bytes));
      this.#feed.whenDone(() => {
        tap.end();
        if (tap.ignored > 0)
          remarks.push(`${tap.ignored.toLocaleString("en-US")} bytes of ${stream.file} ignored after the last frame`);
      });
    }
    this.#feed.whenDone(() => this.#events.done(remarks.join(", ")));
  }
}

async function readFile(file: File): Promise<Source> {
  const name = /^(client|server)\b/.exec(file.name)?.[1];
  return {
    file: file.name,
    sender: name === "client" || name === "server" ? name : undefined,
    content: new Uint8Array(await file.arrayBuffer()),
  };
}
