// Chooses the core for a call. All connections of a thread share one core. A call inside a callback of another call
// gets the next core, so that neither changes the other's windows.

import { LARGE_SIZE } from "../../assembly/memory.ts";
import type { Core, CoreChoice } from "./core.ts";
import { createPortableCore } from "./portable.ts";
import { createWasmCore } from "./wasm.ts";

/** The result of coreInfo(). */
export interface CoreInfo {
  /** The core that `core: "auto"` uses here. */
  readonly kind: "wasm" | "portable";
  /** Why the WASM core is not used. */
  readonly reason?: string;
}

/**
 * A stack of cores of one kind. Take a core with enter(), and call leave() in a `finally`.
 * @internal
 */
export class Engines {
  readonly #create: (size?: number) => Core;
  readonly #cores: Core[] = [];
  #large: Core | undefined = undefined;
  #depth = 0;

  constructor(create: (size?: number) => Core) {
    this.#create = create;
  }

  enter(): Core {
    const core = (this.#cores[this.#depth] ??= this.#create());
    this.#depth++;
    return core;
  }

  leave(): void {
    this.#depth--;
  }

  /** The core of calls that are not nested. Transports read into it. */
  first(): Core {
    return (this.#cores[0] ??= this.#create());
  }

  /** The core with a SHARED window. It runs calls that are not nested in other calls of its own. */
  large(): Core {
    return (this.#large ??= this.#create(LARGE_SIZE));
  }
}

const portable: Engines = /* @__PURE__ */ new Engines(createPortableCore);
let wasm: Engines | undefined;
let wasmError: unknown;

function wasmEngines(): Engines | undefined {
  if (wasm === undefined && wasmError === undefined) {
    const engines = new Engines(createWasmCore);
    try {
      engines.first();
      wasm = engines;
    } catch (error) {
      wasmError = error ?? "unknown";
    }
  }
  return wasm;
}

/**
 * Returns the engines for a choice of core. The first call loads the core.
 * @throws TypeError if the choice is unknown
 * @throws Error if the choice is `"wasm"` and WebAssembly cannot be compiled, with the cause
 * @internal
 */
export function enginesFor(choice: CoreChoice = "auto"): Engines {
  switch (choice) {
    case "auto":
      return wasmEngines() ?? portable;
    case "portable":
      return portable;
    case "wasm": {
      const engines = wasmEngines();
      if (engines === undefined)
        throw new Error('The WASM core cannot be compiled here: use core "auto"', { cause: wasmError });
      return engines;
    }
    default:
      throw new TypeError('core must be "auto", "wasm" or "portable"');
  }
}

/** Returns which core `"auto"` uses here, and why. Loads the core if no call has done so yet. */
export function coreInfo(): CoreInfo {
  return wasmEngines() === undefined ? { kind: "portable", reason: String(wasmError) } : { kind: "wasm" };
}
