/**
 * Finds the head of the exchange log: the pod whose UPDATE serves the requests of others, while that UPDATE runs.
 *
 * Invariant: the UPDATE waits, with the table's lock, until the caller is done with its pod. It is executed in any case.
 */
import type { WarehouseProxy } from './proxy.js';
import type { Running, Watcher } from './watch.js';

export interface Head {
  readonly podId: string;
  /** How many other pods have requests in the log that this UPDATE is the first to serve. */
  readonly serves: number;
}

/** What a pod binds: its request alone in an INSERT, and as `own` in an UPDATE. */
interface Bound {
  readonly pod?: string;
  readonly own?: { readonly pod: string };
}

/** @param during what happens to the pod while its UPDATE waits; it is called once, for a pod other than `except` */
export function watchForHead(
  { watch }: WarehouseProxy,
  except: string | null,
  during: (head: Head) => Promise<void>,
): void {
  const asking = new Set<string>();
  const watcher: Watcher = async (running, run) => {
    const { pod, own } = boundBy(running);
    if (running.statement.kind === 'insert' && pod !== undefined) {
      const reply = await run();
      asking.add(pod);
      return reply;
    }
    if (own === undefined) return run();
    asking.delete(own.pod);
    const serves = asking.size;
    asking.clear();
    if (serves > 0 && own.pod !== except) {
      watch.put(undefined);
      await during({ podId: own.pod, serves });
    }
    return run();
  };
  watch.put(watcher);
}

function boundBy({ statement: { table }, bind }: Running): Bound {
  const name = table?.at(-1)?.toUpperCase();
  if (bind === undefined || (name !== 'EXCHANGE_REQUEST' && name !== 'STEP_TRACKER')) return {};
  return bind.startsWith('{') ? (JSON.parse(bind) as Bound) : {};
}
