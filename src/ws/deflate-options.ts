import { type Extension, perMessageDeflate } from "../index.ts";
export interface PerMessageDeflateOptions {
  readonly threshold?: number;
}
export function extensionOf(_options: true | PerMessageDeflateOptions, _role: string, _max?: number): Extension {
  return perMessageDeflate();
}
