/**
 * Asks a probe of a pod over HTTP, for exec probes and for `HEALTHCHECK`.
 *
 * Invariants: it loads nothing but Node.js, since it may run every few seconds beside the pod.
 */
import { get } from 'node:http';
import { get as getSecure } from 'node:https';

export const PROBES = ['livez', 'readyz', 'startupz'] as const;
export type Probe = (typeof PROBES)[number];

export interface ProbeAnswer {
  /** Whether the answer was 200. */
  readonly ok: boolean;
  /** The answer, or why there was none. */
  readonly what: string;
}

/** @param base the address of the API, such as `http://127.0.0.1:8000` */
export function probe(base: URL, which: Probe, timeoutMs: number): Promise<ProbeAnswer> {
  const url = new URL(`${base.pathname.replace(/\/$/, '')}/${which}`, base);
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    const failed = (error: NodeJS.ErrnoException): void => {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : (error.code ?? error.message);
      resolve({ ok: false, what: `${url.href}: ${why}` });
    };
    const ask = url.protocol === 'https:' ? getSecure : get;
    ask(url, { signal, agent: false }, (response) => {
      response.once('error', failed).resume();
      const { statusCode = 0 } = response;
      resolve({ ok: statusCode === 200, what: `${url.href}: ${statusCode}` });
    }).once('error', failed);
  });
}
