// What an import of a compiled core gives where modules of WebAssembly can be imported (workerd, bundlers).
declare module "wsframe/core.wasm" {
  const core: WebAssembly.Module;
  export default core;
}
declare module "wsframe/deflate.wasm" {
  const core: WebAssembly.Module;
  export default core;
}
