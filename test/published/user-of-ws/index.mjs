export * from "ws";
export { default } from "ws";
