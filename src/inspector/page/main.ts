// The main script of the page: its two tabs, the list and the details.

import { coreInfo } from "wsframe";
import { bytesOf, kindClass, kindOf, previewOf } from "./words.ts";
import { readHeader } from "../header.ts";
import { counted, grouped } from "../../cli/style.ts";
import { Decode } from "./decode.ts";
import { Detail } from "./detail.ts";
import { byId, make } from "./dom.ts";
import { acceptDrops } from "./drop.ts";
import { Feed } from "./feed.ts";
import { FrameList } from "./list.ts";
import { Live } from "./live.ts";
import { type Entry, FrameLog } from "./log.ts";

type Tab = "live" | "decode";

/** The state of a tab, kept while the other one is shown. */
class Source {
  readonly log: FrameLog;
  readonly feed: Feed = new Feed();
  heads: readonly string[] = [];
  remark = "";
  selected = -1;
  /** Select the next frame of this sender. */
  expected: "client" | "server" | undefined = undefined;

  constructor(onChange: () => void) {
    this.log = new FrameLog(onChange);
  }
}

const list = byId("list", HTMLElement);
const detailElement = byId("detail", HTMLElement);
const summary = byId("summary", HTMLElement);
const follow = byId("follow", HTMLInputElement);
const followLabel = byId("follow-label", HTMLElement);
const nextError = byId("next-error", HTMLButtonElement);
const headsElement = byId("heads", HTMLDetailsElement);
/** False in the documentation site, which loads the page with `?decode` and without a server for live connections. */
const isServed = !new URLSearchParams(location.search).has("decode");

const sources: Record<Tab, Source> = {
  live: new Source(() => changed("live")),
  decode: new Source(() => changed("decode")),
};
let current: Tab = isServed ? "live" : "decode";

const frames = new FrameList(
  list,
  "Frames",
  rowsOf(sources[current]),
  (index) => select(index),
  (follows) => {
    follow.checked = follows;
  },
);
const detail = new Detail(
  detailElement,
  {
    edit(entry) {
      show("decode");
      decode.edit(entry);
    },
  },
  isServed
    ? "Send a message, let the server send one, or decode some bytes. Then select a frame to see its details here."
    : "Paste some hex, drop a file, or choose an example. Then select a frame to see its details here.",
);
const decode = new Decode(sources.decode.log, sources.decode.feed, {
  heads(texts) {
    setHeads("decode", texts);
    sources.decode.selected = -1;
    sources.decode.remark = "";
    show("decode");
  },
  done(remark) {
    const source = sources.decode;
    source.remark = remark;
    const [wrong = 0] = source.log.broken;
    if (source.selected < 0 && source.log.entries.length > 0) source.selected = wrong;
    if (current === "decode") select(source.selected, true);
    summarize();
  },
});
if (isServed) {
  const live = new Live(sources.live.log, sources.live.feed, {
    expect(sender) {
      sources.live.expected = sender;
    },
    heads: (texts) => setHeads("live", texts),
  });
  void live;
}

function rowsOf({ log }: Source): { readonly length: number; render(row: HTMLElement, index: number): void } {
  return {
    get length() {
      return log.entries.length;
    },
    render(row, index) {
      renderRow(row, log.entries[index]!, index);
    },
  };
}

function renderRow(row: HTMLElement, { frame }: Entry, index: number): void {
  const header = readHeader(frame.raw);
  const length = bytesOf(header.payloadLength ?? 0n);
  const preview = previewOf(frame);
  const kind = kindOf(header.opcode);
  const flags = [!header.fin && "more", frame.compressed && "deflate"].filter((flag) => flag !== false);
  row.className = `entry ${frame.sender}${frame.broken ? " broken" : ""}`;
  row.setAttribute(
    "aria-label",
    `${grouped(index + 1)}, from the ${frame.sender}, ${[kind, ...flags].join(", ")}, ${length}${preview === "" ? "" : `, ${preview}`}`,
  );
  row.replaceChildren(
    make("span", { class: "number" }, grouped(index + 1)),
    make("span", { class: "way" }, frame.sender === "client" ? "→" : "←"),
    make("span", { class: `kind ${kindClass(header.opcode)}` }, kind === "continuation" ? "cont." : kind),
    make("span", { class: "size" }, grouped(Number(header.payloadLength ?? 0n))),
    make("span", { class: "preview" }, ...flags.map((flag) => make("em", {}, flag)), preview),
  );
}

/** Shows a frame of the current tab. */
function select(index: number, reveal: boolean = false): void {
  const source = sources[current];
  source.selected = index;
  if (reveal) frames.select(index);
  detail.show(source.log.entries[index], index);
}

