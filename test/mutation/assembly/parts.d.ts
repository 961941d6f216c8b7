export const PARTS: Readonly<Record<string, { readonly tests: readonly string[] }>>;
export const OTHERS: RegExp;
