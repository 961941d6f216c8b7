// The exports of the core, and nothing else. A test asserts that there are no more.

export { decode } from "./decode";
export { encode } from "./encode";
export { mask } from "./mask";
