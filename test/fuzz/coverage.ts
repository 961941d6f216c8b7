// Records the branches that a run has reached. bundle/ puts a mark into each branch of src/ and assembly/. A mark
// reports here the first time its branch runs.

/** One file and its marks. */
interface Marked {
  readonly file: string;
  /** The line of each mark. */
  readonly lines: readonly number[];
  readonly reached: Uint8Array;
}

/** A file of AssemblyScript whose marks are bits of global variables. */
export interface AssemblyFile {
  readonly file: string;
  readonly lines: readonly number[];
  /** The names of the variables, 32 marks in each. */
  readonly words: readonly string[];
}

export interface Reached {
  readonly reached: number;
  readonly total: number;
}

/** The global name under which marked code finds the recorder. */
export const GLOBAL = "wsframeFuzzCoverage";

const WORD = 32;

export class Coverage {
  readonly #files: Marked[] = [];
  readonly #assembly: ReadonlyMap<string, { readonly marked: Marked; readonly first: number }>;
  /** The marked variables of all instances created so far, with the position of their marks. */
  readonly #words: {
    readonly word: WebAssembly.Global<"i32">;
    readonly marked: Marked;
    readonly first: number;
    seen: number;
  }[] = [];
  #fresh = false;

  constructor(assembly: readonly AssemblyFile[]) {
    const words = new Map<string, { marked: Marked; first: number }>();
    for (const { file, lines, words: names } of assembly) {
      const marked: Marked = { file, lines, reached: new Uint8Array(lines.length) };
      for (const [i, name] of names.entries()) words.set(name, { marked, first: i * WORD });
    }
    this.#assembly = words;
  }

  /** Watches each WebAssembly instance that is created from now on. */
  watchInstances(): void {
    const added = (exports: WebAssembly.Exports): void => this.#add(exports);
    WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
      construct(target, args, newTarget) {
        const instance = Reflect.construct(target, args, newTarget) as WebAssembly.Instance;
        added(instance.exports);
        return instance;
      },
    });
  }

  #add(exports: WebAssembly.Exports): void {
    for (const [name, value] of Object.entries(exports)) {
      const place = this.#assembly.get(name);
      if (place === undefined || !(value instanceof WebAssembly.Global)) continue;
      // The files of a core count only once the core is used.
      if (!this.#files.includes(place.marked)) this.#files.push(place.marked);
      this.#words.push({ word: value as WebAssembly.Global<"i32">, ...place, seen: 0 });
    }
  }

  /**
   * A marked file calls this when it loads. It returns the marks of the file, and the function to call the first time a
   * branch runs.
   */
  register(file: string, lines: readonly number[]): readonly [reached: Uint8Array, hit: (id: number) => void] {
    const reached = new Uint8Array(lines.length);
    this.#files.push({ file, lines, reached });
    return [
      reached,
      (id) => {
        reached[id] = 1;
        this.#fresh = true;
      },
    ];
  }

  /** Whether a branch was reached for the first time since the last call. */
  isNew(): boolean {
    for (const each of this.#words) {
      const value = each.word.value;
      if (value === each.seen) continue;
      each.seen = value;
      const { marked, first } = each;
      for (let bit = 0; bit < WORD; bit++) {
        if (((value >>> bit) & 1) === 0 || marked.reached[first + bit] === 1) continue;
        marked.reached[first + bit] = 1;
        this.#fresh = true;
      }
    }
    const fresh = this.#fresh;
    this.#fresh = false;
    return fresh;
  }

  get summary(): string {
    const typescript = this.count((file) => file.startsWith("src/"));
    const assembly = this.count((file) => file.startsWith("assembly/"));
    return `reached ${typescript.reached}/${typescript.total} of TypeScript, ${assembly.reached}/${assembly.total} of AssemblyScript`;
  }

  /** The table of branches by folder. */
  get table(): string {
    const folders = new Set(this.#files.map(({ file }) => folderOf(file)));
    const rows = [...folders].sort().map((folder) => {
      const { reached, total } = this.count((file) => folderOf(file) === folder);
      return `  ${folder.padEnd(24)} ${`${reached}/${total}`.padStart(10)} ${((reached / total) * 100).toFixed(1).padStart(6)} %`;
    });
    return ["branches reached:", ...rows].join("\n");
  }

  /** The lines of unreached branches in the files that were loaded. */
  get unreached(): string {
    return this.#files
      .filter(({ reached }) => reached.includes(1))
      .map(({ file, lines, reached }) => {
        const missing = new Set(lines.filter((_, i) => reached[i] === 0));
        return missing.size === 0 ? "" : `  ${file}: ${[...missing].join(" ")}`;
      })
      .filter((row) => row !== "")
      .sort()
      .join("\n");
  }

  count(of: (file: string) => boolean): Reached {
    let reached = 0;
    let total = 0;
    for (const each of this.#files) {
      if (!of(each.file)) continue;
      total += each.reached.length;
      for (const one of each.reached) reached += one;
    }
    return { reached, total };
  }
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}
