import { get } from "node:http";

/** Fetches the captures for report(). It does not use fetch(), because Node's needs WebAssembly. */
export function getFrom(origin) {
  return (path) =>
    new Promise((resolve, reject) => {
      get(origin + path, (response) => {
        const parts = [];
        response.on("data", (part) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) resolve(new Uint8Array(Buffer.concat(parts)));
          else reject(new Error(`${path}: ${response.statusCode}`));
        });
      }).on("error", reject);
    });
}
