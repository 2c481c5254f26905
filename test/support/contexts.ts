/** Requests of a host, as an `AsyncLocalStorage` sees them, and what is created or kept in their contexts. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { onTestFinished } from 'vitest';

interface Request {
  readonly name: string;
}

const current = new AsyncLocalStorage<Request>();

/** Runs `work` within a request of this name. */
export function inRequest<T>(name: string, work: () => T): T {
  return current.run({ name }, work);
}

/** The name of the request in whose context this is called; `none` outside of all. */
export function requestName(): string {
  return current.getStore()?.name ?? 'none';
}

/** Goes on in the context of a request of this name, for as long as the current context lasts. */
export function enterRequest(name: string): void {
  current.enterWith({ name });
}

/**
 * What lasts for no longer than a turn of the event loop, or than what awaits it. `RANDOMBYTESREQUEST` is the call of
 * `randomFillSync` that fills the pool of ids anew, once for some 400 ids: it is over when it returns.
 */
const PASSING = ['PROMISE', 'Microtask', 'TickObject', 'Immediate', 'FleetQ', 'RANDOMBYTESREQUEST'];

/** The kinds of async resources that are created within such requests until the test ends, but for those that pass. */
export function createdInRequests(counts: (name: string) => boolean = () => true): readonly string[] {
  const created: string[] = [];
  const hook = createHook({
    init: (_id, type) => {
      const request = current.getStore();
      if (request !== undefined && counts(request.name) && !PASSING.includes(type)) created.push(type);
    },
  }).enable();
  onTestFinished(() => void hook.disable());
  return created;
}

/** Runs `work` within a request, and answers a reference to the request's data that keeps nothing alive. */
export async function finishedRequest(name: string, work: () => Promise<unknown>): Promise<WeakRef<Request>> {
  const data: Request = { name };
  await current.run(data, work);
  return new WeakRef(data);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The names of the requests whose data is still in memory, however often the garbage is collected. */
export async function kept(requests: readonly WeakRef<Request>[]): Promise<string[]> {
  const names = (): string[] => requests.flatMap((each) => each.deref()?.name ?? []);
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds on until the turn is over
    collect();
    if (names().length === 0) return [];
  }
  return names();
}
