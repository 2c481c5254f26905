/** Requests of a host in an `AsyncLocalStorage`, and the resources that are created or kept in their contexts. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import type { Channel } from 'node:diagnostics_channel';
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

/** The name of the current request; `none` outside of all. */
export function requestName(): string {
  return current.getStore()?.name ?? 'none';
}

/** Enters the context of a request of this name for the rest of the current context. */
export function enterRequest(name: string): void {
  current.enterWith({ name });
}

/**
 * Kinds that end with the turn of the event loop, or with the code that awaits them. `RANDOMBYTESREQUEST` is the
 * `randomFillSync` that refills the pool of ids, once for about 400 ids; it ends when it returns.
 */
const PASSING = ['PROMISE', 'Microtask', 'TickObject', 'Immediate', 'FleetQ', 'RANDOMBYTESREQUEST'];

/** The kinds of async resources that are created in such requests until the test ends, except short-lived ones. */
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

/** Runs `work` in a request. @returns a weak reference to the request's data */
export async function finishedRequest(name: string, work: () => Promise<unknown>): Promise<WeakRef<Request>> {
  const data: Request = { name };
  await current.run(data, work);
  return new WeakRef(data);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The names of the requests whose data stays in memory through several garbage collections. */
export async function kept(requests: readonly WeakRef<Request>[]): Promise<string[]> {
  const names = (): string[] => requests.flatMap((each) => each.deref()?.name ?? []);
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef keeps its target until the end of the turn
    collect();
    if (names().length === 0) return [];
  }
  return names();
}

/** Binds the requests to a channel: what it runs in its stores runs in a request of this name. @returns what ends it */
export function boundTo(channel: Channel<unknown, unknown>, name: string): () => void {
  channel.bindStore(current, () => ({ name }));
  const unbind = (): void => void channel.unbindStore(current);
  onTestFinished(unbind);
  return unbind;
}
