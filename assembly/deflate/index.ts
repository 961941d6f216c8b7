export { inflate } from "./inflate";
export { deflate } from "./deflate";
export { append, clear, reindex } from "./matcher";
export { warm } from "./warm";
