/**
 * Compiles a module that is embedded in hexadecimal digits. Throws if WebAssembly is missing or must not be compiled.
 */
export function compileHex(hex: string): WebAssembly.Module {
  const length = hex.length / 2;
  const view = new DataView(new ArrayBuffer(length + 3));
  // Four bytes at a time, because V8 stops optimizing a loop over all digits.
  for (let at = 0; at < length; at += 4) {
    view.setUint32(at, parseInt(hex.slice(2 * at, 2 * at + 8).padEnd(8, "0"), 16));
  }
  return new WebAssembly.Module(new Uint8Array(view.buffer, 0, length));
}
