/**
 * The servers that some peers need: PostgreSQL and Redis, if they are installed. They listen on loopback only, keep their
 * data in a temporary folder, and end with the benchmark.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pause } from './measure.js';
import { freePort } from './free-port.js';

const run = promisify(execFile);

export interface Servers {
  readonly postgres: Postgres | undefined;
  readonly redis: Redis | undefined;
}

export async function startServers(): Promise<Servers> {
  return { postgres: await Postgres.start(), redis: await Redis.start() };
}

export async function stopServers({ postgres, redis }: Servers): Promise<void> {
  await postgres?.stop();
  await redis?.stop();
}

/** PostgreSQL refuses to run as root; Debian's package creates a user for it. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

class Postgres {
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #server: ChildProcess;

  private constructor(bin: string, folder: string, port: number, server: ChildProcess) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
    this.#server = server;
  }

  static async start(): Promise<Postgres | undefined> {
    const bin = postgresPrograms();
    if (bin === undefined) return undefined;
    const as = owner();
    const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-bench-postgres-'));
    if (as !== undefined) chownSync(folder, as.uid, as.gid);
    const data = path.join(folder, 'data');
    await run(path.join(bin, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], {
      ...as,
      cwd: folder,
    });
    const port = await freePort();
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, `port=${port}`];
    const flags = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const server = spawn(path.join(bin, 'postgres'), flags, { ...as, cwd: folder, stdio: 'ignore' });
    const postgres = new Postgres(bin, folder, port, server);
    await until(() => postgres.#do('pg_isready', []));
    return postgres;
  }

  /** Makes a database. @param full `synchronous_commit`: an acknowledged commit survives a power loss */
  async database(name: string, full: boolean): Promise<string> {
    await this.#do('createdb', ['-U', 'bench', name]);
    const setting = `-c synchronous_commit=${full ? 'on' : 'off'}`;
    return `postgres://bench@127.0.0.1:${this.#port}/${name}?options=${encodeURIComponent(setting)}`;
  }

  async drop(name: string): Promise<void> {
    await this.#do('dropdb', ['-U', 'bench', '--force', name]);
  }

  async stop(): Promise<void> {
    await ended(this.#server, 'SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #do(program: string, args: readonly string[]): Promise<unknown> {
    return run(path.join(this.#bin, program), ['-h', '127.0.0.1', '-p', String(this.#port), ...args]);
  }
}

class Redis {
  readonly port: number;
  readonly #folder: string;
  readonly #server: ChildProcess;

  private constructor(port: number, folder: string, server: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#server = server;
  }

  static async start(): Promise<Redis | undefined> {
    if (!onPath('redis-server') || !onPath('redis-cli')) return undefined;
    const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-bench-redis-'));
    const port = await freePort();
    // As https://docs.bullmq.io/guide/going-to-production asks: an append-only file, and nothing is evicted.
    const settings = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
    const server = spawn('redis-server', ['--port', String(port), ...settings, '--maxmemory-policy', 'noeviction'], {
      stdio: 'ignore',
    });
    const redis = new Redis(port, folder, server);
    await until(() => redis.#do('ping'));
    return redis;
  }

  /** Empties it. @param full whether each write is synced before it is acknowledged; else once a second */
  async empty(full: boolean): Promise<void> {
    await this.#do('flushall');
    await this.#do('config', 'set', 'appendfsync', full ? 'always' : 'everysec');
  }

  async stop(): Promise<void> {
    await ended(this.#server, 'SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #do(...command: string[]): Promise<void> {
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(this.port), ...command]);
    if (!/^(OK|PONG)/.test(stdout)) throw new Error(`redis: ${stdout}`);
  }
}

/** Debian keeps them out of the path, in a folder for each version. */
function postgresPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => path.join(root, version, 'bin')), ...pathFolders()];
  return folders.find((folder) =>
    ['initdb', 'postgres', 'createdb'].every((name) => existsSync(path.join(folder, name))),
  );
}

const pathFolders = (): string[] => (process.env['PATH'] ?? '').split(path.delimiter);
const onPath = (program: string): boolean => pathFolders().some((folder) => existsSync(path.join(folder, program)));

async function until(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await pause(100);
    }
  }
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill(signal);
  await exit;
}
