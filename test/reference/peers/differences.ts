// Lists where each decoder differs from the RFC, or detects an error later than it could. The reference decoder with
// the rows of a peer finds exactly what the peer finds. Any other difference is a finding, and every row is needed by
// some stream.

import type { ReferenceFrame, Rule, Stage } from "../decoder.ts";
import type { Role } from "./peer.ts";

interface Described {
  /** The name of the Peer. */
  readonly peer: string;
  /** The difference, as the documentation states it. */
  readonly says: string;
}

/** Rules whose violation the decoder detects late or never. */
export interface RuleRow extends Described {
  readonly rules: readonly Rule[];
  /** The point at which the decoder checks the rules. */
  readonly when: Stage | "never";
  /** The close code that the decoder uses instead of the one in RFC 6455 §7.4.1. */
  readonly closeCode?: number;
  /** Default: both. */
  readonly role?: Role;
  /** Frames in which the decoder does not check the rules. */
  readonly except?: (frame: ReferenceFrame) => boolean;
}

/** The rules that the decoder checks before the others, if it checks several at the same point. */
export interface OrderRow extends Described {
  readonly first: readonly Rule[];
}

/** The longest payload that the decoder accepts in a frame. */
export interface LimitRow extends Described {
  readonly limit: number;
  readonly closeCode: number;
}

/** Replaces an event in the report. */
export interface EventRow extends Described {
  readonly event: (event: string) => string;
}

/** The errors after which the decoder still reports Pings and Pongs in the same chunk. */
export interface GoesOnRow extends Described {
  readonly goesOn: readonly Rule[];
}

/** Valid frames that the decoder refuses. */
export interface StricterRow extends Described {
  readonly refuses: (frame: ReferenceFrame, inMessage: boolean) => boolean;
}

export type Row = StricterRow | RuleRow | OrderRow | LimitRow | EventRow | GoesOnRow;

/** All possible errors in the first byte. */
const FIRST_BYTE: readonly Rule[] = [
  "rsv",
  "rsv-misplaced",
  "continuation-of-none",
  "message-in-message",
  "reserved-opcode",
  "control-fin",
];
const MINIMAL = "accepts lengths that take more bytes than needed";
const TEXT_LATE = "checks text at the end of the message";
const CLOSE_LATE = "checks the code and reason of a Close at the end of the frame";
const TEXT: readonly Rule[] = ["utf8", "utf8-surrogate"];
const TWO_BYTES = "checks the first byte of a frame once it has two bytes";

const isUtf8 = (hex: string): boolean =>
  Buffer.from(Buffer.from(hex, "hex").toString(), "utf8").toString("hex") === hex;

/** Changes events of one kind. Its arguments are the fields of the event. */
function change(kind: string, how: (...fields: string[]) => string): (event: string) => string {
  return (event) => {
    const [name, ...fields] = event.split(":");
    return name === kind ? `${kind}:${how(...fields)}` : event;
  };
}

/** Replaces invalid UTF-8 with U+FFFD. */
const asText = (hex: string): string => Buffer.from(Buffer.from(hex, "hex").toString()).toString("hex");

const withoutBom = (hex: string): string => hex.replace(/^efbbbf/, "");

/** The codes that websocket-driver accepts. */
const DRIVER_CODES = /^(100[01237]|100[89]|101[01]|[34]\d{3})$/;

