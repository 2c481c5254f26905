/** When this pod has last logged a request: a request is a sign of life, so the next heartbeat need not write one. */
import type { Runtime } from '../../../runtime/runtime.js';

export class LoggedSigns {
  readonly #runtime: Pick<Runtime, 'monotonicMs'>;
  #last: { readonly incarnation: string; readonly at: number } | undefined;

  constructor(runtime: Pick<Runtime, 'monotonicMs'>) {
    this.#runtime = runtime;
  }

  /** @param sentAt when the request was sent: the log may date it so early */
  logged(incarnation: string, sentAt: number): void {
    this.#last = { incarnation, at: sentAt };
  }

  /** How long ago this incarnation has logged a request, in ms; `Infinity` if it never has. */
  agoMs(incarnation: string): number {
    return this.#last?.incarnation === incarnation ? this.#runtime.monotonicMs() - this.#last.at : Infinity;
  }
}
