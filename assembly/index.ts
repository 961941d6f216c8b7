// The exports of the core. A test checks that there are no others.

export { decode } from "./decode";
export { encode } from "./encode";
export { mask } from "./mask";