export const ROWS: readonly Row[] = [
  { peer: "ws", rules: FIRST_BYTE, when: "two bytes", says: TWO_BYTES },
  { peer: "ws", rules: ["length-minimal"], when: "never", says: MINIMAL },
  {
    peer: "ws",
    rules: ["length-top-bit"],
    when: "length",
    closeCode: 1009,
    says: "treats a length whose top bit is set as too long (1009)",
  },
  { peer: "ws", rules: ["close-code", "close-utf8"], when: "frame", says: CLOSE_LATE },
  { peer: "ws", rules: TEXT, when: "message", says: TEXT_LATE },

  { peer: "undici", rules: FIRST_BYTE, when: "two bytes", says: TWO_BYTES },
  { peer: "undici", rules: ["length-minimal"], when: "never", says: MINIMAL },
  {
    peer: "undici",
    rules: ["length-top-bit"],
    when: "length",
    closeCode: 1009,
    says: "treats a length whose top bit is set as too long (1009)",
  },
  { peer: "undici", limit: 2 ** 31 - 1, closeCode: 1009, says: "refuses frames of 2 GiB or more" },
  { peer: "undici", rules: ["close-length", "close-code", "close-utf8"], when: "frame", says: CLOSE_LATE },
  { peer: "undici", rules: TEXT, when: "message", says: TEXT_LATE },
  {
    peer: "undici",
    goesOn: TEXT,
    says: "still answers Pings that follow invalid text in the same chunk",
  },
  {
    peer: "undici",
    event: change("text", (payload) => withoutBom(payload!)),
    says: "drops a BOM at the start of a text",
  },
  {
    peer: "undici",
    event: change("close", (code, reason) => `${code}:${withoutBom(withoutBom(reason!))}`),
    says: "drops up to two BOMs at the start of a reason",
  },

  {
    peer: "websocket-driver",
    rules: ["mask-missing"],
    when: "byte",
    closeCode: 1003,
    says: "fails with 1003 on a frame without a mask",
  },
  { peer: "websocket-driver", rules: ["mask-present"], when: "never", says: "accepts masked frames as a client" },
  {
    peer: "websocket-driver",
    rules: ["continuation-of-none"],
    when: "frame",
    says: "notices a continuation frame outside a message only at the end of the frame",
  },
  { peer: "websocket-driver", rules: ["length-minimal"], when: "never", says: MINIMAL },
  {
    peer: "websocket-driver",
    rules: ["control-length-bits"],
    when: "never",
    says: "accepts control frames whose length takes more bytes than needed",
  },
  {
    peer: "websocket-driver",
    rules: ["length-top-bit"],
    when: "length",
    closeCode: 1009,
    says: "treats a length whose top bit is set as too long (1009)",
  },
  {
    peer: "websocket-driver",
    first: ["control-length"],
    says: "fails with 1002 instead if a control frame has such a length",
  },
  {
    peer: "websocket-driver",
    limit: 2 ** 26 - 1,
    closeCode: 1009,
    says: "refuses frames of 64 MiB or more by default",
  },
  {
    peer: "websocket-driver",
    rules: ["close-length", "close-code", "close-utf8"],
    when: "never",
    says: "accepts an invalid Close",
  },
  {
    peer: "websocket-driver",
    event: change("close", (code, reason) => {
      if (code === "none") return "1000:";
      if (code === "short" || !isUtf8(reason!)) return "1002:";
      return `${DRIVER_CODES.test(code!) ? code : 1002}:${reason}`;
    }),
    says: "answers an invalid Close, and the codes 1012, 1013 and 1014, with 1002 and reports 1002; reports 1000 if there was no code",
  },
  {
    peer: "websocket-driver",
    event: change("pong", (payload) => asText(payload!)),
    says: "reports the payload of a Pong as text, whatever its bytes are",
  },
  {
    peer: "websocket-driver",
    rules: TEXT,
    when: "message",
    // The stack overflows somewhere between 4 and 8 MB.
    except: ({ payloadLength }) => payloadLength > 6_000_000,
    says: "checks text at the end of the message, and accepts anything in texts of 8 MB or more because its regular expression overflows the stack",
  },
  {
    peer: "websocket-driver",
    event: change("text", (payload) => asText(payload!)),
    says: "replaces invalid UTF-8 in such texts with U+FFFD",
  },

  {
    peer: "websocket-node",
    rules: ["mask-missing", "mask-present"],
    when: "never",
    says: "accepts frames with and without a mask in both roles",
  },
  { peer: "websocket-node", rules: ["control-fin"], when: "two bytes", says: TWO_BYTES },
  {
    peer: "websocket-node",
    rules: ["rsv", "rsv-misplaced", "reserved-opcode", "continuation-of-none", "message-in-message"],
    when: "frame",
    says: "checks RSV bits and opcodes at the end of the frame",
  },
  { peer: "websocket-node", rules: ["length-minimal"], when: "never", says: MINIMAL },
  {
    peer: "websocket-node",
    rules: ["length-top-bit"],
    when: "length",
    says: "checks a 64-bit length when all of it has arrived",
  },
  {
    peer: "websocket-node",
    rules: ["length-unsafe"],
    when: "length",
    closeCode: 1002,
    says: "fails with 1002 on lengths of more than 32 bits",
  },
  { peer: "websocket-node", limit: 2 ** 32 - 1, closeCode: 1002, says: "refuses frames of 4 GiB or more" },
  {
    peer: "websocket-node",
    rules: ["close-length", "close-code"],
    when: "never",
    says: "accepts a Close with one byte or with any code, and answers 1002",
  },
  {
    peer: "websocket-node",
    rules: ["close-utf8"],
    when: "frame",
    except: ({ payloadLength }) => payloadLength === 3,
    says: "checks the reason of a Close at the end of the frame, unless it has only one byte",
  },
  {
    peer: "websocket-node",
    event: change("close", (code, reason) => `${code === "short" ? 1005 : code}:${reason!.length > 2 ? reason : ""}`),
    says: "drops a reason of one byte, and reports a Close with one byte as a Close without a code",
  },
  { peer: "websocket-node", rules: TEXT, when: "message", says: TEXT_LATE },

  {
    peer: "wsproto",
    rules: ["control-fin", "reserved-opcode"],
    when: "two bytes",
    says: TWO_BYTES,
  },
  {
    peer: "wsproto",
    rules: ["rsv", "rsv-misplaced", "mask-missing", "mask-present", "length-top-bit"],
    when: "length",
    says: "checks RSV bits, the mask bit and the top bit of a length once the length is complete",
  },
  {
    peer: "wsproto",
    rules: ["continuation-of-none", "message-in-message"],
    when: "payload",
    says: "notices a frame out of order at the first byte of its payload",
  },
  {
    peer: "wsproto",
    rules: ["utf8-surrogate"],
    when: "text",
    says: "notices a surrogate in text one byte late, as Python's decoder does",
  },
  {
    peer: "wsproto",
    refuses: ({ opcode, payload: [a, b] }) => opcode === 8 && (a ?? 0) * 256 + (b ?? 0) === 1014,
    says: "refuses close code 1014",
  },
  {
    peer: "wsproto",
    rules: ["length-unsafe", "length-limit"],
    when: "never",
    says: "waits for payloads of any length",
  },
  { peer: "wsproto", rules: ["close-length", "close-code", "close-utf8"], when: "frame", says: CLOSE_LATE },

  { peer: "websockets", rules: ["reserved-opcode"], when: "two bytes", says: TWO_BYTES },
  {
    peer: "websockets",
    rules: ["rsv", "rsv-misplaced", "control-fin", "control-length", "continuation-of-none", "message-in-message"],
    when: "frame",
    says: "checks RSV bits, FIN, the length of control frames and the order of frames at the end of the frame",
  },
  {
    peer: "websockets",
    rules: ["control-length-bits"],
    when: "never",
    says: "accepts control frames whose length takes more bytes than needed",
  },
  { peer: "websockets", rules: ["length-minimal"], when: "never", says: MINIMAL },
  {
    peer: "websockets",
    rules: ["length-top-bit", "length-unsafe", "length-limit"],
    when: "never",
    says: "waits for payloads of any length, even if the top bit of the length is set",
  },
  { peer: "websockets", rules: ["close-length", "close-code", "close-utf8"], when: "frame", says: CLOSE_LATE },
  { peer: "websockets", first: ["close-utf8"], says: "checks the reason of a Close before its code" },
  {
    peer: "websockets",
    rules: TEXT,
    when: "never",
    says: "leaves text as bytes; users of its sans-I/O layer check UTF-8",
  },
  {
    peer: "websockets",
    refuses: ({ opcode }, inMessage) => opcode === 8 && inMessage,
    says: "refuses a Close between the fragments of a message",
  },
];
