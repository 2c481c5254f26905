/** A store with steps in every state, for the verbs that read. */
import { FleetQ, type AnyFleetQ, type StoreFactory } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { QUICK, stopped, temporaryPath } from '../../support/queues.js';

/** Where a shell finds the store: its environment variables. */
export interface Ground {
  readonly queue: AnyFleetQ;
  readonly env: Readonly<Record<string, string>>;
}

/** A started pod, `worker-1`, that handles `ok` and `bad`. */
export async function startPod(store: StoreFactory): Promise<AnyFleetQ> {
  const queue = stopped(new FleetQ({ store, ...QUICK, podId: 'worker-1', concurrency: 4 }))
    .register('ok', async (args: { readonly n: number }) => ({ got: args.n }))
    .register(
      'bad',
      async () => {
        throw new Error('no such file');
      },
      { maxRetries: 0 },
    );
  await queue.start();
  return queue;
}

/** A pod on an SQLite file of its own. */
export async function sqliteGround(): Promise<Ground> {
  const path = temporaryPath();
  return { queue: await startPod(sqlite({ path })), env: { FLEET_Q_SQLITE_PATH: path } };
}

/** Ids of steps of each state. */
export interface States {
  readonly completed: string;
  readonly failed: string;
  readonly cancelled: string;
  /** Of a type that no pod handles, and of priority 5. */
  readonly pending: string;
}

export async function stepsOfEachState(queue: AnyFleetQ): Promise<States> {
  const submit = (step: object): Promise<string> => queue.submit(step as never);
  const completed = await submit({ type: 'ok', args: { n: 7 }, metadata: { user: 'alice' } });
  const failed = await submit({ type: 'bad' });
  const cancelled = await submit({ type: 'later', delayMs: 3_600_000 });
  const pending = await submit({ type: 'nobody', args: [1], priority: 5 });
  await queue.waitFor(completed);
  await queue.waitFor(failed as never).catch(() => undefined);
  await queue.cancel(cancelled);
  return { completed, failed, cancelled, pending };
}
