// Prints the report of a runtime with a command line, as JSON.

import * as wsframe from "wsframe";
import * as streams from "wsframe/streams";
import { getFrom } from "./get.mjs";
import { report } from "./report.mjs";
import { runtime } from "./runtime.mjs";

console.log(JSON.stringify({ runtime: runtime(), ...(await report({ wsframe, streams }, getFrom(process.argv[2]))) }));
