/**
 * Creates a Python environment once, from pinned requirements, in the project's cache folder: that of the emulator, and
 * those of other tools that tests run.
 *
 * It is named by a hash of what goes into it, so that changed requirements make a new one, and moved to its name when it
 * is whole: two processes that make it at once both succeed, and none ever sees half of it.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url));

/** Which packages an environment has. */
export interface Packages {
  /** Names its folder in the cache. */
  readonly name: string;
  /** The file with the pinned requirements. */
  readonly requirements: string;
}

const EMULATOR: Packages = {
  name: 'fleet-q-fakesnow',
  requirements: fileURLToPath(new URL('requirements.txt', import.meta.url)),
};

const OLDEST: readonly [major: number, minor: number] = [3, 11];
/** The plain names first: who has put a Python in front means it. */
const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];
/** pip may have to load some 100 MB. */
const INSTALL_MS = 600_000;

/** Why there can be no emulator on this machine. */
class NoPythonError extends Error {
  override readonly name = 'NoPythonError';
}

interface Python {
  readonly command: string;
  readonly version: string;
}

/** A Python that is new enough and can make environments. */
export async function findPython(): Promise<Python> {
  const chosen = process.env['FLEET_Q_TEST_PYTHON'];
  for (const command of chosen === undefined ? NAMES : [chosen]) {
    const version = await versionOf(command);
    if (version !== undefined) return { command, version };
  }
  const wanted = `Python ${OLDEST.join('.')} or newer with its venv module`;
  throw new NoPythonError(`${wanted} was not found as ${chosen ?? NAMES.join(', ')}`);
}

async function versionOf(command: string): Promise<string | undefined> {
  try {
    // Some systems pack `ensurepip`, which venv needs, apart from Python.
    const script = 'import sys, venv, ensurepip; print(*sys.version_info[:3])';
    const { stdout } = await run(command, ['-c', script]);
    const version = stdout.trim().split(' ').map(Number);
    const [major = 0, minor = 0] = version;
    const enough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
    return enough ? version.join('.') : undefined;
  } catch {
    return undefined;
  }
}

/** The Python interpreter that has these packages (by default all that the emulator needs), made if it is not there yet. */
export async function environment(packages: Packages = EMULATOR): Promise<string> {
  const python = await findPython();
  const folder = path.join(CACHE, packages.name, await nameOf(python, packages));
  if (!(await exists(folder))) await make(python, folder, packages);
  return interpreterIn(folder);
}

async function nameOf({ version }: Python, { requirements }: Packages): Promise<string> {
  const parts = [await readFile(requirements, 'utf8'), version, process.platform, process.arch];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

async function make({ command }: Python, folder: string, { requirements }: Packages): Promise<void> {
  const cache = path.dirname(folder);
  await mkdir(cache, { recursive: true });
  const draft = path.join(cache, `making-${randomUUID()}`);
  try {
    await run(command, ['-m', 'venv', draft]);
    const install = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
    await run(interpreterIn(draft), [...install, '--requirement', requirements], { timeout: INSTALL_MS });
    await rename(draft, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error; // else another process was faster
    });
    await forgetOthers(folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Environments of earlier requirements; drafts of processes at work stay. */
async function forgetOthers(folder: string): Promise<void> {
  const cache = path.dirname(folder);
  for (const name of await readdir(cache)) {
    if (name === path.basename(folder) || name.startsWith('making-')) continue;
    await rm(path.join(cache, name), { recursive: true, force: true });
  }
}

/** `python -m …` works in an environment that was moved, other than its scripts, which name their old place. */
function interpreterIn(folder: string): string {
  return process.platform === 'win32' ? path.join(folder, 'Scripts', 'python.exe') : path.join(folder, 'bin', 'python');
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
