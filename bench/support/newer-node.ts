/** A newer Node.js than the host's, from npm's `node` package, for peers that need one. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function newerNode(): string {
  const executable = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  return existsSync(executable) ? executable : process.execPath;
}
