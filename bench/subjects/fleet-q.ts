/** FLEET-Q as a user installs it: the built package with its defaults. */
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import type { Place } from '../support/places.js';
import { argsOf, type Args, type Subject } from './subject.js';

/** A build of FLEET-Q. */
export interface Library {
  readonly FleetQ: typeof FleetQ;
  readonly sqlite: typeof sqlite;
}

/** A queue whose only step type calls `onStart`, and returns what that returns. */
export function queueAt(
  { file, full }: Place,
  onStart: (args: Args) => unknown,
  options: { readonly retentionMs?: number } = {},
  library: Library = { FleetQ, sqlite },
) {
  const store = library.sqlite({ path: file, synchronous: full ? 'full' : 'normal' });
  return new library.FleetQ({ store, ...options }).register('noop', (args: Args) => onStart(args));
}

export const steps = (count: number) => argsOf(count).map((args) => ({ type: 'noop' as const, args }));

export function open(place: Place): Subject {
  return subjectOf(place, { FleetQ, sqlite });
}

export function subjectOf(place: Place, library: Library): Subject {
  let onStart: (args: Args) => void = () => undefined;
  const queue = queueAt(place, (args) => onStart(args), {}, library);
  return {
    submit: (args) => queue.submit({ type: 'noop', args }),
    submitMany: (count) => queue.submitMany(steps(count)),
    work: (handler) => {
      onStart = handler;
      return queue.start();
    },
    settled: async () => (await queue.stats()).completedSteps,
    close: () => queue.stop(),
  };
}
