// Which core runs a call. One for a thread, whatever the number of connections; a call made inside a
// callback of another call gets the next one, so that neither sees the other's windows.

import { LARGE_SIZE } from "../../assembly/memory.ts";
import type { Core, CoreChoice } from "./core.ts";
import { createPortableCore } from "./portable.ts";
import { createWasmCore } from "./wasm.ts";

/** What coreInfo() tells. */
export interface CoreInfo {
  /** The core that `core: "auto"` uses here. */
  readonly kind: "wasm" | "portable";
  /** Why it is not the WASM core. */
  readonly reason?: string;
}

/**
 * A stack of cores of one kind. Take one with enter(), and call leave() in a `finally`.
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

  /** The core of calls that are not inside others: the one that transports read into. */
  first(): Core {
    return (this.#cores[0] ??= this.#create());
  }

  /** The one with a SHARED window. It runs calls that are not inside others of its own. */
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
 * The engines for a choice of core. Loads the core at the first call.
 * @throws TypeError for an unknown choice
 * @throws Error for `"wasm"` where it cannot be compiled, with the cause
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
      if (engines === undefined) throw new Error("The WASM core cannot be compiled here", { cause: wasmError });
      return engines;
    }
    default:
      throw new TypeError('core must be "auto", "wasm" or "portable"');
  }
}

/** Which core is in use where nothing else is asked for, and why. Loads it, if no call has done so yet. */
export function coreInfo(): CoreInfo {
  return wasmEngines() === undefined ? { kind: "portable", reason: String(wasmError) } : { kind: "wasm" };
}
