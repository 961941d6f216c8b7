// UTF-8 that the core has not checked.

const fatal: TextDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws TypeError if it is not UTF-8 @internal */
export function decodeValidUtf8(bytes: Uint8Array): string {
  return fatal.decode(bytes);
}
