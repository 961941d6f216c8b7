export function makeMessages(): (string | Uint8Array<ArrayBuffer>)[];
export function digestOf(messages: readonly (string | Uint8Array)[]): Promise<string>;
export function sha256(bytes: Uint8Array): Promise<string>;
