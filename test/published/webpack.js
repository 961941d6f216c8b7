// Bundles a program with webpack: node webpack.js <entry> <target> <file to write>

import { basename, dirname } from "node:path";
import webpack from "webpack";

const [entry, target, output] = process.argv.slice(2);
const options = {
  mode: "production",
  entry,
  target,
  optimization: { minimize: false },
  context: dirname(entry),
  output: { path: dirname(output), filename: basename(output) },
};
webpack(options, (error, stats) => {
  if (error) throw error;
  console.log(stats.toString({ all: false, errors: true, warnings: true }));
  if (stats.hasErrors()) process.exitCode = 1;
});
