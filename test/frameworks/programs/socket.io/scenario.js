// Runs one scenario with a server and its clients in this process. Prints a report.
//
//   node scenario.js <name of a function of scenarios.js> [<folder of wsframe, for its server as wsEngine>]

import { engineOptions } from "./support.js";

const scenarios = await import("./scenarios.js");
const [name, folder] = process.argv.slice(2);
console.log(JSON.stringify(await scenarios[name](engineOptions(folder))));
