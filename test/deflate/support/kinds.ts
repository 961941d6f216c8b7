// The two kinds of session. Tests apply to both unless they say otherwise.

import zlib from "node:zlib";
import type { PerMessageDeflateOptions } from "../../../src/deflate/options.ts";
import { zlibCodec } from "../../../src/deflate/codec/zlib.ts";
import type { ExtensionParameters } from "../../../src/frame/extension.ts";
import type { Role } from "../../../src/frame/options.ts";
import { connect as connectOf, open as openOf } from "./session.ts";

export type Kind = "core" | "zlib";

export interface Sessions {
  readonly kind: Kind;
  /** open() of session.ts, for this kind unless the options contain a codec. */
  readonly open: (
    role: Role,
    parameters?: ExtensionParameters,
    options?: PerMessageDeflateOptions,
  ) => ReturnType<typeof openOf>;
  /** connect() of session.ts, with both ends of this kind. */
  readonly connect: typeof connectOf;
}

function sessionsOf(kind: Kind, codec: PerMessageDeflateOptions["codec"]): Sessions {
  return {
    kind,
    open: (role, parameters = [], options = {}) => openOf(role, parameters, { codec, ...options }),
    connect: (client = {}, server = client) => connectOf({ codec, ...client }, { codec, ...server }),
  };
}

/** For describe.each(). */
export const KINDS: readonly (readonly [kind: Kind, sessions: Sessions])[] = [
  ["core", sessionsOf("core", undefined)],
  ["zlib", sessionsOf("zlib", zlibCodec(zlib))],
];
