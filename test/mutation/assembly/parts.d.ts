interface Core {
  readonly name: string;
  readonly entry: string;
  readonly target: string;
}
interface Part {
  readonly core: Core;
  readonly files: string[];
  readonly tests: string[];
}

export const core: Core;
export const deflate: Core;
export const PARTS: Readonly<Record<"frames" | "deflating" | "inflating", Part>>;
export const OTHERS: RegExp;
