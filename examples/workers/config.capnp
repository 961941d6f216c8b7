# For workerd without a bundler: each file of the package is a module, under the name that the others import it by.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    # The networks that connect() can reach. By default, Workers reach only public addresses.
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:8080", http = (), service = "worker"),
    (name = "tcp", address = "127.0.0.1:8081", tcp = (), service = "worker"),
  ],
);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "wsframe", esModule = "export * from './wsframe/index.js';"),
    (name = "wsframe/index.js", esModule = embed "../../node_modules/wsframe/dist/workerd/index.js"),
    (name = "wsframe/streams", esModule = embed "../../node_modules/wsframe/dist/workerd/streams.js"),
    (name = "core.wasm", wasm = embed "../../node_modules/wsframe/dist/core.wasm"),
    (name = "deflate.wasm", wasm = embed "../../node_modules/wsframe/dist/deflate.wasm"),
  ],
  bindings = [(name = "FEED", fromEnvironment = "FEED")],
  compatibilityDate = "2026-01-01",
);
