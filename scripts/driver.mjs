/**
 * Gives this checkout the better-sqlite3 that works on the Node.js that runs it; `npm run build` calls it first.
 *
 * The lockfile has version 13, which needs no compiler and Node.js 22.14 or later. On an older Node.js the application
 * of a user gets version 12, which its install script compiles; so does a checkout, without a change of the lockfile.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_API = 10;
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file) => JSON.parse(readFileSync(`${root}/${file}`, 'utf8'));

const [older] = read('package.json').dependencies['better-sqlite3'].match(/12\.\d+\.\d+/);
const installed = 'node_modules/better-sqlite3/package.json';
if (Number(process.versions.napi) < NODE_API && existsSync(`${root}/${installed}`)) {
  if (!read(installed).version.startsWith('12.')) install(`better-sqlite3@${older}`);
}

function install(driver) {
  console.log(`Node.js ${process.versions.node} needs ${driver}`);
  const flags = ['--no-save', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, error } = spawnSync('npm', ['install', ...flags, driver], { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
