// Faults for the target "handshake".

import type { Mutant } from "./mutant.ts";

export const HANDSHAKE: readonly Mutant[] = [
  {
    name: "cut-carriage-return",
    behaviour: "A head that is cut after the CR of a line keeps that CR as part of the line.",
    file: "src/handshake/head.ts",
    find: "this.#carriageReturn ? chunk.length - 1 : chunk.length",
    replace: "chunk.length",
    target: "handshake",
  },
  {
    name: "quadratic-head",
    behaviour: "A line that arrives in many chunks is copied at each of them.",
    file: "src/handshake/head.ts",
    find: "const longer = new Uint8Array(Math.max(length, 2 * this.#kept.length));",
    replace: "const longer = new Uint8Array(length);",
    target: "handshake",
    seconds: 240,
  },
  {
    name: "padded-key",
    behaviour: "A key of 15 bytes, with three of padding, is accepted.",
    file: "src/handshake/key.ts",
    find: "code === 0x2f // /",
    replace: "code === 0x2f || code === 0x3d",
    target: "handshake",
  },
  {
    name: "quoted-value",
    behaviour: "An escaped character in a quoted parameter keeps its backslash.",
    file: "src/handshake/extensions.ts",
    find: "if (code === BACKSLASH) at++;",
    replace: "",
    target: "handshake",
  },
  {
    name: "repeated-parameter",
    behaviour: "An offer may contain client_max_window_bits twice.",
    file: "src/deflate/parameters.ts",
    find: "if (parsed.clientMaxWindowBits !== undefined) return undefined;",
    replace: "",
    target: "handshake",
  },
  {
    name: "unasked-window",
    behaviour: "A client accepts client_max_window_bits although it has not offered it.",
    file: "src/deflate/negotiate.ts",
    find: "if (offer.clientMaxWindowBits === undefined) return false;",
    replace: "if (offer.clientMaxWindowBits === undefined) return true;",
    target: "handshake",
  },
  {
    name: "two-protocols",
    behaviour: "A subprotocol may be offered twice.",
    file: "src/handshake/subprotocols.ts",
    find: "names.every(isToken) && new Set(names).size === names.length",
    replace: "names.every(isToken)",
    target: "handshake",
  },
];
