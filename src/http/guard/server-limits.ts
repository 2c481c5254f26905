/** The limits of a server: how long each phase of a request may take, and how many connections there may be. */
import { ValidationError } from '../../index.js';
import { integer } from '../../input/field-checks.js';

/** Limits against slow, silent and absent clients. Times are in ms. */
export interface ServerLimits {
  /** From the first byte, or the connection, to the end of the headers. Default 10,000. */
  readonly headersTimeoutMs: number;
  /** From the first byte to the end of the body. Default 30,000. */
  readonly requestTimeoutMs: number;
  /** From the answer to the moment when the client has taken all of it. Default 30,000. */
  readonly answerTimeoutMs: number;
  /** Between two requests of a connection. Default 65,000: more than a load balancer's usual 60 s. */
  readonly keepAliveTimeoutMs: number;
  /** For requests that are being served when the server closes. Default 5,000. */
  readonly closeTimeoutMs: number;
  /** Connections at a time; further ones are closed at once. Default 1,000. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: ServerLimits = Object.freeze({
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  answerTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  closeTimeoutMs: 5_000,
  maxConnections: 1_000,
});

const isLimit = integer(1, 2_147_483_647);

/**
 * Takes the limits out of options. Those that are not given have their defaults.
 *
 * @throws ValidationError `OPTION_INVALID`, naming the limit
 */
export function limitsOf<T extends object>(
  options: T & Partial<ServerLimits>,
): { readonly limits: ServerLimits; readonly rest: Omit<T, keyof ServerLimits> } {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof ServerLimits)[];
  const given: Partial<Record<keyof ServerLimits, unknown>> = options;
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(DEFAULT_LIMITS, name)));
  const limits = Object.fromEntries(names.map((name) => [name, given[name] ?? DEFAULT_LIMITS[name]]));
  for (const name of names) isLimit(limits[name], name, 'OPTION_INVALID');
  const { headersTimeoutMs, requestTimeoutMs } = limits as unknown as ServerLimits;
  if (headersTimeoutMs > requestTimeoutMs)
    throw new ValidationError(
      'OPTION_INVALID',
      'headersTimeoutMs',
      `expected at most requestTimeoutMs (${requestTimeoutMs}), which includes it, got ${headersTimeoutMs}`,
    );
  return { limits: limits as unknown as ServerLimits, rest: rest as Omit<T, keyof ServerLimits> };
}
