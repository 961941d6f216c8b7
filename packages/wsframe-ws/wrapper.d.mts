export * from "wsframe/ws";
export { default } from "wsframe/ws";
