// The names of the options of wsframe/node, and hints for the names that other packages use.

import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { NAMES_OF_WS } from "../frame/names-of-ws.ts";
import type { AcceptOptions, HandshakeRequest, RequestOptions } from "../index.ts";
import type { ConnectOptions } from "./connect.ts";
import type { ConnectionOptions } from "./options.ts";
import type { ServeOptions } from "./serve.ts";
import type { UpgradeOptions } from "./upgrade.ts";

const CONNECTION: Names<ConnectionOptions> = {
  allocate: true,
  allowInvalidClose: true,
  allowInvalidUtf8: true,
  allowMasked: true,
  allowNonMinimalLength: true,
  allowUnmasked: true,
  autoPong: true,
  binaryType: true,
  closeTimeout: true,
  core: true,
  directReads: true,
  directWrites: true,
  discardUnread: true,
  fragmentSize: true,
  highWaterMark: true,
  idleTimeout: true,
  limits: true,
  maskKey: true,
  maxBufferedAmount: true,
  overflow: true,
  pingInterval: true,
  pongTimeout: true,
  sliceSize: true,
  textSlack: true,
  textType: true,
};

const ACCEPT: Names<AcceptOptions> = { checkOrigin: true, extensions: true, headers: true, protocols: true };

const UPGRADE: Names<UpgradeOptions<HandshakeRequest>> = { ...ACCEPT, ...CONNECTION, onRefused: true };

const SERVE: Names<ServeOptions> = {
  ...UPGRADE,
  handshakeTimeout: true,
  host: true,
  http2: true,
  onRequest: true,
  path: true,
  port: true,
  server: true,
  socketPath: true,
  tls: true,
  verify: true,
};

const REQUEST: Names<RequestOptions> = { extensions: true, headers: true, key: true, origin: true, protocols: true };

const CONNECT: Names<ConnectOptions> = {
  ...REQUEST,
  ...CONNECTION,
  agent: true,
  handshakeTimeout: true,
  http2: true,
  signal: true,
  socketPath: true,
  tls: true,
};

const IN_TLS = "put it into `tls`";

/** Options of node:tls and node:https that ws accepts beside its own. */
const NAMES_OF_TLS: Hints = {
  ALPNProtocols: IN_TLS,
  ca: IN_TLS,
  cert: IN_TLS,
  checkServerIdentity: IN_TLS,
  ciphers: IN_TLS,
  crl: IN_TLS,
  dhparam: IN_TLS,
  ecdhCurve: IN_TLS,
  key: IN_TLS,
  maxVersion: IN_TLS,
  minVersion: IN_TLS,
  passphrase: IN_TLS,
  pfx: IN_TLS,
  rejectUnauthorized: IN_TLS,
  requestCert: IN_TLS,
  secureContext: IN_TLS,
  secureOptions: IN_TLS,
  secureProtocol: IN_TLS,
  servername: IN_TLS,
  session: IN_TLS,
  SNICallback: IN_TLS,
};

const SERVER_HINTS: Hints = { ...NAMES_OF_WS, ...NAMES_OF_TLS, hostname: "use `host`" };

const IN_URL = "put it into the URL";
const OF_REDIRECTS = "connect() does not follow redirects; it throws a HandshakeError with the `location`";

/** @internal */
export const CLIENT_HINTS: Hints = {
  ...NAMES_OF_WS,
  ...NAMES_OF_TLS,
  auth: "put user and password into the URL",
  createConnection: "use an `agent`",
  family: IN_TLS,
  finishRequest: "there is no equivalent; use `headers`, or an `agent`",
  followRedirects: OF_REDIRECTS,
  generateMask: "use `maskKey`",
  host: `${IN_URL}, or a header field Host into \`headers\``,
  hostname: IN_URL,
  localAddress: IN_TLS,
  localPort: IN_TLS,
  lookup: IN_TLS,
  maxRedirects: OF_REDIRECTS,
  path: IN_URL,
  port: IN_URL,
  protocolVersion: "there is no equivalent; the version is 13",
  timeout: "use `handshakeTimeout`",
};

/** @throws TypeError @internal */
export function checkServeNames(options: unknown): void {
  checkNames("serve()", options, SERVE, SERVER_HINTS);
}

/** @throws TypeError @internal */
export function checkConnectNames(options: unknown): void {
  if (typeof options === "string" || Array.isArray(options)) {
    throw new TypeError(
      "The second argument of connect() must be its options; use the option `protocols` for subprotocols",
    );
  }
  checkNames("connect()", options, CONNECT, CLIENT_HINTS);
}

/** The options of acceptHandshake(), without those of the connection. @internal */
export function acceptOptions(options: UpgradeOptions<never>): AcceptOptions {
  const { checkOrigin, extensions, headers, protocols } = options as AcceptOptions;
  return { checkOrigin, extensions, headers, protocols };
}

/** The options of createRequest(), without those of the connection. @internal */
export function requestOptions({ extensions, headers, key, origin, protocols }: RequestOptions): RequestOptions {
  return { extensions, headers, key, origin, protocols };
}

/** Options that have been checked. A server passes the same object for each request. */
const checked: WeakSet<object> = new WeakSet();

/** Called for each request. @throws TypeError @internal */
export function checkUpgradeNames(of: "upgrade()" | "acceptStream()", options: object): void {
  if (checked.has(options)) return;
  checkNames(of, options, UPGRADE, SERVER_HINTS);
  checked.add(options);
}
