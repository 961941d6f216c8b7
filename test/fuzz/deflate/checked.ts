// The published core with a check before each load and store. binaryen's pass "instrument-memory" makes it call
// load_ptr and store_ptr with the address, and copies and fills are replaced by checked ones. AssemblyScript compiles
// with binaryen too.

import binaryen from "binaryen";
import { DEFLATE_HEX } from "../../../src/deflate/core/embedded.ts";

/** An address range, from the first address up to but not including the second. */
export type Range = readonly [from: number, to: number];

/** Instructions that "instrument-memory" supports or that are replaced below. Any others would not be checked. */
const KNOWN = /^(?:(?:i32|i64|f32|f64|v128)\.(?:load|store)(?:8|16|32)?(?:_[su])?|memory\.(?:copy|fill))$/;

/** Checks of accesses to ranges of addresses. Accesses to values have no address. */
const HELPERS = `
 (func $checked_copy (param $to i32) (param $from i32) (param $length i32)
  (memory.copy
   (call $store_ptr (i32.const -1) (local.get $length) (i32.const 0) (local.get $to))
   (call $load_ptr (i32.const -1) (local.get $length) (i32.const 0) (local.get $from))
   (local.get $length)))
 (func $checked_fill (param $to i32) (param $value i32) (param $length i32)
  (memory.fill
   (call $store_ptr (i32.const -2) (local.get $length) (i32.const 0) (local.get $to))
   (local.get $value)
   (local.get $length)))
`;

const EVERYWHERE: readonly Range[] = [[0, Infinity]];

let compiled: WebAssembly.Module | undefined;

function compile(): WebAssembly.Module {
  const module = binaryen.readBinary(Buffer.from(DEFLATE_HEX, "hex"));
  module.setFeatures(binaryen.Features.All);
  const unknown = [...module.emitText().matchAll(/\((\w+\.\w*(?:load|store|copy|fill|atomic|init)\w*)/g)]
    .map(([, name]) => name!)
    .filter((name) => !KNOWN.test(name));
  if (unknown.length > 0) throw new Error(`no check for ${[...new Set(unknown)].join(", ")}`);
  module.runPasses(["instrument-memory"]);
  const text = module
    .emitText()
    // Imports that take a value return that value.
    .replaceAll(
      / \(import "env" "(?!load_ptr|store_ptr)\w+" \(func (\$\w+) \(type \S+\) \((.*)\) \(result (\w+)\)\)\)/g,
      (...found) => {
        const [, name, parameters, result] = found as [string, string, string, string];
        const last = parameters.split(" ").length - 2;
        return ` (func ${name} (${parameters}) (result ${result}) (local.get ${last}))`;
      },
    )
    .replaceAll("(memory.copy", "(call $checked_copy")
    .replaceAll("(memory.fill", "(call $checked_fill")
    .replace(/\)\s*$/, `${HELPERS})`);
  // Imports must come first.
  const imports = [...text.matchAll(/^ \(import .*\n/gm)].map(([line]) => line);
  const rest = imports.reduce((left, line) => left.replace(line, ""), text);
  const whole = rest.replace("(module\n", `(module\n${imports.join("")}`);
  const checked = binaryen.parseText(whole);
  checked.setFeatures(binaryen.Features.All);
  return new WebAssembly.Module(checked.emitBinary() as Uint8Array<ArrayBuffer>);
}

/** Thrown for an access outside the allowed ranges. */
export class OutOfBounds extends Error {
  override name = "OutOfBounds";
}

export interface CheckedInstance {
  readonly exports: WebAssembly.Exports;
  /** Limits later accesses to these ranges. */
  allow(reads: readonly Range[], writes: readonly Range[]): void;
}

/** An instance whose accesses are checked. Before allow(), all are allowed. */
export function checkedInstance(): CheckedInstance {
  compiled ??= compile();
  let reads: readonly Range[] = EVERYWHERE;
  let writes: readonly Range[] = EVERYWHERE;
  const check = (kind: string, ranges: readonly Range[], id: number, length: number, address: number): void => {
    for (const range of ranges) if (address >= range[0] && address + length <= range[1]) return;
    const allowed = ranges.map(([from, to]) => `${from} to ${to}`).join(", ");
    throw new OutOfBounds(`${kind} ${id} of ${length} bytes at ${address}, and not in ${allowed}`);
  };
  const { exports } = new WebAssembly.Instance(compiled, {
    env: {
      load_ptr(id: number, length: number, offset: number, address: number): number {
        check("load", reads, id, length >>> 0, (address >>> 0) + (offset >>> 0));
        return address;
      },
      store_ptr(id: number, length: number, offset: number, address: number): number {
        check("store", writes, id, length >>> 0, (address >>> 0) + (offset >>> 0));
        return address;
      },
    },
  });
  return {
    exports,
    allow(newReads, newWrites) {
      reads = newReads;
      writes = newWrites;
    },
  };
}
