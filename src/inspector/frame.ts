// What is known of a frame that has gone by.

/** Something that came of a frame: what Protocol told, or that the stream ends in it. */
export type Note =
  | { readonly type: "text"; readonly text: string; readonly characters: number }
  | { readonly type: "binary" | "ping" | "pong"; readonly data: Uint8Array; readonly bytes: number }
  | { readonly type: "close"; readonly code: number; readonly reason: string; readonly wasClean: boolean }
  | ErrorNote
  | { readonly type: "incomplete"; readonly missing: string; readonly of: "header" | "payload" };

/** A rule that was broken. */
export interface ErrorNote {
  readonly type: "error";
  readonly code: string;
  readonly closeCode: number;
  /** In bytes from the start of the stream's frames. */
  readonly byteOffset: number;
  readonly rule: string;
  /** Without the rule and the place. */
  readonly message: string;
}

/** A frame as a Tap sees it. */
export interface TappedFrame {
  readonly sender: "client" | "server";
  /** Where it starts, in bytes from the start of the stream's frames. */
  readonly offset: number;
  /** How many bytes of it there are. */
  readonly size: number;
  /** These, as they were on the wire: the first of them, of a frame that is larger than what is kept. */
  readonly raw: Uint8Array;
  /** The opcode of its message: of a continuation that of the first frame. */
  readonly messageOpcode: number;
  /** Whether its message has RSV1 set. */
  readonly compressed: boolean;
  /** Whether it breaks a rule, or is cut. */
  readonly broken: boolean;
  readonly notes: readonly Note[];
}
