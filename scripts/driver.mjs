/**
 * Installs the better-sqlite3 that works on the Node.js that runs this checkout. `npm run build` calls it first.
 *
 * The lockfile names version 13, which needs Node.js 22.14 or later and no compiler. The driver is an optional
 * dependency, so `npm ci` on an older Node.js leaves version 13 out. There this script installs version 12, which is
 * compiled, and leaves the lockfile as it is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NODE_API = 10;
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file) => JSON.parse(readFileSync(`${root}/${file}`, 'utf8'));

const [older] = read('package.json').optionalDependencies['better-sqlite3'].match(/12\.\d+\.\d+/);
if (Number(process.versions.napi) < NODE_API && !installedVersion().startsWith('12.')) {
  install(`better-sqlite3@${older}`);
}

/** Empty if the driver is not installed. */
function installedVersion() {
  const manifest = 'node_modules/better-sqlite3/package.json';
  return existsSync(`${root}/${manifest}`) ? read(manifest).version : '';
}

function install(driver) {
  console.log(`Node.js ${process.versions.node} needs ${driver}`);
  const flags = ['--no-save', '--no-audit', '--no-fund', '--prefer-offline'];
  const { status, error } = spawnSync('npm', ['install', ...flags, driver], { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
