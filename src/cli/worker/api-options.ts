/**
 * Where the HTTP API listens, and the token that it asks for: from flags, then `FLEET_Q_API_*`, then the defaults.
 *
 * Invariants:
 * - The token comes from the environment alone, and is never part of a message.
 * - An address that other hosts can reach is refused without a token, before anything is opened.
 */
import { isIP } from 'node:net';
import { Option } from 'commander';
import { UsageError } from '../exit-codes.js';
import type { Environment } from '../io.js';

export interface ApiFlags {
  readonly host?: string;
  readonly port?: string;
}

/** The flags `--host` and `--port`. */
export function apiFlagOptions(): readonly [host: Option, port: Option] {
  return [
    new Option('--host <address>', 'Where HTTP listens. Default: FLEET_Q_API_HOST, else 127.0.0.1.'),
    new Option('--port <port>', 'Its port; 0 for a free one. Default: FLEET_Q_API_PORT, else 8000.'),
  ];
}

export interface ApiOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '8000';
/** What `fleet-q/http` asks for. */
const SHORTEST_TOKEN = 16;

/** @throws UsageError */
export function apiOptions(flags: ApiFlags, env: Environment): ApiOptions {
  const { host, port, hostSource } = address(flags, env);
  const token = tokenOf(env);
  if (token === undefined && !isLoopback(host)) {
    throw new UsageError(
      `${hostSource}: ${host} can be reached from other hosts, and FLEET_Q_API_TOKEN is not set. Set it to a long random ` +
        'text that callers send as a bearer token, or listen at 127.0.0.1',
    );
  }
  return { host, port, token };
}

/**
 * The address at which a process of the same host reaches the API.
 *
 * @throws UsageError
 */
export function localUrl(env: Environment): string {
  const { host, port } = address({}, env);
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIP(reachable) === 6 ? `[${reachable}]` : reachable}:${port}`;
}

function address(flags: ApiFlags, env: Environment) {
  const [host, hostSource] = chosen(flags.host, '--host', 'FLEET_Q_API_HOST', env, DEFAULT_HOST);
  const [port, portSource] = chosen(flags.port, '--port', 'FLEET_Q_API_PORT', env, DEFAULT_PORT);
  if (/[\s/]/.test(host) || host === '' || (host.includes(':') && isIP(host) === 0))
    throw new UsageError(
      `${hostSource}: expected a host name or an address without a port, got ${JSON.stringify(host)}`,
    );
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`${portSource}: expected a port from 0 to 65535, got ${JSON.stringify(port)}`);
  return { host, port: Number(port), hostSource };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function chosen(
  flag: string | undefined,
  flagName: string,
  variable: string,
  env: Environment,
  standard: string,
): readonly [value: string, source: string] {
  if (flag !== undefined) return [flag, flagName];
  const text = env[variable] ?? '';
  return text === '' ? [standard, variable] : [text, variable];
}

function tokenOf(env: Environment): string | undefined {
  const token = tokenIn(env['FLEET_Q_API_TOKEN']);
  if (token !== undefined && token.length < SHORTEST_TOKEN)
    throw new UsageError(
      `FLEET_Q_API_TOKEN: expected at least ${SHORTEST_TOKEN} characters, got ${token.length}; make one with openssl rand -hex 32`,
    );
  return token;
}

/**
 * The token that the text of `FLEET_Q_API_TOKEN` is; `undefined` if it is empty.
 *
 * @throws UsageError if no header can carry it
 */
export function tokenIn(text = ''): string | undefined {
  if (text === '') return undefined;
  // Secrets made from a file often end in a line break.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    const hint = /\s$/.test(text) ? '; does the secret end in a line break?' : '';
    throw new UsageError(`FLEET_Q_API_TOKEN: expected printable ASCII without spaces${hint}`);
  }
  return text;
}
