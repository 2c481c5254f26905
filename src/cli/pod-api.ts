/**
 * Calls the HTTP API of a pod.
 *
 * Invariants:
 * - The token comes from `FLEET_Q_API_TOKEN` alone. It is sent to the address that the user named, never to the target
 *   of a redirect, and it is never printed.
 * - An answer that is an error becomes one line: what the pod says, and its code.
 */
import { Option } from 'commander';
import { FailedError, UnreachableError, UsageError } from './exit-codes.js';
import type { Environment } from './io.js';
import { localUrl, tokenIn } from './worker/api-options.js';

export interface PodFlags {
  readonly url?: string;
}

export function urlOption(): Option {
  return new Option(
    '--url <url>',
    'The HTTP API of the pod. Default: FLEET_Q_API_HOST and FLEET_Q_API_PORT, else http://127.0.0.1:8000.',
  );
}

const TIMEOUT_MS = 30_000;

export class PodApi {
  readonly #base: URL;
  readonly #token: string | undefined;

  /** @throws UsageError */
  constructor(env: Environment, { url }: PodFlags) {
    this.#base = baseOf(url ?? localUrl(env));
    // Secrets made from a file often end in a line break. `fetch` would quote a token that it cannot send.
    this.#token = tokenIn(env['FLEET_Q_API_TOKEN']?.trim());
  }

  get(path: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return this.#call('GET', path, undefined, signal);
  }

  post(path: string, body: object, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    return this.#call('POST', path, body, signal);
  }

  async #call(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const target = new URL(`${this.#base.pathname.replace(/\/$/, '')}${path}`, this.#base);
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const answer = await fetch(target, {
        method,
        redirect: 'manual',
        signal: AbortSignal.any([signal, limit]),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return await this.#read(answer);
    } catch (error) {
      if (error instanceof FailedError || error instanceof UnreachableError) throw error;
      throw this.#unreachable(limit.aborted ? `no answer within ${TIMEOUT_MS / 1_000} s` : reasonOf(error));
    }
  }

  async #read(answer: globalThis.Response): Promise<Readonly<Record<string, unknown>>> {
    const json = (await answer.json().catch(() => undefined)) as Record<string, unknown> | null | undefined;
    if (answer.ok && typeof json === 'object' && json !== null) return json;
    const { detail, title, code } = json ?? {};
    if (typeof code !== 'string')
      throw new FailedError(`${this.#base.href} answered ${answer.status}: is it a pod of FLEET-Q?`);
    const said = typeof detail === 'string' ? detail : String(title);
    if (answer.status === 503) throw this.#unreachable(`${said} (${code})`);
    const hint = answer.status === 401 ? '; set FLEET_Q_API_TOKEN to the token of the pod' : '';
    throw new FailedError(`${said}${hint} (${code})`);
  }

  #unreachable(reason: string): UnreachableError {
    return new UnreachableError(`the pod at ${this.#base.href} cannot be asked: ${reason}`);
  }
}

function baseOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url: expected http://HOST:PORT, got ${JSON.stringify(text)}`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url: expected a URL without a password; set FLEET_Q_API_TOKEN instead');
  return url;
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Partial<Error> & { readonly cause?: Partial<NodeJS.ErrnoException> };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