let scheduled = false;
function changed(tab: Tab): void {
  const source = sources[tab];
  const last = source.log.entries.length - 1;
  const added = source.log.entries[last];
  const wanted = added && (source.selected < 0 || added.frame.sender === source.expected || added.frame.broken);
  if (wanted && tab === "live") {
    if (added.frame.sender === source.expected || added.frame.broken) source.expected = undefined;
    source.selected = last;
  }
  if (tab !== current || scheduled) return;
  scheduled = true;
  // Once per repaint, however many frames arrive.
  requestAnimationFrame(() => {
    scheduled = false;
    const { selected, log } = sources[current];
    if (selected !== frames.selected) select(selected, true);
    if (log.entries.length === 0) select(-1, true);
    frames.update();
    summarize();
  });
}

function summarize(): void {
  const { log, remark } = sources[current];
  const { entries, broken, fromClient, fromServer, bytes, unlisted } = log;
  const parts = [
    counted(entries.length, "frame"),
    `${grouped(fromClient)} → ${grouped(fromServer)} ←`,
    bytesOf(bytes),
    ...(broken.length > 0 ? [counted(broken.length, "error")] : []),
    ...(unlisted > 0 ? [`the list is full: ${grouped(unlisted)} more`] : []),
    ...(remark === "" ? [] : [remark]),
  ];
  summary.textContent = entries.length === 0 ? "none yet" : parts.join(" · ");
  nextError.disabled = broken.length === 0;
}

function setHeads(tab: Tab, texts: readonly string[]): void {
  sources[tab].heads = texts;
  if (tab === current) showHeads();
}

function showHeads(): void {
  const { heads } = sources[current];
  headsElement.hidden = heads.length === 0;
  headsElement.lastElementChild!.replaceChildren(
    ...heads.map((text) => make("pre", { tabindex: 0 }, text.replaceAll("\r\n", "\n"))),
  );
}

/** Shows the controls of a tab. */
function showPanel(tab: Tab): void {
  for (const name of ["live", "decode"] as const) {
    const button = byId(`tab-${name}`, HTMLButtonElement);
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
    byId(`panel-${name}`, HTMLElement).hidden = name !== tab;
  }
  // Decoded frames appear all at once, so there is nothing to follow.
  followLabel.hidden = tab !== "live";
  frames.follow = tab === "live" && follow.checked;
}

/** Shows a tab. */
function show(tab: Tab): void {
  if (tab === current) return;
  current = tab;
  showPanel(tab);
  const source = sources[tab];
  frames.source = rowsOf(source);
  frames.select(source.selected);
  detail.show(source.log.entries[source.selected], source.selected);
  showHeads();
  summarize();
}

function goToNextError(): void {
  const { log, selected } = sources[current];
  const next = log.broken.find((index) => index > selected) ?? log.broken[0];
  if (next === undefined) return;
  if (current === "live") follow.checked = false;
  frames.follow = false;
  select(next, true);
}

for (const name of ["live", "decode"] as const) {
  const button = byId(`tab-${name}`, HTMLButtonElement);
  button.addEventListener("click", () => show(name));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = name === "live" ? "decode" : "live";
    show(other);
    byId(`tab-${other}`, HTMLButtonElement).focus();
  });
}
follow.addEventListener("change", () => {
  frames.follow = follow.checked;
  if (follow.checked) list.scrollTop = list.scrollHeight;
});
nextError.addEventListener("click", goToNextError);
byId("clear", HTMLButtonElement).addEventListener("click", () => {
  const source = sources[current];
  source.selected = -1;
  source.remark = "";
  source.log.clear();
  frames.refresh();
});
list.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "e") goToNextError();
  else if (event.key === "Enter") detailElement.focus();
  else if (event.key === "/") byId(current === "live" ? "message" : "hex", HTMLTextAreaElement).focus();
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && document.activeElement !== list) list.focus();
});
acceptDrops(byId("drop", HTMLElement), (files) => void decode.open(files));

/** Decodes hex from a URL that ends in `#hex=81 02 6f 6b`. With `&compressed`, its messages are inflated although there is no head. */
function decodeAddress(): void {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const hex = parameters.get("hex");
  if (hex === null) return;
  decode.show(hex, parameters.has("compressed"));
  // Removes the hash, so that opening the same address again is a change.
  history.replaceState(null, "", location.pathname + location.search);
}
window.addEventListener("hashchange", decodeAddress);

const { kind, reason } = coreInfo();
byId("core", HTMLElement).textContent = kind === "wasm" ? "WASM core" : `portable core (${reason})`;
if (!isServed) {
  document.body.dataset["only"] = "decode";
  showPanel("decode");
}
summarize();
detail.show(undefined, -1);
decodeAddress();
