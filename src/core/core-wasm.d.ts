// The type of an imported core, where WebAssembly modules can be imported (workerd, bundlers).
declare module "wsframe/core.wasm" {
  const core: WebAssembly.Module;
  export default core;
}
declare module "wsframe/deflate.wasm" {
  const core: WebAssembly.Module;
  export default core;
}
