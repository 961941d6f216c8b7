// The extensions of one connection (RFC 6455 §9), in the order of the handshake.

import { checkExtensions } from "../frame/known-options.ts";
import type { AgreedExtension, Extension, ExtensionSession } from "../frame/extension.ts";
import type { Role } from "../frame/options.ts";

/** @internal */
export interface OpenExtension {
  readonly rsv: number;
  readonly session: ExtensionSession;
}

// Shared by all connections without extensions.
const NONE: readonly OpenExtension[] = [];

/** @throws TypeError if they are not an array of extensions, or if two extensions share an RSV bit @internal */
export function openExtensions(
  extensions: readonly (AgreedExtension | Extension)[],
  role: Role,
): readonly OpenExtension[] {
  checkExtensions(extensions);
  if (extensions.length === 0) return NONE;
  let bits = 0;
  return extensions.map((item) => {
    const { extension, parameters } = "extension" in item ? item : { extension: item, parameters: [] };
    if (bits & extension.rsv) throw new TypeError(`extensions: ${extension.name} uses an RSV bit of another extension`);
    bits |= extension.rsv;
    return { rsv: extension.rsv, session: extension.open(role, parameters) };
  });
}
