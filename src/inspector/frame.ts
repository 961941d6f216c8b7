// The frames that a Tap reports.

/** An event that a frame has caused in Protocol, or the end of the stream inside it. */
export type Note =
  | { readonly type: "text"; readonly text: string; readonly characters: number }
  | { readonly type: "binary" | "ping" | "pong"; readonly data: Uint8Array; readonly bytes: number }
  | { readonly type: "close"; readonly code: number; readonly reason: string; readonly wasClean: boolean }
  | ErrorNote
  | { readonly type: "incomplete"; readonly missing: string; readonly of: "header" | "payload" };

/** A broken rule. */
export interface ErrorNote {
  readonly type: "error";
  readonly code: string;
  readonly closeCode: number;
  /** In bytes from the start of the stream's frames. */
  readonly byteOffset: number;
  readonly rule: string;
  /** The message without the rule and the offset. */
  readonly message: string;
}

/** A frame on the wire, with the events that it has caused. */
export interface TappedFrame {
  readonly sender: "client" | "server";
  /** Where the frame starts, in bytes from the start of the stream's frames. */
  readonly offset: number;
  /** How many of its bytes are present. */
  readonly size: number;
  /** These bytes as they were on the wire. If the frame is too large to keep, only the first of them. */
  readonly raw: Uint8Array;
  /** The opcode of its message: its own, or that of the first frame if this is a continuation. */
  readonly messageOpcode: number;
  /** Whether its message is compressed (RSV1 is set in the first frame). */
  readonly compressed: boolean;
  /** Whether the frame breaks a rule or is incomplete. */
  readonly broken: boolean;
  readonly notes: readonly Note[];
}
